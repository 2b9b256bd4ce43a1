"""The tour that runs: its document, its step, and the view that the step opens."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.store.document import Document
from gptdesk.ui.playground.session import Session
from gptdesk.ui.playground.tours.table import Step, Tour


class Tours(QObject):
    """Runs one tour at a time, until it is ended or another document is opened.

    Args:
        session: opens the document of a tour.
        open_view: opens the view of a step.

    Attributes:
        tour: the one that runs.
        number: of its step, from 0.

    Signals:
        changed(): emitted when a tour begins or ends, and at each step.
    """

    changed = Signal()

    def __init__(self, session: Session, open_view: Callable[[Step], object], parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._open_view = session, open_view
        self.tour: Tour | None = None
        self.number = 0
        self._document: Document | None = None
        session.opened.connect(self._on_opened)

    @property
    def step(self) -> Step | None:
        """The present one."""
        return self.tour.steps[self.number] if self.tour is not None else None

    def start(self, tour: Tour) -> None:
        """Opens a new document with the text of the tour, and its first step."""
        if self._session.refuses():
            return
        document = Document()
        document.replace(0, 0, tour.text)
        document.own_title = tour.title
        self.tour, self._document = tour, document
        self._session.open(document)
        self._session.save()
        self.go_to(0)

    def go_to(self, number: int) -> None:
        """Shows a step."""
        if self.tour is not None:
            self.number = number
            self.changed.emit()
            self._open_view(self.tour.steps[number])

    @Slot()
    def end(self) -> None:
        """Ends the tour; its document stays."""
        if self.tour is not None:
            self.tour = self._document = None
            self.changed.emit()

    @Slot()
    def _on_opened(self) -> None:
        if self._session.document is not self._document:
            self.end()
