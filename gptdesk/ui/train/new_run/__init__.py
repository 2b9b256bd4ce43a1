"""The New run sheet: data, model to start from, settings."""
