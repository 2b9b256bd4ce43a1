"""The charts of the Train page."""
