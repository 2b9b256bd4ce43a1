"""Which run, or data in preparation, the Train page shows."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.training.data.data_scanner import DataEntry
from gptdesk.training.index import RunEntry
from gptdesk.ui.services.runs.notices import Notice
from gptdesk.ui.services.runs.service import RunService
from gptdesk.ui.services.services import SettingsService


class Selection(QObject):
    """The selected folder; it is kept in the settings, and the run monitor reads more of it than of others.

    Args:
        run_monitor: knows all runs and preparations.
        settings: remember the selection.

    Attributes:
        folder: of the selected run or data; ``None`` while there is nothing to select.

    Signals:
        changed(): emitted when another folder was selected.
    """

    changed = Signal()

    def __init__(self, run_monitor: RunService, settings: SettingsService, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._run_monitor, self._settings = run_monitor, settings
        self.folder: Path | None = None
        run_monitor.waiting.started.connect(self._on_waiting_started)

    @property
    def run(self) -> RunEntry | None:
        """The selected run; ``None`` if data, or nothing, is selected."""
        return self._run_monitor.entry(self.folder)

    @property
    def data(self) -> DataEntry | None:
        """The selected data in preparation; ``None`` if a run, or nothing, is selected."""
        return self._run_monitor.data_entry(self.folder)

    def restore(self) -> None:
        """Selects what was selected when the window closed."""
        saved = self._settings.value.run
        self.choose(Path(saved) if saved else None)

    @Slot(object)
    def choose(self, folder: Path | None) -> None:
        """Selects the run, or the data, in that folder. Data that is ready is not listed any more once it was seen."""
        left = self.data
        if left is not None and left.ready and left.folder != folder:
            self._run_monitor.leave_out(left.folder)
        self.folder = folder
        self._settings.update(run=str(folder) if folder else None)
        self._run_monitor.select(folder)
        self.tell_pinned()
        self.changed.emit()

    def choose_any(self) -> bool:
        """Selects an active run, else any, else data, if the selected folder is gone; returns whether it did."""
        runs, data = self._run_monitor.runs, self._run_monitor.data
        if self.run is not None or self.data is not None or not (runs or data):
            return False
        folders = [run.folder for run in runs if run.active] + [run.folder for run in runs]
        self.choose([*folders, *(entry.folder for entry in data)][0])
        return True

    def tell_pinned(self) -> None:
        """Tells the monitor of which runs curves are drawn beside those of the selected run."""
        self._run_monitor.set_pinned(tuple(run.folder for run in self._run_monitor.runs if run.pinned))

    @Slot(object, object, str)
    def _on_waiting_started(self, data: Path, run: Path, name: str) -> None:
        """A run whose data is ready has started: it is selected in the place of its data."""
        if self.folder == data:
            self.choose(run)
        else:
            self._run_monitor.leave_out(data)
            self._run_monitor.noticed.emit(Notice(run, "info", f"{name} has started", "Its data is ready."))
