"""A place in a text that stays where it is while the caret moves and the text around it changes. No Qt."""

from __future__ import annotations

from bisect import bisect_left


class Pin:
    """A pinned caret.

    Attributes:
        place: index of a character; None where nothing is pinned.
    """

    def __init__(self) -> None:
        self.place: int | None = None
        self._text = ""

    def put(self, place: int, text: str) -> None:
        """Pins a place of a text."""
        self.place, self._text = place, text

    def drop(self) -> None:
        """Pins nothing."""
        self.place, self._text = None, ""

    def follow(self, text: str) -> None:
        """Moves the place with a change of the text; drops it where the change goes over it."""
        if self.place is None or text == self._text:
            return
        start, end = changed(self._text, text)
        if start < self.place < end:
            self.drop()
            return
        if self.place >= end and self.place > start:
            self.place += len(text) - len(self._text)
        self._text = text


def changed(old: str, new: str) -> tuple[int, int]:
    """Start and end of the part of ``old`` that differs from ``new``, the shortest at the beginning of the text."""
    shorter = min(len(old), len(new))
    start = bisect_left(range(1, shorter + 1), True, key=lambda size: old[:size] != new[:size])
    rest = shorter - start
    after = bisect_left(range(1, rest + 1), True, key=lambda size: old[len(old) - size :] != new[len(new) - size :])
    return start, len(old) - after
