"""Data in preparation on the Train page."""
