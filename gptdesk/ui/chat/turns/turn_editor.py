"""The editor of a message, in its card."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal, SignalInstance
from PySide6.QtGui import QKeyEvent, QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from gptdesk.ui.fonts import prose_font
from gptdesk.ui.widgets.tooltips import wrapped


class _Field(QPlainTextEdit):
    """The field; Esc and Ctrl+Enter are its own while it has the focus, whatever commands have these keys."""

    cancelled = Signal()
    branched = Signal()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._signal(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if (signal := self._signal(event)) is not None:
            signal.emit()
        else:
            super().keyPressEvent(event)

    def _signal(self, event: QKeyEvent) -> SignalInstance | None:
        """What a key stands for; ``None`` for those of the text."""
        if event.key() == Qt.Key.Key_Escape:
            return self.cancelled
        is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        return self.branched if is_enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier else None


class TurnEditor(QWidget):
    """A field with the message, and buttons.

    Args:
        text: of the message.
        pixels: height of its letters.
        replies: whether the model replies to another version of it.

    Signals:
        saved(str): emitted with the new text, which replaces the former one.
        branched(str): emitted with the text of another version.
        cancelled(): emitted when nothing is to be changed.
    """

    saved = Signal(str)
    branched = Signal(str)
    cancelled = Signal()

    def __init__(self, text: str, pixels: int, *, replies: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = _Field(text)
        self.field.setProperty("kind", "message")
        self.field.setAccessibleName("Message")
        self.field.setFont(prose_font(pixels))
        self.field.setTabChangesFocus(True)
        self.field.moveCursor(QTextCursor.MoveOperation.End)
        lines = min(max(text.count("\n") + 1 + len(text) // 70, 2), 12)
        self.field.setFixedHeight(lines * self.field.fontMetrics().lineSpacing() + 24)
        self.branch = QPushButton("Save and reply" if replies else "Save as another version")
        self.branch.setProperty("kind", "accent")
        self.branch.setToolTip(
            wrapped(
                "Go on from here with this text; the former one and what follows stay as another branch (Ctrl+Enter)"
            )
        )
        self.save = QPushButton("Save")
        self.save.setToolTip(wrapped("Replace the text; what follows stays"))
        self.cancel = QPushButton("Cancel")
        self.save.clicked.connect(lambda: self.saved.emit(self.field.toPlainText()))
        self.branch.clicked.connect(lambda: self.branched.emit(self.field.toPlainText()))
        self.cancel.clicked.connect(self.cancelled)
        self.field.cancelled.connect(self.cancelled)
        self.field.branched.connect(lambda: self.branched.emit(self.field.toPlainText()))
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        for button in (self.cancel, self.save, self.branch):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.field)
        layout.addLayout(buttons)
        self.setFocusProxy(self.field)
