"""The place of the list of documents, which is made when it is first shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

if TYPE_CHECKING:
    from gptdesk.ui.playground.documents.pane import DocumentPane

WIDTH: Final = 248
"""Usual width in pixels at a font of 13 pixels."""


class DocumentPaneSlot(QWidget):
    """Holds the pane. Until it is shown, neither its modules nor its widgets take time.

    Args:
        make: makes the pane.
    """

    def __init__(self, make: Callable[[], DocumentPane], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._make = make
        self._pane: DocumentPane | None = None
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)

    @property
    def pane(self) -> DocumentPane:
        """The pane, made if there is none yet."""
        if self._pane is None:
            self._pane = self._make()
            self._layout.addWidget(self._pane)
        return self._pane

    def showEvent(self, event: QShowEvent) -> None:
        self.pane.show()
        super().showEvent(event)
