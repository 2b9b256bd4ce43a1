"""The settings of the window: changed in memory at once, written to the file shortly after."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QObject, Signal

from gptdesk.errors import UserError
from gptdesk.store.settings import LARGEST_TEXT, SMALLEST_TEXT, Settings
from gptdesk.store.settings_file import SettingsFile
from gptdesk.ui.throttle import Debounce

_WRITE_AFTER_MS: Final = 300
"""A slider that is dragged is written once, not a hundred times."""


class SavedSettings(QObject):
    """The settings, and when they are saved.

    Args:
        kind: class of the settings: `Settings`, or one derived from it.

    Attributes:
        value: the settings now.
        problems: a sentence for every entry of the file that could not be used.

    Signals:
        changed(): emitted when ``value`` changes.
        saved(): ``value`` was written to the file.
        failed(str): the file cannot be written; the settings are lost when the window closes.
    """

    changed = Signal()
    saved = Signal()
    failed = Signal(str)

    def __init__(self, path: Path, parent: QObject | None = None, kind: type[Settings] = Settings) -> None:
        super().__init__(parent)
        self._file = SettingsFile(path, kind)
        self.value, self.problems = self._file.load()
        self._saving = Debounce(self._write, _WRITE_AFTER_MS, self)

    def update(self, **changes: Any) -> None:
        """Changes some fields.

        Raises:
            UserError: when a value is out of range.
        """
        value = replace(self.value, **changes)
        if value == self.value:
            return
        self.value = value
        self._saving.request()
        self.changed.emit()

    def zoom(self, step: int) -> None:
        """Makes the text larger (1) or smaller (-1), or gives it the standard size (0)."""
        size = self.value.text_size + 2 * step if step else Settings().text_size
        self.update(text_size=min(max(size, SMALLEST_TEXT), LARGEST_TEXT))

    def flush(self) -> None:
        """Writes pending changes now."""
        self._saving.flush()

    def _write(self) -> None:
        try:
            self._file.save(self.value)
        except UserError as error:
            self.failed.emit(str(error))
        else:
            self.saved.emit()
