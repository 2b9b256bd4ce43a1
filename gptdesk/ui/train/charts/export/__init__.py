"""Exports charts as pictures, and their values as a table."""
