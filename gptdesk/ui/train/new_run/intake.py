"""Uses files that are dropped on the New run sheet, or picked in its dialogs, for what they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QDialog

from gptdesk.ui.train.new_run.data.drop_parsing import sort_drop
from gptdesk.ui.train.new_run.data.step import DataStep
from gptdesk.ui.train.new_run.draft.readiness import DATA, START
from gptdesk.ui.train.new_run.layout import SheetLayout
from gptdesk.ui.train.new_run.readiness_view import ReadinessView
from gptdesk.ui.train.new_run.settings.text import SettingsText
from gptdesk.ui.train.new_run.start.step import StartStep
from gptdesk.ui.widgets.file_drops import FileDrops


class FileIntake(QObject):
    """Takes files.

    Args:
        sheet: on which files are dropped.
    """

    def __init__(
        self,
        data: DataStep,
        start: StartStep,
        text: SettingsText,
        view: SheetLayout,
        state: ReadinessView,
        sheet: QDialog,
    ) -> None:
        super().__init__(sheet)
        self._data, self._start, self._text, self._view, self._state = data, start, text, view, state
        drops = FileDrops(sheet)
        drops.hovered.connect(data.drop.show_over)
        drops.dropped.connect(self.take)
        data.picked.connect(self.take)

    @Slot(object)
    def take(self, paths: Sequence[str | Path]) -> None:
        """Uses files: settings, prepared data, a model, text."""
        drop = sort_drop([str(path) for path in paths])
        self._state.say(drop.sentence)
        if drop.settings:
            self._text.open(drop.settings)
        if drop.model:
            self._start.use_folder(drop.model)
            self._view.show_step(START)
        if drop.data:
            self._data.use_folder(drop.data)
        if drop.texts:
            self._data.prepare(drop.texts)
        if drop.data or drop.texts:
            self._view.show_step(DATA)
