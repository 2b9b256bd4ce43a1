"""Services that pages share: inference, documents, models, runs, settings, messages. They own all threads."""
