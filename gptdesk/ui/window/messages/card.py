"""Card of a message: icon, text, buttons. A click on it does not change the focus."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from PySide6.QtCore import QElapsedTimer, QEvent, QObject, Qt, Signal
from PySide6.QtGui import QCursor, QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from gptdesk.ui.fonts import scaled
from gptdesk.ui.icons import SIZE, icon
from gptdesk.ui.services.messages import Message
from gptdesk.ui.theme import Theme

_ICONS: Final = {
    "bad": ("warning", "bad"),
    "warn": ("warning", "warn"),
    "info": ("info", "accent"),
    "good": ("check", "good"),
}

_GAP: Final = 8
_BETWEEN: Final = 4
"""Distance of buttons from the text above them, in pixels."""

_NARROWEST: Final = 240
"""Least width of the text beside buttons, in pixels."""

_SLACK: Final = 12
"""Pixels added to the width from font metrics, for rounding and borders."""

_IGNORE_MS: Final = 400
"""Milliseconds after it appears in which it ignores a mouse that has not moved."""

_JITTER: Final = 4
"""Pixels of unintended mouse movement."""


class MessageCard(QFrame):
    """One message.

    Attributes:
        message: shown by the card.
        pointer: mouse position on the screen when the card appeared.

    Signals:
        closed(): emitted when the card was closed or one of its buttons was pressed.
    """

    closed = Signal()

    def __init__(self, theme: Theme, message: Message, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.message = message
        self._theme = theme
        self.pointer, self._age = QCursor.pos(), QElapsedTimer()
        self._age.start()
        self.setObjectName("banner")
        self.setProperty("kind", message.kind)
        self.setAccessibleName(message.text)
        self._icon = QLabel()
        self._icon.setFixedSize(scaled(SIZE), scaled(SIZE))
        self.words = QLabel(message.text)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setWordWrap(True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._column, self.row, self._below = QVBoxLayout(self), QHBoxLayout(), QHBoxLayout()
        self._column.setContentsMargins(12, 6, 8, 6)
        self._column.setSpacing(_BETWEEN)
        self._column.addLayout(self.row)
        self._column.addLayout(self._below)
        for row in (self.row, self._below):
            row.setSpacing(_GAP)
        self._below.addStretch(1)
        self.row.addWidget(self._icon)
        self.row.addWidget(self.words, 1)
        self._offers = [
            self.add_button(title, partial(self._accept, number)) for number, (title, _) in enumerate(message.offers)
        ]
        close = self.add_button("", self.closed.emit, name="Close message")
        close.setProperty("kind", "flat")
        close.setProperty("icon_only", "true")
        theme.set_icon(close, "close", "muted")
        theme.changed.connect(self._show_icon)
        self._show_icon()

    def add_button(self, title: str, act: Callable[[], object], *, name: str = "", place: int = -1) -> QPushButton:
        """Adds a button at the end or at a place. A click on it does not take the focus."""
        button = QPushButton(title)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAccessibleName(name)
        button.installEventFilter(self)
        button.clicked.connect(lambda: act())
        self.row.insertWidget(place if place >= 0 else self.row.count(), button)
        return button

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Ignores a press at the place where the pointer was when the card appeared: it was meant for what is below."""
        if not isinstance(event, QMouseEvent) or event.type() == QEvent.Type.MouseMove:
            return False
        moved = (event.globalPosition().toPoint() - self.pointer).manhattanLength()
        return self._age.elapsed() < _IGNORE_MS and moved < _JITTER

    def width_at_best(self) -> int:
        """Width of the card with its text in one line, in pixels."""
        return self._width_of_words() + self._width_of_others()

    def height_at(self, width: int) -> int:
        """Height at that width, in pixels. Moves the buttons below the text if it would be too narrow."""
        beside = width - self._width_of_others() >= min(_NARROWEST, self._width_of_words())
        row = self.row if beside else self._below
        for place, button in enumerate(self._offers):
            if row.indexOf(button) < 0:
                (self.row if row is self._below else self._below).removeWidget(button)
                row.insertWidget(2 + place if row is self.row else row.count(), button)
        return self._column.totalHeightForWidth(width)

    def _width_of_words(self) -> int:
        return self.words.fontMetrics().horizontalAdvance(self.message.text) + _SLACK

    def _width_of_others(self) -> int:
        """Width of everything beside the text, with all buttons in its row, in pixels."""
        margins, buttons = (
            self._column.contentsMargins(),
            [b for b in self.findChildren(QPushButton) if b.isVisibleTo(self)],
        )
        parts = [scaled(SIZE), *(button.sizeHint().width() for button in buttons)]
        return margins.left() + margins.right() + sum(parts) + _GAP * len(parts)

    def _accept(self, number: int) -> None:
        _, act = self.message.offers[number]
        self.closed.emit()
        act()

    def _show_icon(self) -> None:
        name, role = _ICONS[self.message.kind]
        self._icon.setPixmap(icon(name, getattr(self._theme.colours, role)).pixmap(self._icon.size()))
