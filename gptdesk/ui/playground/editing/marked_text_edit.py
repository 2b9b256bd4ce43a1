"""A text widget that paints the marks of generated text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gptdesk.ui.playground.editing.following_text import FollowingTextEdit
from gptdesk.ui.playground.editing.generated_marks import MarkedText, paint_marks
from gptdesk.ui.theme import Theme


class MarkedTextEdit(FollowingTextEdit):
    """Paints the marks behind the text, unless they are switched off.

    Attributes:
        marks_shown: whether the marks are painted.
        layers: each paints more behind the text, as `underlay` does.
        overlays: as ``layers``, over the text.
        underlay: paints more behind the text, in the place of the tint: gets a painter that is translated so that the
            document's origin is where it appears, and the part of the viewport that is visible.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._marked = MarkedText(spans=[], newest=0, line_height=0)
        self.marks_shown = True
        self._descriptions: dict[str, str] = {}  # by topic
        self.layers: list[Callable[[QPainter, QRect], None]] = []
        self.overlays: list[Callable[[QPainter, QRect], None]] = []
        self.underlay: Callable[[QPainter, QRect], None] | None = None

    def mark(self, spans: list[tuple[int, int]], newest: int, line_height: int) -> None:
        """Marks ``spans``; see `MarkedText`."""
        self._marked = MarkedText(spans=spans, newest=newest, line_height=line_height)
        self.viewport().update()

    @property
    def generated(self) -> list[tuple[int, int]]:
        """Start and end of each generated span, in Qt's positions; none while the marks are switched off."""
        return self._marked.spans if self.marks_shown else []

    def show_marks(self, marks: bool) -> None:
        """Shows or hides the marks."""
        self.marks_shown = marks
        self.viewport().update()

    def describe(self, topic: str, sentence: str) -> None:
        """Makes a sentence a part of the accessible description; "" takes that topic's away."""
        self._descriptions[topic] = sentence
        whole = " ".join(filter(None, self._descriptions.values()))
        if whole != self.accessibleDescription():
            self.setAccessibleDescription(whole)

    def paintEvent(self, event: QPaintEvent) -> None:
        has_marks = bool(self._marked.spans) and self.marks_shown
        if has_marks or self.layers or self.underlay is not None:
            painter = QPainter(self.viewport())
            painter.translate(0, -self.verticalScrollBar().value())
            if has_marks:
                marked = self._marked if self.underlay is None else replace(self._marked, newest=None)
                paint_marks(painter, self.document(), marked, event.rect(), self._theme.colours)
            if self.underlay is not None:
                self.underlay(painter, event.rect())
            for layer in self.layers:
                layer(painter, event.rect())
            painter.end()
        super().paintEvent(event)
        if self.overlays:
            painter = QPainter(self.viewport())
            painter.translate(0, -self.verticalScrollBar().value())
            for overlay in self.overlays:
                overlay(painter, event.rect())
            painter.end()
