"""Welcome: three cards at the first start, one for each page."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QBoxLayout, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gptdesk.ui.fonts import scaled
from gptdesk.ui.icons import icon
from gptdesk.ui.services.services import SettingsService
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.overlay import Overlay
from gptdesk.ui.widgets.popup import SHADOW, paint_panel_of
from gptdesk.ui.window.commands.registry import Commands
from gptdesk.ui.window.commands.shortcuts import shown

CARDS: Final = (
    (
        "playground",
        "Generate",
        "Type the beginning of a text and press {key}. The model continues it as the decoding settings say.",
        "Open the Playground",
        "page.play",
    ),
    (
        "models",
        "Models",
        "A small model is included. Download GPT-2 in four sizes, or import a model. All of them run on this computer.",
        "Open Models",
        "page.models",
    ),
    (
        "train",
        "Train",
        "Train a model on your own text or on Shakespeare. Watch its loss and its samples during training.",
        "Open Train",
        "page.train",
    ),
)
"""Icon, title, text, text of the button, and the command that it runs; {key} in the text generates."""

_ICON: Final = 20
_WIDEST: Final = 860
_ABREAST: Final = 600
"""Least width for cards side by side, in pixels at a font of 13 pixels."""

_PADDING: Final = 24


class _Picture(QLabel):
    """An icon in the accent colour."""

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self._theme, self._name = theme, name
        theme.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        size = QSize(scaled(_ICON), scaled(_ICON))
        self.setPixmap(icon(self._name, self._theme.colours.accent).pixmap(size))


class Welcome(Overlay):
    """Floats over the window; at the first start without taking the focus.

    A click beside it, a key pressed in the text, or Esc closes it.

    Args:
        settings: remember that it was shown.
        commands: that its buttons run.
    """

    def __init__(self, theme: Theme, settings: SettingsService, commands: Commands, window: QWidget) -> None:
        super().__init__(window)
        self._settings, self._commands = settings, commands
        self._texts: dict[QLabel, str] = {}
        self._watched: QWidget | None = None
        self.setAccessibleName("Welcome to gptdesk")
        title = QLabel("Welcome to gptdesk")
        title.setProperty("kind", "headline")
        intro = QLabel("GPT-2 on your own computer: no account, no server, your text stays here.")
        intro.setProperty("kind", "muted")
        intro.setWordWrap(True)
        self._cards = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._cards.setSpacing(12)
        self.buttons = [self._add_card(theme, *card) for card in CARDS]
        self.close_button = QPushButton("Close")
        self.close_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.close_button.clicked.connect(self.dismiss)
        layout = QVBoxLayout(self)
        margin = _PADDING + SHADOW
        layout.setContentsMargins(margin, margin, margin, margin)
        layout.setSpacing(12)
        for widget in (title, intro):
            layout.addWidget(widget)
        layout.addLayout(self._cards)
        layout.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignRight)
        commands.shortcuts_changed.connect(self._show_key)
        self._show_key()

    @property
    def shown_texts(self) -> list[str]:
        """The texts of the cards."""
        return [label.text() for label in self._texts]

    def _show_key(self) -> None:
        """Names the key that generates, or the button if there is none."""
        key = next(iter(shown(self._commands.keys("text.generate"))), "Generate")
        for label, text in self._texts.items():
            label.setText(text.format(key=key))

    def _add_card(self, theme: Theme, picture: str, title: str, text: str, button: str, command: str) -> QPushButton:
        card = QFrame()
        card.setProperty("kind", "card")
        heading = QLabel(title)
        heading.setProperty("kind", "heading")
        caption = QHBoxLayout()
        caption.setSpacing(6)
        caption.addWidget(_Picture(theme, picture))
        caption.addWidget(heading, 1)
        words = QLabel()
        self._texts[words] = text
        words.setWordWrap(True)
        act = QPushButton(button)
        act.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        act.clicked.connect(partial(self._choose, command))
        column = QVBoxLayout(card)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(8)
        column.addLayout(caption)
        column.addWidget(words)
        column.addStretch(1)
        column.addWidget(act, 0, Qt.AlignmentFlag.AlignLeft)
        self._cards.addWidget(card, 1)
        return act

    def open(self) -> None:
        """Shows the cards; the focus stays where it is."""
        focus = self.window().focusWidget()
        if focus is not None and focus is not self._watched:
            self._watched = focus
            focus.installEventFilter(self)
        self.show()
        self.place()
        self.raise_()
        app = QApplication.instance()
        if app is not None:
            app.installEventFilter(self)  # while it is shown
        self._settings.update(welcome_seen=True)

    def take_focus(self) -> None:
        """Gives the focus to the first button; Esc returns it."""
        self.buttons[0].setFocus(Qt.FocusReason.ShortcutFocusReason)

    def dismiss(self) -> None:
        """Closes the cards."""
        app = QApplication.instance()
        if app is not None:
            app.removeEventFilter(self)
        self.give_focus_back(self)
        self.hide()

    def _choose(self, command: str) -> None:
        self.dismiss()
        self._commands.run(command)

    def place(self) -> None:
        if self.isHidden():
            return
        width = min(self.area.width(), scaled(_WIDEST))
        abreast = width >= scaled(_ABREAST)
        direction = QBoxLayout.Direction.LeftToRight if abreast else QBoxLayout.Direction.TopToBottom
        self._cards.setDirection(direction)
        layout = self.layout()
        assert layout is not None, "it has one"
        height = min(layout.totalHeightForWidth(width), self.area.height())
        self.setGeometry((self.area.width() - width) // 2, (self.area.height() - height) // 2, width, height)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if self.isVisible() and (
            (event.type() == QEvent.Type.KeyPress and watched is self._watched)
            or (event.type() == QEvent.Type.MouseButtonPress and self._is_beside(watched))
        ):
            self.dismiss()
        return super().eventFilter(watched, event) if watched is self.area else False

    def _is_beside(self, watched: QObject) -> bool:
        return isinstance(watched, QWidget) and watched is not self and not self.isAncestorOf(watched)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes the cards if they have the focus."""
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()  # not for the window below

    def paintEvent(self, event: object) -> None:
        paint_panel_of(self)
