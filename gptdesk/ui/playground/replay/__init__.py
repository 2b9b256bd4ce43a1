"""Replay: a stored generation is generated again and compared."""
