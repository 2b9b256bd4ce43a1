"""What a forward pass raises that was given up. Imports no torch."""

from __future__ import annotations


class Interrupted(Exception):
    """A forward pass was given up between two blocks; the cache holds what it held before."""
