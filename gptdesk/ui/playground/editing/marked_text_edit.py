"""A text widget that paints the marks of generated text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, cast

from msgspec.structs import replace
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QGuiApplication, QPainter, QPaintEvent, QTextCursor
from PySide6.QtWidgets import QWidget

from gptdesk.ui.playground.editing.following_text import FollowingTextEdit
from gptdesk.ui.playground.editing.generated_marks import MarkedText, paint_marks
from gptdesk.ui.theme import Theme

_PLACES: Final = Qt.InputMethodQuery.ImCursorRectangle | Qt.InputMethodQuery.ImAnchorRectangle
"""What an input method is told anew when the text scrolls."""


class MarkedTextEdit(FollowingTextEdit):
    """Paints the marks behind the text, unless they are switched off.

    The viewport is opaque, `paintEvent` fills it: so scrolling by a line moves pixels and paints that line alone, and
    nothing of what is behind is painted meanwhile. Whatever is painted has to move with the text.

    Attributes:
        covered: height of the viewport's top over which something lies, in pixels.
        marks_shown: whether the marks are painted.
        layers: each paints more behind the text, as `underlay` does.
        overlays: as ``layers``, over the text.
        underlay: paints more behind the text, in the place of the tint: gets a painter that is translated so that the
            document's origin is where it appears, and the part of the viewport that is painted, with a line above and
            below, because what is painted for a line reaches into its neighbours.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._marked = MarkedText(spans=[], newest=0, line_height=0)
        self.marks_shown = True
        self.covered = 0
        self._dirty_from: int | None = None  # position from which on all is painted anew soon
        self._descriptions: dict[str, str] = {}  # by topic
        self.layers: list[Callable[[QPainter, QRect], None]] = []
        self.overlays: list[Callable[[QPainter, QRect], None]] = []
        self.underlay: Callable[[QPainter, QRect], None] | None = None
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def mark(self, spans: list[tuple[int, int]], newest: int, line_height: int) -> None:
        """Marks ``spans``; see `MarkedText`."""
        before, self._marked = self._marked, MarkedText(spans=spans, newest=newest, line_height=line_height)
        if (before.newest, before.line_height) != (newest, line_height):
            self.viewport().update()
        elif (place := _first_difference(before.spans, spans)) is not None:
            self.update_from(place)

    @property
    def generated(self) -> list[tuple[int, int]]:
        """Start and end of each generated span, in Qt's positions; none while the marks are switched off."""
        return self._marked.spans if self.marks_shown else []

    def show_marks(self, marks: bool) -> None:
        """Shows or hides the marks."""
        self.marks_shown = marks
        self.viewport().update()

    def lines_between(self, start: int, end: int) -> QRect:
        """The part of the viewport that holds the lines of two of Qt's positions, those between, and one on each side.

        What is painted for a line reaches into its neighbours.
        """
        top, bottom = self._caret_at(start).top(), self._caret_at(end).bottom()
        height = self._marked.line_height
        return QRect(0, top - height, self.viewport().width(), bottom - top + 2 * height)

    def update_from(self, position: int) -> None:
        """Paints the line that holds one of Qt's positions anew, and all that is below it."""
        if self._dirty_from is not None and self._dirty_from <= position:
            return
        self._dirty_from = position
        top = self._caret_at(position).top() - self._marked.line_height
        self.viewport().update(self.viewport().rect().adjusted(0, top, 0, 0))

    def _caret_at(self, position: int) -> QRect:
        """Where a caret stands at one of Qt's positions."""
        cursor = QTextCursor(self.document())
        cursor.setPosition(min(position, self.document().characterCount() - 1))
        return self.cursorRect(cursor)

    @contextmanager
    def putting_text(self, position: int) -> Iterator[None]:
        """While text is put at one of Qt's positions: at the end, the last line and what is below it are painted anew.

        Qt would paint the whole paragraph, of which adding a word changes no line before the last one.
        """
        if position < self.document().characterCount() - 1:
            yield
            return
        layout = self.document().documentLayout()
        size = layout.documentSize()
        self.update_from(position)
        layout.blockSignals(True)
        try:
            yield
        finally:
            layout.blockSignals(False)
            if layout.documentSize() != size:
                layout.documentSizeChanged.emit(layout.documentSize())

    def describe(self, topic: str, sentence: str) -> None:
        """Makes a sentence a part of the accessible description; "" takes that topic's away."""
        self._descriptions[topic] = sentence
        whole = " ".join(filter(None, self._descriptions.values()))
        if whole != self.accessibleDescription():
            self.setAccessibleDescription(whole)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Moves the pixels that nothing lies over: if it were asked to move others, too, Qt would paint all anew."""
        if not self.covered:
            super().scrollContentsBy(dx, dy)
            return
        viewport = self.viewport()
        viewport.scroll(dx, dy, viewport.rect().adjusted(0, self.covered, 0, 0))
        viewport.update(0, 0, viewport.width(), self.covered)
        QGuiApplication.inputMethod().update(_PLACES)

    def paintEvent(self, event: QPaintEvent) -> None:
        self._dirty_from = None
        for rows in _bands(event, apart=2 * self._marked.line_height):
            self._paint(rows)

    def _paint(self, rows: QRect) -> None:
        """Paints some rows of the viewport."""
        height = self._marked.line_height
        painted = rows.adjusted(0, -height, 0, height)
        with self._painting(rows) as painter:
            painter.fillRect(rows.translated(0, self.verticalScrollBar().value()), QColor(self._theme.colours.surface))
            if self._marked.spans and self.marks_shown:
                marked = self._marked if self.underlay is None else replace(self._marked, newest=None)
                paint_marks(painter, self.document(), marked, painted, self._theme.colours)
            if self.underlay is not None:
                self.underlay(painter, painted)
            for layer in self.layers:
                layer(painter, painted)
        super().paintEvent(QPaintEvent(rows))
        if self.overlays:
            with self._painting(rows) as painter:
                for overlay in self.overlays:
                    overlay(painter, painted)

    @contextmanager
    def _painting(self, rows: QRect) -> Iterator[QPainter]:
        """Paints on these rows of the viewport, in coordinates of the document."""
        painter = QPainter(self.viewport())
        painter.setClipRect(rows)
        painter.translate(0, -self.verticalScrollBar().value())
        yield painter
        painter.end()


def _bands(event: QPaintEvent, *, apart: int) -> list[QRect]:
    """The rows that an event has painted; rows between them are left out where there are more than ``apart``.

    Where something lies over the text, it is painted below that when it scrolls, and far from there its new line.
    """
    bands: list[QRect] = []
    whole = event.rect()
    for part in cast(Sequence[QRect], event.region()):  # which PySide's types do not say
        rows = QRect(whole.left(), part.top(), whole.width(), part.height())
        if bands and rows.top() - bands[-1].bottom() <= apart:
            bands[-1] = bands[-1].united(rows)
        else:
            bands.append(rows)
    return bands


def _first_difference(one: Sequence[tuple[int, int]], other: Sequence[tuple[int, int]]) -> int | None:
    """The first position that only one of two lists of spans holds; ``None`` where they are the same."""
    number = 0
    shorter = min(len(one), len(other))
    if one[: shorter - 1] == other[: shorter - 1]:  # as while the last span grows
        number = max(0, shorter - 1)
    while number < shorter and one[number] == other[number]:
        number += 1
    if number == shorter:
        return None if len(one) == len(other) else max(one, other, key=len)[number][0]
    (start, end), (other_start, other_end) = one[number], other[number]
    return min(start, other_start) if start != other_start else min(end, other_end)
