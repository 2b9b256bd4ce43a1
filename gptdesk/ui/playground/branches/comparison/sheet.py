"""The text of a comparison: both branches side by side, or one below the other within the lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtGui import (
    QColor,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFrameFormat,
    QTextLength,
    QTextTableFormat,
)

from gptdesk.ui import number_format
from gptdesk.ui.palette import Colours
from gptdesk.ui.playground.branches.comparison.word_diff import Part
from gptdesk.ui.stylesheet import mix

_SHOWN: Final = 400
"""Characters of a long shared stretch that are shown before and behind a difference."""

_LONG: Final = 3 * _SHOWN
"""Shared characters of which some are left out."""


@dataclass(frozen=True)
class Line:
    """Parts that begin and end at the same place of both texts; ``left_out`` shared characters stand before it."""

    parts: Sequence[Part]
    left_out: int = 0


def lines_of(parts: Sequence[Part]) -> list[Line]:
    """The lines of a comparison: a new one begins at each line end that both have. Long shared parts are shortened."""
    lines: list[Line] = []
    now: list[Part] = []
    left_out = 0
    for number, part in enumerate(parts):
        if not part.same:
            now.append(part)
            continue
        for piece, skipped in _shortened(part.left, first=number == 0, last=number == len(parts) - 1):
            if skipped:
                if now:
                    lines.append(Line(tuple(now), left_out))
                now, left_out = [], skipped
            *ended, rest = piece.split("\n")
            for text in ended:
                lines.append(Line((*now, Part(text, text)), left_out))
                now, left_out = [], 0
            if rest:
                now.append(Part(rest, rest))
    if now or left_out:
        lines.append(Line(tuple(now), left_out))
    return lines


def _shortened(text: str, *, first: bool, last: bool) -> list[tuple[str, int]]:
    """Pieces of a shared text, each with how many characters were left out before it."""
    if len(text) <= _LONG:
        return [(text, 0)]
    head = "" if first else text[:_SHOWN]
    tail = "" if last else text[-_SHOWN:]
    return [(head, 0), (tail, len(text) - len(head) - len(tail))]


class Sheet:
    """Writes a comparison into a document of a text widget.

    Attributes:
        places: start and end of every difference, in positions of the widget.
    """

    def __init__(self, document: QTextDocument, colours: Colours) -> None:
        self._document, self._cursor = document, QTextCursor(document)
        self.places: list[tuple[int, int]] = []
        self._shared, self._left, self._right, self._note = (QTextCharFormat() for _ in range(4))
        self._shared.setForeground(QColor(colours.muted))
        self._note.setForeground(QColor(colours.muted))
        self._note.setFontItalic(True)
        for look, colour in ((self._left, colours.warn), (self._right, colours.accent)):
            look.setForeground(QColor(colours.text))
            look.setBackground(QColor(mix(colour, colours.surface, 0.2)))
            look.setUnderlineColor(QColor(colour))
            look.setUnderlineStyle(QTextCharFormat.UnderlineStyle.SingleUnderline)

    def write_beside(self, lines: Sequence[Line]) -> None:
        """Writes both texts side by side, a row of a table for each line."""
        self._clear()
        form = QTextTableFormat()
        form.setBorder(0)
        form.setCellPadding(6)
        form.setCellSpacing(0)
        form.setWidth(QTextLength(QTextLength.Type.PercentageLength, 100))
        form.setColumnWidthConstraints([QTextLength(QTextLength.Type.PercentageLength, 50)] * 2)
        count = sum(1 + bool(line.left_out) for line in lines)
        table = self._cursor.insertTable(max(1, count), 2, form)
        row = 0
        for line in lines:
            if line.left_out:
                table.mergeCells(row, 0, 1, 2)
                self._cursor = table.cellAt(row, 0).firstCursorPosition()
                self._write_note(line.left_out)
                row += 1
            for column in (0, 1):
                self._cursor = table.cellAt(row, column).firstCursorPosition()
                for part in line.parts:
                    self._write(part.right if column else part.left, part, (self._left, self._right)[column])
            row += 1
        self.places.sort()

    def write_inline(self, lines: Sequence[Line]) -> None:
        """Writes one text in which each difference is the left text followed by the right one."""
        self._clear()
        self._left.setFontStrikeOut(True)
        for number, line in enumerate(lines):
            if number:
                self._cursor.insertBlock()
            if line.left_out:
                self._write_note(line.left_out)
                self._cursor.insertBlock()
            for part in line.parts:
                self._write(part.left, part, self._left)
                if not part.same:
                    self._write(part.right, part, self._right)

    def _clear(self) -> None:
        self._document.clear()
        frame = QTextFrameFormat(self._document.rootFrame().frameFormat())
        frame.setMargin(8)
        self._document.rootFrame().setFrameFormat(frame)
        self._left.setFontStrikeOut(False)
        self.places.clear()
        self._cursor = QTextCursor(self._document)
        block = QTextBlockFormat()
        block.setLineHeight(140, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        self._cursor.setBlockFormat(block)

    def _write_note(self, left_out: int) -> None:
        self._cursor.insertText(f"{number_format.counted(left_out, 'character')} that both have…", self._note)

    def _write(self, text: str, part: Part, look: QTextCharFormat) -> None:
        start = self._cursor.position()
        self._cursor.insertText(text, self._shared if part.same else look)
        if text and not part.same:
            self.places.append((start, self._cursor.position()))
