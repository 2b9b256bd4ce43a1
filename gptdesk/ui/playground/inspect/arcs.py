"""Arcs over the editor's text: where a token looks, the thicker the more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRect, QRectF
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QTextCursor

from gptdesk.ui.playground.editing.editor import Editor
from gptdesk.ui.theme import Theme

_MOST: Final = 24
"""Arcs that are painted: more could not be told apart."""

_LEAST: Final = 0.01
"""Weight from which on a token has one."""

_WIDEST: Final = 5.0
"""Width of the arc of a weight of 1, in pixels."""


@dataclass(frozen=True, eq=False)
class Arcs:
    """Where a token looks.

    Attributes:
        spans: characters of each token in the whole text.
        query: index of the token that looks.
        weights: on each token, from 0 to 1.
    """

    spans: Sequence[tuple[int, int]]
    query: int
    weights: npt.NDArray[np.floating]

    def strongest(self) -> list[int]:
        """The tokens that have arcs, the weakest first."""
        order = np.argsort(self.weights, kind="stable")[-_MOST:].tolist()
        return [key for key in order if self.weights[key] >= _LEAST]


class AttentionArcs:
    """Paints `Arcs` over the text of an editor that still is the one they are about."""

    def __init__(self, editor: Editor, theme: Theme) -> None:
        self._editor, self._theme = editor, theme
        self._shown: Arcs | None = None
        self._text = ""
        editor.overlays.append(self.paint)

    @property
    def shown(self) -> Arcs | None:
        """What is painted; None for nothing."""
        return self._shown if self._text == self._editor.shown else None

    def show(self, arcs: Arcs | None) -> None:
        """Paints these, or nothing."""
        if arcs is not self._shown:
            self._shown, self._text = arcs, self._editor.shown
            self._editor.viewport().update()

    def paint(self, painter: QPainter, visible: QRect) -> None:
        """Paints them; arguments as for `MarkedTextEdit.underlay`."""
        arcs = self.shown
        if arcs is None or arcs.query >= len(arcs.spans):
            return
        accent, text = QColor(self._theme.colours.accent), QColor(self._theme.colours.text)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        here = self._box(arcs.spans[arcs.query])
        for key in arcs.strongest():
            weight, there = float(arcs.weights[key]), self._box(arcs.spans[key])
            accent.setAlphaF(0.12 + 0.3 * weight)
            painter.fillRect(there, accent)
            accent.setAlphaF(0.35 + 0.65 * weight)
            painter.setPen(QPen(accent, 1 + (_WIDEST - 1) * weight))
            if key != arcs.query:
                painter.drawPath(_arc(here, there))
        painter.setPen(QPen(text, 1.5))
        painter.drawLine(here.bottomLeft(), here.bottomRight())
        painter.restore()

    def _box(self, span: tuple[int, int]) -> QRectF:
        """Where a token stands, in pixels of the document; of one that is broken, its first line's part."""
        first, last = (self._caret(place) for place in span)
        if last.top() > first.top() or last.left() <= first.left():
            return QRectF(first.left(), first.top(), max(4.0, first.width()), first.height())
        return QRectF(first.topLeft(), last.bottomLeft())

    def _caret(self, index: int) -> QRectF:
        cursor = QTextCursor(self._editor.document())
        cursor.setPosition(self._editor.places.position(index))
        return QRectF(self._editor.cursorRect(cursor)).translated(0, self._editor.verticalScrollBar().value())


def _arc(here: QRectF, there: QRectF) -> QPainterPath:
    """A curve above the text from one token to another."""
    first, last = QPointF(here.center().x(), here.top()), QPointF(there.center().x(), there.top())
    rise = min(40.0, 6 + abs(first.x() - last.x()) / 6) + abs(first.y() - last.y()) / 8
    path = QPainterPath(first)
    path.cubicTo(first - QPointF(0, rise), last - QPointF(0, rise), last)
    return path
