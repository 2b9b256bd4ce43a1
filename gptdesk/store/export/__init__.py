"""Writes documents in the formats of other programs."""
