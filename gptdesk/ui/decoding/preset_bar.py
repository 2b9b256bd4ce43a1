"""List of presets, and a menu to save, rename and delete one's own."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QHBoxLayout, QWidget

from gptdesk.inference.sampling import presets
from gptdesk.inference.sampling.settings import PRESETS
from gptdesk.store.settings import Settings, check_preset_name
from gptdesk.ui.services.services import SettingsService
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.input_dialogs.name_dialog import NameDialog
from gptdesk.ui.widgets.inputs.boxes import IconMenuButton, ListBox
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.widgets.tooltips import wrapped

NEUTRAL_HELP: Final = "No filters, temperature 1"
_CUSTOM: Final = "Custom"
_HELP: Final = "Sets how tokens are chosen. Length, stop strings and seed are not changed."


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
        self.save_action = menu.addAction("Save as…", self.ask_to_save)
        self.rename_action = menu.addAction("Rename…", self.ask_name)
        self.delete_action = menu.addAction("Delete", self.delete)
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
        """Resets the settings that belong to presets: no filters, temperature 1."""
        neutral = type(self._settings.value.decoding)()
        self._settings.update(decoding=presets.apply_preset(neutral, self._settings.value.decoding))

    @property
    def _own(self) -> str | None:
        return own_preset(self._settings.value)

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

    def ask_to_save(self) -> None:
        """Asks for a name and saves the decoding settings as a preset."""
        dialog = NameDialog("Save preset", self._own or "", check_preset_name, self)
        dialog.named.connect(self._save)
        dialog.open()

    def _save(self, name: str) -> None:
        preset = presets.choosing(self._settings.value.decoding)
        self._settings.update(presets={**self._settings.value.presets, name: preset})

    def ask_name(self) -> None:
        """Asks for another name of the current preset."""
        dialog = NameDialog("Rename preset", self._own or "", check_preset_name, self)
        dialog.named.connect(self._rename_to)
        dialog.open()

    def _rename_to(self, name: str) -> None:
        old = self._own
        if old:
            own = self._settings.value.presets
            self._settings.update(presets={name if key == old else key: preset for key, preset in own.items()})

    def delete(self) -> None:
        """Deletes the current preset; the decoding settings stay."""
        self._settings.update(
            presets={key: preset for key, preset in self._settings.value.presets.items() if key != self._own}
        )


def own_preset(settings: Settings) -> str | None:
    """Name of the current preset, if it is one of the person's own."""
    name = presets.name_of(settings.decoding, settings.presets)
    return name if name in settings.presets else None
