"""The list of presets, and a menu to save, rename and delete the user's own."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QHBoxLayout, QWidget

from gptdesk.inference.sampling import presets
from gptdesk.inference.sampling.settings import PRESETS
from gptdesk.store.settings import check_preset_name
from gptdesk.ui.services.settings import SettingsService
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.inputs.boxes import IconMenuButton, ListBox
from gptdesk.ui.widgets.name_dialog import NameDialog
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.widgets.tooltips import wrapped

NEUTRAL_HELP: Final = "No filters, temperature 1"
_CUSTOM: Final = "Custom"
_HELP: Final = "Sets how tokens are chosen. Length, stop strings and seed stay as they are."


class PresetBar(QWidget):
    """Applies, saves, renames and deletes presets."""

    def __init__(self, theme: Theme, settings: SettingsService, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.box = ListBox()
        self.box.setAccessibleName("Preset")
        self.box.setToolTip(wrapped(_HELP))
        self.box.setMinimumContentsLength(9)
        self.box.activated.connect(self._on_chosen)
        menu = Menu(self)
        self.button = IconMenuButton("Save, rename or delete a preset", menu)
        theme.set_icon(self.button, "more", "muted")
        self.save_action = menu.addAction("Save as…", self._save_as)
        self.rename_action = menu.addAction("Rename…", self._rename)
        self.delete_action = menu.addAction("Delete", self._delete)
        menu.addSeparator()
        self.neutral_action = menu.addAction("Reset to neutral", self.reset)
        self.neutral_action.setToolTip(NEUTRAL_HELP)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.box, 1)
        layout.addWidget(self.button)
        settings.changed.connect(self._show)
        self._show()

    def reset(self) -> None:
        """Resets what a preset keeps: no filters, temperature 1."""
        neutral = type(self._settings.value.decoding)()
        self._settings.update(decoding=presets.apply_preset(neutral, self._settings.value.decoding))

    @property
    def _own(self) -> str | None:
        """The current preset, if it is one of the user's own."""
        name = presets.name_of(self._settings.value.decoding, self._settings.value.presets)
        return name if name in self._settings.value.presets else None

    def _show(self) -> None:
        current = presets.name_of(self._settings.value.decoding, self._settings.value.presets)
        names = [*PRESETS, *self._settings.value.presets, *([] if current else [_CUSTOM])]
        if [self.box.itemText(i) for i in range(self.box.count())] != names:
            self.box.clear()
            self.box.addItems(names)
        self.box.setCurrentText(current or _CUSTOM)
        self.rename_action.setEnabled(self._own is not None)
        self.delete_action.setEnabled(self._own is not None)

    def _on_chosen(self, index: int) -> None:
        name = self.box.itemText(index)
        preset = self._settings.value.presets.get(name) or PRESETS.get(name)
        if preset:
            self._settings.update(decoding=presets.apply_preset(preset, self._settings.value.decoding))

    def _save_as(self) -> None:
        dialog = NameDialog("Save preset", self._own or "", check_preset_name, self)
        dialog.named.connect(self._save)
        dialog.open()

    def _save(self, name: str) -> None:
        preset = presets.choosing(self._settings.value.decoding)
        self._settings.update(presets={**self._settings.value.presets, name: preset})

    def _rename(self) -> None:
        dialog = NameDialog("Rename preset", self._own or "", check_preset_name, self)
        dialog.named.connect(self._rename_to)
        dialog.open()

    def _rename_to(self, name: str) -> None:
        old = self._own
        if old:
            own = self._settings.value.presets
            self._settings.update(presets={name if key == old else key: preset for key, preset in own.items()})

    def _delete(self) -> None:
        self._settings.update(
            presets={key: preset for key, preset in self._settings.value.presets.items() if key != self._own}
        )
