"""The main window: pages, commands, messages, settings, help."""
