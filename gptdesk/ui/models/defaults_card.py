"""Defaults of a model: precision and decoding settings that apply whenever it is loaded."""

from __future__ import annotations

from typing import Any, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from gptdesk.devices import PRECISIONS
from gptdesk.inference.sampling.presets import choosing, name_of
from gptdesk.inference.sampling.settings import PRESETS, DecodingSettings
from gptdesk.library.entry import LibraryEntry
from gptdesk.ui.services.services import SettingsService
from gptdesk.ui.widgets.inputs.boxes import ListBox

_UNCHANGED: Final = "Current setting"
_PRECISIONS: Final = {"auto": _UNCHANGED} | {name: name for name in PRECISIONS if name != "auto"}
_COPIED: Final = "Copy from the Playground"
_CUSTOM: Final = "Custom"


class DefaultsCard(QWidget):
    """Two lists.

    Attributes:
        precision: the list of precisions.
        decoding: the list of presets.

    Signals:
        changed(object, object): the precision and the decoding settings chosen; ``None`` for the one that is unchanged.
    """

    changed = Signal(object, object)

    def __init__(self, settings: SettingsService, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._entry: LibraryEntry | None = None
        self.precision, self.decoding = ListBox(), ListBox()
        self.precision.addItems(list(_PRECISIONS.values()))
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        for row, (name, box) in enumerate((("Precision", self.precision), ("Decoding", self.decoding))):
            label = QLabel(name)
            label.setProperty("kind", "muted")
            label.setBuddy(box)
            box.setAccessibleName(f"Default {name.lower()}")
            box.setToolTip("Applied when this model is loaded")
            box.setSizeAdjustPolicy(ListBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(8)
            grid.addWidget(label, row, 0)
            grid.addWidget(box, row, 1)
        self.precision.activated.connect(self._on_precision)
        self.decoding.activated.connect(self._on_decoding)

    def show_entry(self, entry: LibraryEntry) -> None:
        """Shows the defaults of a model."""
        self._entry = entry
        self.precision.setCurrentText(_PRECISIONS[entry.defaults.precision])
        own = self._settings.value.presets
        values = entry.defaults.decoding
        name = name_of(DecodingSettings.from_json(values), own) or _CUSTOM if values else _UNCHANGED
        names = [_UNCHANGED, *PRESETS, *own, _COPIED, *([_CUSTOM] if name == _CUSTOM else [])]
        if [self.decoding.itemText(i) for i in range(self.decoding.count())] != names:
            self.decoding.clear()
            self.decoding.addItems(names)
        self.decoding.setCurrentText(name)

    def _on_precision(self, index: int) -> None:
        self.changed.emit(list(_PRECISIONS)[index], None)

    def _on_decoding(self, index: int) -> None:
        name, value = self.decoding.itemText(index), self._settings.value
        if name == _CUSTOM:
            return
        decoding: dict[str, Any] = {}
        if name == _COPIED:
            decoding = choosing(value.decoding).to_json()
        elif name != _UNCHANGED:
            decoding = choosing(value.presets.get(name) or PRESETS[name]).to_json()
        self.changed.emit(None, decoding)
