"""Looks into a model: what its layers make of a text, and how one of its tokens is chosen."""
