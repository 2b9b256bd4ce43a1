"""Ends streamed text: before the first stop string, or where a sentence, paragraph or line ends."""

from __future__ import annotations

from collections.abc import Sequence

from gptdesk.inference.until import Until


class Stopping:
    """Ends text before its first stop string or after its first sentence, paragraph or line, whichever comes first.

    Args:
        strings: stop strings.
        until: as for `Until`.

    Attributes:
        found: whether the text has ended; `feed` must not be called after that.
    """

    def __init__(self, strings: Sequence[str], until: str) -> None:
        self._strings, self._until = StopStrings(strings), Until(until)

    @property
    def found(self) -> bool:
        return self._strings.found or self._until.found

    def feed(self, text: str) -> str:
        """Adds ``text``; returns what may be passed on."""
        before = self._until.feed(self._strings.feed(text))
        # A stop string ends the text with what stands before it, white space at the end included.
        return before + self._until.flush() if self._strings.found and not self._until.found else before

    def flush(self) -> str:
        """Returns the text that is still held back, at the end of the stream; the text may end in it."""
        before = self._until.feed(self._strings.flush())
        return before if self._until.found else before + self._until.flush()


class StopStrings:
    """Passes text on as soon as it cannot be part of a stop string.

    The text ends before the first stop string to be complete; if one character completes several, before the longest.
    So the result depends only on the text, not on its pieces.

    Attributes:
        found: whether a stop string was complete; `feed` must not be called after that.
    """

    def __init__(self, strings: Sequence[str]) -> None:
        self.found = False
        self._strings = strings
        self._held = ""

    def feed(self, text: str) -> str:
        """Adds ``text``; returns what may be passed on: all but an end that may be the beginning of a stop string."""
        assert not self.found
        held = self._held + text
        # Held text contains no whole stop string, so each one's first occurrence is the one that is complete first.
        places = [(held.find(string), len(string)) for string in self._strings]
        matches = [(start + length, start) for start, length in places if start >= 0]
        if matches:
            _, cut = min(matches)
            self.found, self._held = True, ""
            return held[:cut]
        certain = len(held) - self._possible_beginning(held)
        self._held = held[certain:]
        return held[:certain]

    def flush(self) -> str:
        """Returns the text that is still held back, at the end of the stream."""
        held, self._held = self._held, ""
        return held

    def _possible_beginning(self, text: str) -> int:
        """Length of the longest end of ``text`` with which a stop string begins."""
        longest = max((len(string) - 1 for string in self._strings), default=0)
        for length in range(min(longest, len(text)), 0, -1):
            if any(string.startswith(text[-length:]) for string in self._strings):
                return length
        return 0
