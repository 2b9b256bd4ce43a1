"""How many tokens a key-value cache holds. Imports no torch."""

from __future__ import annotations


class CachedTokens:
    """The tokens in a key-value cache, whatever holds their keys and values.

    Attributes:
        length: tokens in it. Later positions are unwritten, and take no memory where the system gives it lazily.
        cuts: how often tokens were removed: while it stays the same, those before ``length`` have stayed.
    """

    def __init__(self) -> None:
        self.length = 0
        self.cuts = 0

    def truncate(self, length: int) -> None:
        """Removes everything after the first ``length`` tokens."""
        assert 0 <= length <= self.length
        self.cuts += length < self.length
        self.length = length
