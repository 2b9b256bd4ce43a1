"""Comparisons as files: CSV, JSON, and a web page with the colours of the tokens."""
