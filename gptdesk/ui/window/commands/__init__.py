"""The registry of commands, its search and palette, and keyboard shortcuts."""
