"""Guided tours: a document with steps, each of which opens the view that it is about."""
