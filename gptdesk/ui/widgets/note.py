"""A note that floats below a control for some seconds and says why its input was refused."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtWidgets import QLabel, QWidget

from gptdesk.ui.widgets.announcing import announce

_SHOWN_MS: Final = 8000
_WIDEST: Final = 280
_GAP: Final = 4


class Note(QLabel):
    """The note of a window."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("note")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SHOWN_MS)
        self._timer.timeout.connect(self.hide)

    def show_under(self, control: QWidget, text: str) -> None:
        """Shows ``text`` below ``control``, or above it if there is no space below."""
        self.setText(text)
        self.setFixedWidth(min(_WIDEST, self.window().width()))
        self.setFixedHeight(self.heightForWidth(self.width()))
        window = self.window()
        corner = control.mapTo(window, QPoint(control.width() - self.width(), control.height() + _GAP))
        if corner.y() + self.height() > window.height():
            corner.setY(control.mapTo(window, QPoint(0, 0)).y() - self.height() - _GAP)
        self.move(min(max(corner.x(), 0), window.width() - self.width()), corner.y())
        self.show()
        self.raise_()
        self._timer.start()
        announce(control, text)


def show_note(control: QWidget, text: str) -> None:
    """Shows a note below the control."""
    window = control.window()
    note = next((child for child in window.children() if isinstance(child, Note)), None) or Note(window)
    note.show_under(control, text)


def hide_note(control: QWidget) -> None:
    """Hides the note of the control's window, if there is one."""
    for child in control.window().children():
        if isinstance(child, Note):
            child.hide()
