"""Tokens that arrive are painted in colour, the stronger the less probable they were, and fade to ink."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Final

import msgspec
from PySide6.QtCore import QObject, QPointF, QRect, SignalInstance, Slot
from PySide6.QtGui import QColor, QPainter, QTextLine

from gptdesk.inference.events import TokenEvent
from gptdesk.ui.playground.editing.editor import Editor
from gptdesk.ui.theme import Theme
from gptdesk.ui.throttle import Debounce

FADE_SECONDS: Final = 0.9

MOST: Final = 24
"""Tokens that fade at once. So the time that they take has a bound, and fast text fades sooner."""

_FRAME_MS: Final = 60
"""Until the colours are painted again, unless a token comes before: text that streams is painted anyway."""

_LEAST: Final = 0.1
"""Strength of a token that was certain."""

_FULL_BITS: Final = 7.0
"""Surprisal from which on a token arrives in full colour."""

_FAINT: Final = 0.04
"""A strength that nobody sees."""


class Arrival(msgspec.Struct, frozen=True):
    """A token that has arrived, in positions of the text widget.

    Attributes:
        start, end: of its letters.
        strength: of its colour when it arrived, 0 to 1.
        time: when it arrived, in seconds.
    """

    start: int
    end: int
    strength: float
    time: float

    def strength_at(self, now: float) -> float:
        """Of its colour now."""
        left = max(0.0, 1 - (now - self.time) / FADE_SECONDS)
        return self.strength * left * left


class TokenArrival(QObject):
    """Colours the tokens of an editor for a moment, over the letters.

    Args:
        clock: returns the time in seconds.
    """

    def __init__(self, editor: Editor, theme: Theme, clock: Callable[[], float] = perf_counter) -> None:
        super().__init__(editor)
        self._editor, self._theme, self._clock = editor, theme, clock
        self.arrivals: deque[Arrival] = deque(maxlen=MOST)
        self._frames = Debounce(self._show_frame, _FRAME_MS, self)
        self._index: int | None = None  # where the next token begins
        editor.overlays.append(self.paint)
        editor.edited.connect(self.clear)

    def follow(self, tokens: SignalInstance, index: int) -> None:
        """Colours the tokens of a generation.

        Args:
            tokens: emitted with its `TokenEvent`s once the editor shows them.
            index: character of the text at which it begins.
        """
        self.clear()
        self._index = index
        tokens.connect(self._on_tokens)

    @Slot(object)
    def _on_tokens(self, events: Iterable[TokenEvent]) -> None:
        if self._index is not None:
            self._index = self.add(self._index, [event for event in events if event.index == 0])

    def add(self, index: int, events: Iterable[TokenEvent]) -> int:
        """Tokens have arrived that begin at the character ``index``; returns where they end."""
        now, length = self._clock(), len(self._editor.shown)
        if self.arrivals:
            self._editor.update_from(self.arrivals[0].start)  # they fade on
        bounds, strengths = [index], []
        for event in events:
            bounds.append(min(bounds[-1] + event.length, length))
            strengths.append(strength(event.logprob))
        positions = self._editor.places.positions(bounds)
        for start, end, one in zip(positions, positions[1:], strengths, strict=False):
            if start < end:
                self.arrivals.append(Arrival(start, end, one, now))
        self._frames.request()
        return bounds[-1]

    @Slot()
    def clear(self) -> None:
        """Makes all tokens ink at once, and follows no generation."""
        self._index = None
        if self.arrivals:
            self.arrivals.clear()
            self._editor.viewport().update()
        self._frames.cancel()

    def _show_frame(self) -> None:
        """Paints those that still fade; the oldest come first."""
        self._editor.viewport().update(self._area())
        now = self._clock()
        while self.arrivals and self.arrivals[0].strength_at(now) < _FAINT:
            self.arrivals.popleft()
        if self.arrivals:
            self._frames.request()

    def _area(self) -> QRect:
        """Lines of the viewport with tokens that fade."""
        if not self.arrivals:
            return QRect()
        return self._editor.lines_between(self.arrivals[0].start, self.arrivals[-1].end)

    def paint(self, painter: QPainter, visible: QRect) -> None:
        """Paints the letters of tokens that fade once more; arguments as for `MarkedTextEdit.overlays`."""
        now, length, document = self._clock(), self._editor.places.length, self._editor.document()
        colour = QColor(self._theme.colours.accent)
        line, first, last, corner = QTextLine(), 0, 0, QPointF()  # that of the letters before
        for arrival in self.arrivals:
            if (share := arrival.strength_at(now)) < _FAINT:
                continue
            colour.setAlphaF(share)
            painter.setPen(colour)
            start, end = arrival.start, min(arrival.end, length)
            while start < end:
                if not first <= start < last:
                    block = document.findBlock(start)
                    line = block.layout().lineForTextPosition(start - block.position())
                    first = block.position()
                    last = first + line.textStart() + line.textLength() if line.isValid() else first
                    corner = document.documentLayout().blockBoundingRect(block).topLeft()
                for run in line.glyphRuns(start - first, min(end, last) - start) if start < last else ():
                    painter.drawGlyphRun(corner, run)
                start = max(last, start + 1)


def strength(logprob: float) -> float:
    """Of the colour in which a token arrives: grows with its surprisal."""
    bits = min(-logprob / math.log(2), _FULL_BITS)
    return _LEAST + (1 - _LEAST) * max(bits, 0.0) / _FULL_BITS
