"""The place of a pane that is made when it is first shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

Pane = TypeVar("Pane", bound=QWidget)


class PaneSlot(QWidget, Generic[Pane]):
    """Holds a pane. Until it is shown, neither its modules nor its widgets take time.

    Args:
        make: makes the pane.
    """

    def __init__(self, make: Callable[[], Pane], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._make = make
        self._pane: Pane | None = None
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)

    @property
    def pane(self) -> Pane:
        """The pane, made if there is none yet."""
        if self._pane is None:
            self._pane = self._make()
            self._layout.addWidget(self._pane)
        return self._pane

    @property
    def holds_focus(self) -> bool:
        """Whether something in the pane has the focus."""
        focus = QApplication.focusWidget()
        return self.isVisible() and focus is not None and self.isAncestorOf(focus)

    def showEvent(self, event: QShowEvent) -> None:
        self.pane.show()
        super().showEvent(event)
