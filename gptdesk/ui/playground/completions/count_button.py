"""Button that shows how many completions are generated at once, with a menu to choose it."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import QSize, Slot
from PySide6.QtWidgets import QWidget

from gptdesk.store.setting_fields import Number
from gptdesk.store.settings import SETTINGS
from gptdesk.ui.services.services import SettingsService
from gptdesk.ui.widgets.inputs.boxes import MenuButton
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.widgets.tooltips import wrapped

_SETTING: Final = SETTINGS["completions"]


class CountButton(MenuButton):
    """Shows and changes the setting."""

    def __init__(self, settings: SettingsService, parent: QWidget | None = None) -> None:
        menu = Menu()
        super().__init__("", menu, parent)
        self._settings, self._menu = settings, menu
        self.setAccessibleName(_SETTING.title)
        self.setToolTip(wrapped(_SETTING.help))
        menu.aboutToShow.connect(self._fill)
        settings.changed.connect(self._show)
        self._show()

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    @Slot()
    def _show(self) -> None:
        self.setText(f"\N{MULTIPLICATION SIGN} {self._settings.value.completions}")

    @Slot()
    def _fill(self) -> None:
        self._menu.clear()
        control = _SETTING.control
        assert isinstance(control, Number)
        for count in range(int(control.lowest), int(control.highest) + 1):
            action = self._menu.addAction(f"{count} completions", partial(self._choose, count))
            action.setCheckable(True)
            action.setChecked(count == self._settings.value.completions)

    def _choose(self, count: int) -> None:
        self._settings.update(completions=count)
