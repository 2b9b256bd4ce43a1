"""A run's configuration: its schema, the values that files and flags give, former names, and the reference page."""
