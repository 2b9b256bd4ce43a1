"""Where a message is written: a field that grows, who speaks, and the buttons to send and to stop."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from gptdesk.chat.turns import ROLE_TITLES
from gptdesk.gpt2.chat_template import Role
from gptdesk.ui.fonts import prose_font, scaled
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.widgets.inputs.boxes import ListBox
from gptdesk.ui.widgets.tooltips import wrapped
from gptdesk.ui.window.commands.registry import Commands

_MOST_LINES: Final = 8
_WIDEST: Final = 760
_ROLE_HELP: Final = (
    "Whose message this is. The model replies to one of the user; one of the assistant, such as its first words, or "
    "of the system is added as it stands."
)


class MessageField(QPlainTextEdit):
    """A field that grows with its text. Enter sends it, Shift+Enter begins a line.

    Signals:
        sent(): emitted when Enter is pressed.
        left(): emitted when Up is pressed in an empty field.
    """

    sent = Signal()
    left = Signal()

    def __init__(self, pixels: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "composer")
        self.setAccessibleName("Message")
        self.setPlaceholderText("Write a message…")
        self.setTabChangesFocus(True)
        self.document().setDocumentMargin(2)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.textChanged.connect(self._fit)
        self.set_text_size(pixels)

    def set_text_size(self, pixels: int) -> None:
        self.setFont(prose_font(pixels))
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier):
            self.sent.emit()
        elif event.key() == Qt.Key.Key_Up and not self.toPlainText():
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._fit()

    @Slot()
    def _fit(self) -> None:
        lines = min(max(round(self.document().size().height()), 1), _MOST_LINES)
        height = lines * self.fontMetrics().lineSpacing() + 10
        if height != self.height():
            self.setFixedHeight(height)


class Composer(QWidget):
    """The bar below the turns.

    Attributes:
        field: the message.
        role: whose message it is.
        send, stop: buttons of the commands.
        frame: holds them.
    """

    def __init__(self, theme: Theme, commands: Commands, pixels: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("zone", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.field = MessageField(pixels)
        self.role = ListBox()
        for role, title in ROLE_TITLES.items():
            self.role.addItem(f"as {title.lower()}", role)
        self.role.setAccessibleName("Speaker")
        self.role.setToolTip(wrapped(_ROLE_HELP))
        self.send = ActionButton(commands.action("chat.send"))
        self.send.setProperty("kind", "accent")
        self.stop = ActionButton(commands.action("chat.stop"), " Stop")
        theme.set_icon(self.stop, "stop")
        self.frame = QFrame()
        self.frame.setObjectName("actions")
        self.frame.setMaximumWidth(scaled(_WIDEST))
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.role)
        buttons.addStretch(1)
        buttons.addWidget(self.stop)
        buttons.addWidget(self.send)
        column = QVBoxLayout(self.frame)
        column.setContentsMargins(12, 10, 8, 8)
        column.setSpacing(6)
        column.addWidget(self.field)
        column.addLayout(buttons)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 4, 16, 12)
        row.addStretch(1)
        row.addWidget(self.frame, 1000)
        row.addStretch(1)
        self.setFocusProxy(self.field)
        self.role.setCurrentIndex(self.role.findData("user"))

    @property
    def speaker(self) -> Role:
        role: Role = self.role.currentData()
        return role

    def clear(self) -> None:
        """Empties the field; the next message is the user's."""
        self.field.clear()
        self.role.setCurrentIndex(self.role.findData("user"))
