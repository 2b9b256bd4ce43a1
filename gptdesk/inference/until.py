"""Ends streamed text at the end of its first sentence, paragraph or line, however the text is cut into pieces."""

from __future__ import annotations

import re
from typing import Final

UNITS: Final = ("sentence", "paragraph", "line")
"""After what a completion may end."""

_CONTEXT: Final = 64
"""Characters of the text that was passed on which are kept: an end is judged by the word before it."""

_CLOSERS: Final = r"""["'”’»)\]*_]*"""
_SENTENCE: Final = re.compile(
    rf"(?P<mark>[.!?…]+){_CLOSERS}(?P<space>\s+)(?=\S)"  # the first character of the next word decides
    rf"|(?P<wide>[。！？]+[」』）”’]*)(?=[^。！？」』）”’])"
    rf"|(?P<blank>[^\S\n]*\n[^\S\n]*\n)"
)
_BREAKS: Final = {"paragraph": re.compile(r"[^\S\n]*\n[^\S\n]*\n"), "line": re.compile(r"[^\S\n]*\n")}
_ABBREVIATION: Final = re.compile(
    r"""(?:^|[\s"'“‘(\[])
    (?:[A-HJ-Z]|[A-Za-z](?:\.[A-Za-z])+|Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|Rev|Gen|Col|Capt|Lt|Sgt|Hon|Gov|Sen|Rep
    |vs|cf|etc|approx|al|No|Nos|Fig|figs?|pp?|vol|ed|eds|Inc|Ltd|Co|Corp|Jan|Feb|Aug|Sept?|Oct|Nov|Dec)$""",
    re.VERBOSE,
)


class Until:
    """Passes text on up to the end of its first unit; only white space at the end of the text is held back.

    The rule, which begins with the first character that is no white space:

    - A line ends before the line break, a paragraph before the blank line, each without the spaces before it.
    - A sentence ends after one or more of ``. ! ? …`` and the closing quotes, brackets and asterisks behind them, if
      white space follows and then something other than a lower-case letter (so `"What?" he said.` is one sentence). A
      single full stop after an initial ("J. Smith") or a common abbreviation ("Dr.", "e.g.") ends none. Neither does
      any at the end of the text, because what follows is not known. ``。 ！ ？`` need no white space behind them. A
      blank line ends a sentence, too.

    So the result depends only on the text, not on its pieces.

    Args:
        unit: one of `UNITS`; any other passes everything on at once.

    Attributes:
        found: whether the unit has ended; `feed` must not be called after that.
    """

    def __init__(self, unit: str) -> None:
        self.found = False
        self._unit = unit
        self._passed = self._held = ""  # the end of what was passed on; what is not
        self._begun = False

    def feed(self, text: str) -> str:
        """Adds ``text``; returns what may be passed on."""
        assert not self.found
        if self._unit not in UNITS:
            return text
        held = self._held + text
        if not self._begun:
            begin = len(held) - len(held.lstrip())
            if begin == len(held):
                self._held = held
                return ""
            self._begun, self._passed, held = True, held[:begin], held[begin:]
            return self._passed + self._feed(held)
        return self._feed(held)

    def flush(self) -> str:
        """Returns the text that is still held back, at the end of the stream."""
        held, self._held = self._held, ""
        return held

    def _feed(self, held: str) -> str:
        known = self._passed + held
        cut = self._end(known, len(self._passed))
        if cut is not None:
            self.found, self._held = True, ""
            return known[len(self._passed) : cut]
        certain = len(held.rstrip())
        self._passed = (self._passed + held[:certain])[-_CONTEXT:]
        self._held = held[certain:]
        return held[:certain]

    def _end(self, text: str, decided: int) -> int | None:
        """Where the unit ends; not before ``decided``, because what was passed on does not end it."""
        if self._unit != "sentence":
            match = _BREAKS[self._unit].search(text, decided)
            return match.start() if match else None
        for match in _SENTENCE.finditer(text):
            if match["blank"] is not None or match["wide"] is not None:
                end = match.start() if match["blank"] is not None else match.end()
                if end >= decided:
                    return end
            elif match.start("space") >= decided and _ends_sentence(text, match):
                return match.start("space")
        return None


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    """Whether a mark with white space behind it ends a sentence."""
    if match["space"].count("\n") > 1:
        return True
    if text[match.end()].islower():
        return False
    return match["mark"] != "." or _ABBREVIATION.search(text[: match.start()]) is None
