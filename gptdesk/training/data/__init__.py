"""Data sets and their preparation, without Qt."""
