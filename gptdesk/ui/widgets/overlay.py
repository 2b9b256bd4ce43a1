"""Base of widgets that float over a part of the window and return the focus when they close."""

from __future__ import annotations

from typing import Final

import shiboken6
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QWidget

BANNER_HEIGHT: Final = 72
"""Height in pixels that pages leave free above a text: a banner of up to three lines."""


class Overlay(QWidget):
    """Keeps its position over an area; subclasses define it in `place`.

    Args:
        parent: the window; the area is somewhere inside it.

    Attributes:
        area: that it floats over.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.area = parent
        self._before: QWidget | None = None  # had the focus before something here had it
        parent.installEventFilter(self)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._on_focus_changed)
        self.hide()

    def float_over(self, area: QWidget) -> None:
        """Floats over another area from now on."""
        if area is not self.area:
            self.area.removeEventFilter(self)
            self.area = area
            area.installEventFilter(self)
        self.place()

    def place(self) -> None:
        """Sets the geometry; called whenever the area was moved, resized, shown or hidden."""
        raise NotImplementedError

    def give_focus_back(self, leaving: QWidget) -> None:
        """Returns the focus to the widget that had it before, if it is inside ``leaving``, which closes."""
        focus = QApplication.focusWidget()
        if focus is None or not (focus is leaving or leaving.isAncestorOf(focus)):
            return
        before = self._before
        if before is not None and shiboken6.isValid(before) and before.isVisible() and before.isEnabled():
            before.setFocus()
        else:
            self.area.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Show, QEvent.Type.Hide):
            self.place()
        return False

    def _on_focus_changed(self, old: QWidget | None, new: QWidget | None) -> None:
        if new is not None and self.isAncestorOf(new) and old is not None and not self.isAncestorOf(old):
            self._before = old
