"""Bars of the tokens that could be chosen: one button each, with its probability before and after the samplers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QVBoxLayout, QWidget

from gptdesk.ui.fonts import scaled, smaller
from gptdesk.ui.playground.token_card.labels import Candidate, percent
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.tooltips import wrapped

_HEIGHT: Final = 24
_NUMBER: Final = 16
_TEXT: Final = 92
_OUTCOME: Final = 84
"""Widths of the columns, in pixels at a font of 13 pixels; the bar takes the rest."""

_NOT_INSERTABLE: Final = "It cannot be put into the text by itself."

_KEYS: Final = 9
"""Candidates that a number key chooses."""


class CandidateBar(QAbstractButton):
    """One candidate. A thick bar is its probability after the samplers, a thin one that of the model itself.

    Args:
        number: of the key that chooses it, 0 where none does; None where no bar has a number.

    Attributes:
        candidate: what is shown; None before the first time.

    Signals:
        menu_wanted(object, QPoint): emitted with the candidate and a place of the screen, for a context menu.
    """

    menu_wanted = Signal(object, QPoint)

    def __init__(self, theme: Theme, number: int | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._number = theme, number
        self._scale = 1.0
        self._current = self._below_cut = False
        self.candidate: Candidate | None = None
        self.setFixedHeight(scaled(_HEIGHT))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        theme.changed.connect(self.update)

    def show_candidate(self, candidate: Candidate, *, scale: float, current: bool, below_cut: bool) -> None:
        """Shows a candidate.

        Args:
            candidate: to be shown.
            scale: probability whose bar fills the row.
            current: whether it is the token in the text.
            below_cut: whether it is the first one that was removed, and a line stands above it.
        """
        self.candidate, self._scale, self._current, self._below_cut = candidate, scale, current, below_cut
        before = f"{percent(candidate.before)} in the model's distribution"
        after = (
            f"removed by {candidate.cut_by}" if candidate.cut_by else f"{percent(candidate.after)} with the settings"
        )
        self.setAccessibleName(f"{candidate.text}, {after}, {before}")
        words = f"{after}, {before}"
        self.setToolTip(wrapped(words if candidate.insertable else f"{words}\n{_NOT_INSERTABLE}"))
        self.setAccessibleDescription("" if candidate.insertable else _NOT_INSERTABLE)
        self.update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.candidate is not None:
            self.menu_wanted.emit(self.candidate, event.globalPos())

    def sizeHint(self) -> QSize:
        return QSize(scaled(_NUMBER + _TEXT + _OUTCOME + 48), scaled(_HEIGHT))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.candidate is None:
            return
        one, colours = self.candidate, self._theme.colours
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        if self._current or self.hasFocus() or (self.underMouse() and one.insertable):
            painter.setPen(QColor(colours.accent) if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.wash))
            painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        left, middle = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignVCenter
        if self._below_cut:
            painter.setPen(QPen(QColor(colours.muted), 1, Qt.PenStyle.DashLine))
            painter.drawLine(area.topLeft(), area.topRight())
        number, text, outcome = (4 if self._number is None else scaled(_NUMBER)), scaled(_TEXT), scaled(_OUTCOME)
        ink = QColor(colours.muted if one.cut_by or not one.insertable else colours.text)
        painter.setPen(QColor(colours.muted))
        font = painter.font()
        painter.setFont(smaller(font))
        if self._number:
            painter.drawText(QRectF(4, 0, number, area.height()), left | middle, str(self._number))
        painter.drawText(
            QRectF(area.width() - outcome, 0, outcome - 4, area.height()),
            Qt.AlignmentFlag.AlignRight | middle,
            painter.fontMetrics().elidedText(one.outcome, Qt.TextElideMode.ElideRight, outcome - 4),
        )
        painter.setFont(font)
        painter.setPen(ink)
        shown = painter.fontMetrics().elidedText(one.text, Qt.TextElideMode.ElideRight, text - 8)
        painter.drawText(QRectF(number, 0, text, area.height()), left | middle, shown)
        place = QRectF(number + text, 0, area.width() - number - text - outcome - 4, area.height())
        self._paint_bars(painter, place, one)
        painter.end()

    def _paint_bars(self, painter: QPainter, place: QRectF, one: Candidate) -> None:
        colours = self._theme.colours
        painter.setPen(Qt.PenStyle.NoPen)
        for share, height, top, colour in (
            (one.after, 8.0, place.center().y() - 6, colours.accent),
            (one.before, 3.0, place.center().y() + 3, colours.muted),
        ):
            if share > 0:
                painter.setBrush(QColor(colour))
                width = max(1.0, place.width() * min(1.0, share / self._scale))
                painter.drawRoundedRect(QRectF(place.x(), top, width, height), 1.5, 1.5)


class CandidateBars(QWidget):
    """Bars of several candidates, the most likely first.

    Args:
        count: most candidates.
        keys: whether number keys choose one of the first nine; the bars show which.

    Attributes:
        bars: one for each candidate at most; hidden where there are fewer.

    Signals:
        chosen(object): the `Candidate` that the person clicked.
        menu_wanted(object, QPoint): as of `CandidateBar`.
    """

    chosen = Signal(object)
    menu_wanted = Signal(object, QPoint)

    def __init__(self, theme: Theme, count: int, *, keys: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bars = [
            CandidateBar(theme, (number if number <= _KEYS else 0) if keys else None, self)
            for number in range(1, count + 1)
        ]
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for place, bar in enumerate(self.bars, start=1):
            bar.setAccessibleName(f"Candidate {place}")
            bar.clicked.connect(lambda _=False, bar=bar: self._choose(bar))
            bar.menu_wanted.connect(self.menu_wanted)
            bar.hide()
            layout.addWidget(bar)

    def show_candidates(self, candidates: Sequence[Candidate], *, current: int | None = None) -> None:
        """Shows candidates; ``current`` is the id of the token in the text."""
        scale = max((max(one.before, one.after) for one in candidates), default=1.0) or 1.0
        cut = next((place for place, one in enumerate(candidates) if one.cut_by), None)
        for place, bar in enumerate(self.bars):
            bar.setVisible(place < len(candidates))
            if place < len(candidates):
                one = candidates[place]
                bar.show_candidate(one, scale=scale, current=one.id == current, below_cut=place == cut)

    def press(self, number: int) -> bool:
        """Chooses the candidate with this number; returns whether there is one that can be chosen."""
        bar = self.bars[number - 1] if 1 <= number <= min(_KEYS, len(self.bars)) else None
        return bar is not None and not bar.isHidden() and self._choose(bar)

    def _choose(self, bar: CandidateBar) -> bool:
        if bar.candidate is None or not bar.candidate.insertable:
            return False
        self.chosen.emit(bar.candidate)
        return True
