"""Card of a model in the list: name, note, figures, and buttons."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
    QWidget,
)

from gptdesk.ui.fonts import smaller
from gptdesk.ui.models.labels import SEPARATOR, Face
from gptdesk.ui.stylesheet import mix
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.tooltips import wrapped

_PADDING: Final = 12
"""Above and below three lines."""

_LEFT: Final = 16
_GAP: Final = 16
_FIGURE: Final = 112
"""Minimum width of a column of figures, in pixels."""

_LONGEST_CAPTION: Final = "memory: not enough"

_TEXT_LEAST: Final = 240
"""Minimum width of name and note, in pixels; below it figures are part of the note."""

_BAR: Final = 4
_BAR_ROOM: Final = 12
"""Height of the progress bar, and of the bar with the space above it."""

_BUTTON: Final = 152
"""Width of the main button on wide cards, so that the buttons of all cards are aligned."""

_WIDE: Final = 720
"""Minimum width of a wide card, in pixels."""


def card_height(font: QFont) -> int:
    """Height of a card: a line and two small ones."""
    return QFontMetrics(font).height() + 2 * QFontMetrics(smaller(font)).height() + 2 + 2 * _PADDING


class _ActButton(QPushButton):
    """Ignores the second click of a double click, which would run another action (Pause after Download).

    Attributes:
        takes_two: whether both clicks count, as for Pause and Resume.
    """

    takes_two = False

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.takes_two:
            super().mouseDoubleClickEvent(event)
        else:
            event.accept()


class ModelCard(QPushButton):
    """One card; checked while its model is selected. It paints its texts itself: there may be hundreds.

    Attributes:
        key: of its item.
        face: the texts that it shows.
        act: button of the main action.
        stop: cancels the download or job.
        more: opens the menu.

    Signals:
        wanted(str, str): a button was pressed; key of the item and its action.
    """

    wanted = Signal(str, str)

    def __init__(self, theme: Theme, key: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.key = key
        self.face = Face("")
        self._theme = theme
        self.setProperty("kind", "model")
        self.setCheckable(True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.act = _ActButton()
        self.stop, self.more = self._icon_button("close"), self._icon_button("more")
        self.act.clicked.connect(self._on_act)
        self.stop.clicked.connect(lambda: self.wanted.emit(self.key, "stop"))
        self.more.clicked.connect(lambda: self.wanted.emit(self.key, "menu"))
        row = QHBoxLayout(self)
        row.setContentsMargins(_LEFT, 0, 12, 0)
        row.setSpacing(8)
        row.addStretch(1)
        for button in (self.act, self.stop, self.more):
            row.addWidget(button)
        self.stop.hide()
        self.more.setToolTip("More")

    def _on_act(self) -> None:
        self.act.takes_two = self.face.action == "pause"
        self.wanted.emit(self.key, self.face.action)

    def _icon_button(self, name: str) -> QPushButton:
        button = QPushButton()
        button.setProperty("kind", "flat")
        button.setProperty("icon_only", "true")
        self._theme.set_icon(button, name, "muted")
        return button

    def show_face(self, face: Face) -> None:
        """Shows other texts."""
        if face == self.face:
            return
        self.face = face
        if self.act.text() != face.label:
            self.act.setText(face.label)
        for button, shown in ((self.act, bool(face.action)), (self.stop, bool(face.stop))):
            if button.isHidden() == shown:
                button.setVisible(shown)
        for button, words in (
            (self.act, f"{face.label}: {face.title}"),
            (self.stop, f"{face.stop}: {face.title}"),
            (self.more, f"More about {face.title}"),
        ):
            button.setAccessibleName(words)
        self.setAccessibleName(face.title)
        self.setAccessibleDescription(face.spoken)
        self.stop.setToolTip(face.stop)
        self.setToolTip(wrapped(face.tip))
        self.update()

    def nextCheckState(self) -> None:
        """A click on the selected model leaves it selected."""
        self.setChecked(True)

    def sizeHint(self) -> QSize:
        return QSize(320, card_height(self.font()))

    def minimumSizeHint(self) -> QSize:
        return QSize(200, card_height(self.font()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.act.setMinimumWidth(_BUTTON if self.width() >= _WIDE else 0)
        self.update()

    def _words_right(self) -> int:
        """Right edge of the texts, in pixels: where the buttons begin."""
        shown = [button.x() for button in (self.act, self.stop, self.more) if not button.isHidden()]
        return min(shown, default=self.width()) - _GAP

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionButton()
        self.initStyleOption(option)
        painter.drawControl(QStyle.ControlElement.CE_PushButtonBevel, option)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        face, right = self.face, self._words_right()
        numbers = face.figures if face.share is None else ()
        large, small = QFontMetrics(self.font()).height(), QFontMetrics(smaller(self.font())).height()
        figure_width = max(_FIGURE, QFontMetrics(smaller(self.font())).horizontalAdvance(_LONGEST_CAPTION) + 8)
        columns = bool(numbers) and right - _LEFT - len(numbers) * figure_width >= _TEXT_LEAST
        if columns:
            top = (self.height() - large - small) // 2
            for column, figure in enumerate(reversed(numbers)):
                x = right - (column + 1) * figure_width
                self._draw(painter, QRect(x, top, figure_width, large), figure.value, "text", right=True)
                caption = "muted" if figure.role == "text" else figure.role
                place = QRect(x, top + large, figure_width, small)
                self._draw(painter, place, figure.caption, caption, small=True, right=True)
            right -= len(numbers) * figure_width + _GAP
        note, role = face.note
        if numbers and not columns and role == "muted":
            shown = [
                figure.value if figure.caption == "parameters" else f"{figure.value} {figure.caption}"
                for figure in numbers
            ]
            role = "warn" if any(figure.role == "warn" for figure in numbers) else role
            note = SEPARATOR.join([*shown, note] if note else shown)
        width = right - _LEFT
        long = QFontMetrics(smaller(self.font())).horizontalAdvance(note) > width and face.share is None
        below = small * 2 if long else small + (_BAR_ROOM if face.share is not None else 0)
        top = (self.height() - large - 2 - below) // 2
        place = QRect(_LEFT, top + large + 2, width, small * 2 if long else small)
        if face.share is not None:
            self._draw_bar(painter, QRectF(_LEFT, place.bottom() + _BAR_ROOM - _BAR, width, _BAR), face.share)
        self._draw_title(painter, QRect(_LEFT, top, width, large))
        if long:
            self._draw_lines(painter, place, note, role)
        else:
            self._draw(painter, place, note, role, small=True)
        painter.end()

    def _draw_title(self, painter: QPainter, place: QRect) -> None:
        word, role = self.face.badge
        font = QFont(self.font())
        font.setWeight(QFont.Weight.DemiBold)
        small = smaller(self.font())
        badge = QFontMetrics(small).horizontalAdvance(word) + 14 if word else 0
        room = place.width() - (badge + 8 if word else 0)
        title = QFontMetrics(font).elidedText(self.face.title, Qt.TextElideMode.ElideMiddle, room)
        self._draw(painter, QRect(place.x(), place.y(), room, place.height()), title, "text", bold=True)
        if not word:
            return
        x = place.x() + QFontMetrics(font).horizontalAdvance(title) + 8
        colours = self._theme.colours
        height = QFontMetrics(small).height() + 3
        pill = QRectF(x, place.y() + (place.height() - height) / 2, badge, height)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(mix(getattr(colours, role), colours.surface, 0.13)))
        painter.drawRoundedRect(pill, 4, 4)
        painter.setPen(QColor(getattr(colours, role)))
        painter.setFont(small)
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, word)

    def _draw(
        self,
        painter: QPainter,
        place: QRect,
        words: str,
        role: str,
        *,
        bold: bool = False,
        small: bool = False,
        right: bool = False,
    ) -> None:
        font = smaller(self.font()) if small else QFont(self.font())
        if bold:
            font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(getattr(self._theme.colours, role)))
        align = Qt.AlignmentFlag.AlignVCenter | (Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft)
        shown = QFontMetrics(font).elidedText(words, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, align, shown)

    def _draw_lines(self, painter: QPainter, place: QRect, words: str, role: str) -> None:
        """Draws text in two lines, elided at the end of the second."""
        font = smaller(self.font())
        painter.setFont(font)
        painter.setPen(QColor(getattr(self._theme.colours, role)))
        first, rest = _first_line(words, QFontMetrics(font), place.width())
        second = QFontMetrics(font).elidedText(rest, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, first)
        painter.drawText(
            place.adjusted(0, place.height() // 2, 0, 0), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, second
        )

    def _draw_bar(self, painter: QPainter, place: QRectF, share: float) -> None:
        colours = self._theme.colours
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(mix(colours.text, colours.surface, 0.12)))
        painter.drawRoundedRect(place, _BAR / 2, _BAR / 2)
        if share > 0:
            role = {"bad": "bad", "warn": "warn"}.get(self.face.badge[1], "accent")
            painter.setBrush(QColor(getattr(colours, role)))
            done = QRectF(
                place.topLeft(), QPointF(place.x() + max(_BAR, place.width() * min(1.0, share)), place.bottom())
            )
            painter.drawRoundedRect(done, _BAR / 2, _BAR / 2)


def _first_line(words: str, metrics: QFontMetrics, width: int) -> tuple[str, str]:
    """Splits text after the words that fit into ``width`` pixels; drops a separator at the split."""
    end = 0
    while (space := words.find(" ", end + 1)) >= 0 and metrics.horizontalAdvance(words[:space]) <= width:
        end = space
    if not end:
        return words, ""
    return words[:end].rstrip(" ·"), words[end:].lstrip(" ·")
