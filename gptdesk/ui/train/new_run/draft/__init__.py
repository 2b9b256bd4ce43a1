"""The draft of a run: settings, schema, whether it can be started, and its background tasks. No Qt."""
