"""Highlights the matches of a search in the part of the text that is in view."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Final

from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QTextEdit

from gptdesk.ui.palette import Colours
from gptdesk.ui.playground.editing.editor import Editor
from gptdesk.ui.playground.find.matching import Match
from gptdesk.ui.stylesheet import mix

_SHARE: Final = 0.3
"""Of the colour behind a match, on the text's surface."""


def highlight_matches(editor: Editor, matches: list[Match], current: int, colours: Colours) -> None:
    """Highlights those of ``matches`` that are in view, the one of index ``current`` more strongly."""
    area = editor.viewport().rect()
    first = editor.places.index(editor.cursorForPosition(QPoint(0, 0)).position())
    last = editor.places.index(editor.cursorForPosition(area.bottomRight()).position())
    low = bisect_left(matches, first, key=lambda match: match.end)
    high = bisect_right(matches, last, key=lambda match: match.start)
    positions = editor.places.positions([place for match in matches[low:high] for place in (match.start, match.end)])
    selections = []
    for number, match in enumerate(range(low, high)):
        cursor = QTextCursor(editor.document())
        cursor.setPosition(positions[2 * number])
        cursor.setPosition(positions[2 * number + 1], QTextCursor.MoveMode.KeepAnchor)
        selection = QTextEdit.ExtraSelection()
        look = QTextCharFormat()
        look.setBackground(QColor(mix(colours.warn, colours.surface, 2 * _SHARE if match == current else _SHARE)))
        selection.format, selection.cursor = look, cursor
        selections.append(selection)
    editor.setExtraSelections(selections)
