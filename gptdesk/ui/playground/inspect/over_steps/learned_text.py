"""A text whose tokens are coloured by their surprisal, as in the token view; to be read, not changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import Slot
from PySide6.QtGui import QColor, QTextBlockFormat, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QTextEdit

from gptdesk.coloured_text import surprisal
from gptdesk.coloured_text.page import step_of
from gptdesk.ui.fonts import prose_font, scaled
from gptdesk.ui.playground.tokens.measures import MEASURES
from gptdesk.ui.playground.tokens.token_layer import colours_of
from gptdesk.ui.theme import Theme

_TEXT_SIZE: Final = 15
_LINE_HEIGHT: Final = 150.0  # percent


class LearnedText(QTextEdit):
    """Shows a text.

    Args:
        theme: of the window.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._pieces: Sequence[str] = ()
        self._bits: npt.NDArray[np.floating] = np.zeros(0)
        self.setReadOnly(True)
        self.setProperty("kind", "coloured")
        self.setAccessibleName("Text, coloured by surprisal")
        self.setTabChangesFocus(True)
        self.document().setDocumentMargin(4)
        theme.changed.connect(self._paint)
        self._paint()

    def show_tokens(self, pieces: Sequence[str], bits: npt.NDArray[np.floating]) -> None:
        """Shows tokens.

        Args:
            pieces: T of them.
            bits: (T), their surprisals; NaN where there is none.
        """
        self._pieces, self._bits = pieces, bits
        self._paint()

    @Slot()
    def _paint(self) -> None:
        self.setFont(prose_font(scaled(_TEXT_SIZE)))
        colours = colours_of(MEASURES["surprisal"], self._theme)
        place = self.verticalScrollBar().value()
        self.clear()
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        block = QTextBlockFormat()
        block.setLineHeight(_LINE_HEIGHT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        cursor.setBlockFormat(block)
        for piece, bits in zip(self._pieces, self._bits.tolist(), strict=True):
            letters = QTextCharFormat()
            step = 0 if np.isnan(bits) else step_of(surprisal.level(bits))
            if step:
                letters.setBackground(QColor(colours[step]))
            cursor.insertText(piece, letters)
        cursor.endEditBlock()
        self.verticalScrollBar().setValue(place)
