"""Opens the sheet that starts a run: empty, with prepared data, or with the example text. One sheet at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from gptdesk.ui.services.services import Services

if TYPE_CHECKING:
    from gptdesk.ui.train.new_run.sheet import NewRunSheet

_EXAMPLE: Final = "shakespeare"
"""Name of a bundled text of `trainer.prepare`."""


class NewRunOpener(QObject):
    """Holds the sheet while it is open.

    Args:
        window: parent of the sheet.

    Attributes:
        sheet: the open sheet, if any.

    Signals:
        created(object): a run, or data for a run that starts later, is in that folder now.
    """

    created = Signal(object)

    def __init__(self, services: Services, window: QWidget) -> None:
        super().__init__(window)
        self._services, self._window = services, window
        self.sheet: NewRunSheet | None = None

    @Slot()
    def open(self) -> None:
        """Opens the sheet, or raises it."""
        self._open()

    @Slot(object)
    def open_with(self, data: Path) -> None:
        """Opens the sheet with the data in that folder, whose preparation may not be finished."""
        self._open().data.wait_for(data)

    @Slot()
    def open_on_example(self) -> None:
        """Opens the sheet with the example text."""
        self._open().data.use_text(_EXAMPLE)

    def _open(self) -> NewRunSheet:
        from gptdesk.ui.train.new_run.sheet import NewRunSheet  # pydantic, late

        if self.sheet is not None:
            self.sheet.raise_()
            return self.sheet
        self.sheet = NewRunSheet(self._services, self._services.runs, self._window)
        self.sheet.started.connect(self._on_started)
        self.sheet.put_off.connect(self.created)
        self.sheet.finished.connect(self._on_closed)  # the sheet deletes itself once its threads have ended
        self.sheet.open()
        return self.sheet

    @Slot(object)
    def _on_started(self, folder: Path) -> None:
        self._services.run_monitor.change(lambda: None, lambda _: self.created.emit(folder))

    @Slot()
    def _on_closed(self) -> None:
        self.sheet = None
