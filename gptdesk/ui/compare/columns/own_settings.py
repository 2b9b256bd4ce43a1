"""A dialog for the decoding settings that a column has for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.settings import Settings
from gptdesk.ui.decoding.panel import WIDTH, DecodingPanel
from gptdesk.ui.fonts import scaled
from gptdesk.ui.services.services import SettingsService
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.input_dialogs.input_dialog import InputDialog

_WIDTH: Final = 400
_HEIGHT: Final = 420
"""Least height of the settings, in pixels at a font of 13 pixels."""


class OwnSettings(QObject):
    """A `SettingsService` with decoding settings of its own; all others are the window's.

    Args:
        settings: of the window.
        decoding: settings to begin with.
    """

    changed = Signal()
    saved = Signal()
    failed = Signal(str)

    def __init__(self, settings: SettingsService, decoding: DecodingSettings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings, self.decoding = settings, decoding

    @property
    def value(self) -> Settings:
        return replace(self._settings.value, decoding=self.decoding)

    @property
    def problems(self) -> Sequence[str]:
        return self._settings.problems

    def update(self, **changes: Any) -> None:
        """Changes some fields, those of the window in the window."""
        self.decoding = changes.pop("decoding", self.decoding)
        if changes:
            self._settings.update(**changes)
        self.changed.emit()

    def zoom(self, step: int) -> None:
        self._settings.zoom(step)

    def flush(self) -> None:
        self._settings.flush()


class OwnSettingsDialog(InputDialog):
    """Shows the decoding settings of a column.

    Attributes:
        panel: the settings; the seed is that of the comparison.

    Signals:
        decided(object): emitted with the `DecodingSettings` when the person takes them.
    """

    decided = Signal(object)

    def __init__(
        self, theme: Theme, settings: SettingsService, decoding: DecodingSettings, column: int, parent: QWidget
    ) -> None:
        super().__init__(f"Settings of column {column}", "Use these settings", parent, width=max(_WIDTH, WIDTH))
        self._own = OwnSettings(settings, decoding, self)
        self.panel = DecodingPanel(theme, self._own)
        self.panel.setMinimumHeight(scaled(_HEIGHT))
        for part in (self.panel.scope, self.panel.seed, self.panel.for_new):
            part.hide()
        self.panel.refused.connect(self.problem.show_problem)
        self._own.changed.connect(lambda: self.problem.show_problem(""))
        self.add(self.panel, stretch=1)

    def decide(self) -> None:
        """Emits the settings and closes."""
        self.decided.emit(self._own.decoding)
        self.accept()
