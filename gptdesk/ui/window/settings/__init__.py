"""The settings dialog: its pages, rows, and what settings change in the window."""
