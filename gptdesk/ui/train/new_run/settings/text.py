"""Copies the settings as a command line or TOML, and reads them from a TOML file."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from gptdesk.errors import UserError
from gptdesk.training.launch import to_toml, typed_command
from gptdesk.ui.services.background import TaskQueue
from gptdesk.ui.train.new_run.draft.draft import Draft
from gptdesk.ui.train.new_run.draft.tasks import read_settings, run_folder
from gptdesk.ui.train.new_run.summary_panel import SummaryPanel


class SettingsText(QObject):
    """Copies and reads settings.

    Args:
        draft: whose settings these are.
        runs: folder of the runs.
        panel: has the buttons.
        quick: a thread that reads files.

    Signals:
        read(object): the nested values of a file.
        failed(str): settings could not be copied or read; the sentence says why.
    """

    read = Signal(object)
    failed = Signal(str)

    def __init__(self, draft: Draft, runs: Path, panel: SummaryPanel, quick: TaskQueue, parent: QObject) -> None:
        super().__init__(parent)
        self._draft, self._runs, self._panel, self._quick = draft, runs, panel, quick
        panel.copy_command.clicked.connect(self._copy_command)
        panel.copy_toml.clicked.connect(self._copy_toml)
        panel.open_toml.clicked.connect(self._choose)

    def open(self, path: Path) -> None:
        """Reads the settings in a TOML file."""
        self._quick.run(partial(read_settings, path), self.read.emit, self.failed.emit)

    @Slot()
    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self._panel, "Settings of a run", str(Path.home()), "Settings (*.toml)")
        if path:
            self.open(Path(path))

    @Slot()
    def _copy_command(self) -> None:
        values = self._draft.values()
        folder = run_folder(values, self._runs, self._draft.run_name)
        self._copy("Command", lambda: typed_command(values, folder, self._draft.launcher))

    @Slot()
    def _copy_toml(self) -> None:
        self._copy("TOML", lambda: to_toml(self._draft.values()))

    def _copy(self, what: str, make: Callable[[], str]) -> None:
        try:
            QGuiApplication.clipboard().setText(make())
        except UserError as error:
            self.failed.emit(str(error))
        else:
            self._panel.show_copied(what)
