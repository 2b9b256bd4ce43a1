"""The text that the editor's widget holds, and what is where in it: indexes of the text, Qt's positions. No Qt."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence

from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.ui.playground.editing import view_text


class ShownText:
    """Converts between indexes of a text, in characters, and positions of the widget that shows it, in UTF-16 units.

    Attributes:
        mixed: the text of the document that is shown.
        length: of what the widget holds, in Qt's units.
        soft_breaks: Qt's positions at which the widget breaks a paragraph without a character of the text, ascending.
    """

    def __init__(self) -> None:
        self.mixed = MixedText()
        self.length = 0
        self.soft_breaks: list[int] = []

    @property
    def text(self) -> str:
        return self.mixed.text

    def record(self, mixed: MixedText, position: int, removed: int, added: int, length: int) -> None:
        """Records an edit of the widget.

        Args:
            mixed: the text that it shows now.
            position, removed, added: of the edit, in Qt's units.
            length: of what it holds now, in Qt's units.
        """
        self.mixed, self.length = mixed, length
        self.soft_breaks = [
            place if place < position else place + added - removed
            for place in self.soft_breaks
            if not position <= place < position + removed
        ]

    def add_soft_breaks(self, position: int, pieces: Sequence[str]) -> None:
        """Records that the widget breaks the paragraph between ``pieces``, the first of which is at ``position``."""
        for piece in pieces[:-1]:
            position += view_text.units(piece) + 1
            bisect.insort(self.soft_breaks, position - 1)

    def index(self, position: int) -> int:
        """Converts Qt's position to an index of the text."""
        position -= bisect.bisect_left(self.soft_breaks, position)
        return position if self._plain else view_text.index(self.text, position)

    def position(self, index: int) -> int:
        """Converts an index of the text to Qt's position; at a soft break, the one after it."""
        return self.positions([index])[0]

    def positions(self, indexes: Iterable[int]) -> list[int]:
        """`position` of each of ``indexes``, which must ascend."""
        found: list[int] = []
        at = units = passed = 0
        plain = self._plain
        for index in indexes:
            units += index - at if plain else view_text.units(self.text[at:index])
            at = index
            while passed < len(self.soft_breaks) and self.soft_breaks[passed] <= units + passed:
                passed += 1
            found.append(units + passed)
        return found

    @property
    def _plain(self) -> bool:
        """Whether each character of the text is one of Qt's units."""
        return self.length - len(self.soft_breaks) == len(self.text)
