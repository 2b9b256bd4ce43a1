"""A line across the window that says what happened and offers what to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from gptdesk.ui.icons import SIZE, icon
from gptdesk.ui.theme import Theme

Offer = tuple[str, Callable[[], object]]
"""What a button says, and what it does."""

_ICONS: Final = {"bad": ("warning", "bad"), "warn": ("warning", "warn"), "info": ("info", "accent")}


class Banner(QFrame):
    """One message.

    Attributes:
        text: the message.

    Signals:
        closed(): the person has read it.
    """

    closed = Signal()

    def __init__(
        self, theme: Theme, kind: str, text: str, offers: Sequence[Offer], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.text = text
        self._theme, self._kind = theme, kind
        self.setObjectName("banner")
        self.setProperty("kind", kind)
        self.setAccessibleName(text)
        self._icon = QLabel()
        self._icon.setFixedSize(SIZE, SIZE)
        label = QLabel(text)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 8, 8)
        layout.setSpacing(12)
        layout.addWidget(self._icon)
        layout.addWidget(label, 1)
        for title, act in offers:
            button = QPushButton(title)
            button.clicked.connect(lambda _=False, act=act: self._accept(act))
            layout.addWidget(button)
        close = QPushButton()
        close.setProperty("kind", "flat")
        close.setProperty("icon_only", "true")
        close.setAccessibleName("Close message")
        close.clicked.connect(self.closed)
        theme.set_icon(close, "close", "muted")
        layout.addWidget(close)
        theme.changed.connect(self._show_icon)
        self._show_icon()

    def _accept(self, act: Callable[[], object]) -> None:
        self.closed.emit()
        act()

    def _show_icon(self) -> None:
        name, role = _ICONS[self._kind]
        self._icon.setPixmap(icon(name, getattr(self._theme.colours, role)).pixmap(QSize(SIZE, SIZE)))


class Banners(QWidget):
    """The messages that are open, newest at the bottom; the same one is shown once."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._open: dict[str, Banner] = {}
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(16, 8, 16, 8)
        self._layout.setSpacing(8)
        self.setProperty("zone", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.hide()

    @property
    def texts(self) -> list[str]:
        """The messages that are open."""
        return [banner.text for banner in self._open.values()]

    def show_message(self, text: str, *, kind: str = "bad", topic: str = "", offers: Sequence[Offer] = ()) -> None:
        """Shows a message.

        Args:
            text: one sentence or two.
            kind: "bad", "warn" or "info".
            topic: a newer message of the same topic takes the place of the older; the text itself when empty.
            offers: buttons.
        """
        topic = topic or text
        self.close_message(topic)
        banner = Banner(self._theme, kind, text, offers, self)
        banner.closed.connect(lambda: self.close_message(topic))
        self._open[topic] = banner
        self._layout.addWidget(banner)
        self.show()
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(banner, text))

    def close_message(self, topic: str) -> None:
        """Takes the message of that topic away, if it is there."""
        banner = self._open.pop(topic, None)
        if banner:
            self._layout.removeWidget(banner)
            banner.hide()
            banner.deleteLater()
        self.setVisible(bool(self._open))
