"""Imports: the formats that models come in, one module a format, and the table of them (`formats`)."""
