"""How a model is to be used whenever it is chosen: in which precision, and how tokens are chosen."""

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

_PRECISIONS: Final = {"auto": "As set in the window"} | {name: name for name in PRECISIONS if name != "auto"}
_NONE: Final = "As set in the window"
_NOW: Final = "As set in the Playground now"
_OWN: Final = "Its own"


class DefaultsCard(QWidget):
    """Two boxes.

    Attributes:
        precision: the box for it.
        decoding: the box for a preset.

    Signals:
        changed(str, object): emitted with the precision and the decoding settings chosen (``None``: unchanged).
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
        name = name_of(DecodingSettings.from_json(values), own) or _OWN if values else _NONE
        names = [_NONE, *PRESETS, *own, _NOW, *([_OWN] if name == _OWN else [])]
        if [self.decoding.itemText(i) for i in range(self.decoding.count())] != names:
            self.decoding.clear()
            self.decoding.addItems(names)
        self.decoding.setCurrentText(name)

    def _on_precision(self, index: int) -> None:
        self.changed.emit(list(_PRECISIONS)[index], None)

    def _on_decoding(self, index: int) -> None:
        name, value = self.decoding.itemText(index), self._settings.value
        if name == _OWN:
            return
        decoding: dict[str, Any] = {}
        if name == _NOW:
            decoding = choosing(value.decoding).to_json()
        elif name != _NONE:
            decoding = choosing(value.presets.get(name) or PRESETS[name]).to_json()
        self.changed.emit(None, decoding)
