"""The two menus of a column: its model or checkpoint, and its precision and settings."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from PySide6.QtWidgets import QFileDialog, QWidget

from gptdesk.compare.choices import ColumnChoice, settings_of, step_of
from gptdesk.devices import PRECISIONS
from gptdesk.inference.sampling.settings import PRESETS
from gptdesk.library.entry import LibraryEntry
from gptdesk.training.checkpoints import checkpoints
from gptdesk.training.index import RunEntry
from gptdesk.ui import number_format
from gptdesk.ui.compare.columns.own_settings import OwnSettingsDialog
from gptdesk.ui.compare.session import CompareSession
from gptdesk.ui.model_names import model_title, setting_of
from gptdesk.ui.services.services import Services
from gptdesk.ui.widgets.inputs.boxes import MenuButton
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.widgets.tooltips import wrapped

_KINDS: Final = ("bundled", "installed", "linked", "cache")
_MOST_RUNS: Final = 12
_MOST_STEPS: Final = 30
"""Checkpoints of a run that a menu lists, evenly spread; the slider walks all of them."""


class ColumnModel(MenuButton):
    """The model of a column; its menu lists models, and the checkpoints of runs."""

    def __init__(self, services: Services, session: CompareSession, index: int, parent: QWidget | None = None) -> None:
        self._menu = Menu()
        super().__init__("field", self._menu, parent)
        self._services, self._session, self._index = services, session, index
        self.setAccessibleName(f"Model of column {index + 1}")
        self._menu.aboutToShow.connect(self._fill)
        self._menu.setToolTipsVisible(True)

    def show_choice(self, choice: ColumnChoice) -> None:
        """Shows the model that was chosen."""
        self.setText(model_title(choice.model))
        self.setAccessibleDescription(choice.model)
        self.setToolTip(wrapped(f"Model of this column: {choice.model}"))

    def _fill(self) -> None:
        menu, services = self._menu, self._services
        menu.clear()
        entries = [entry for entry in services.models.entries if entry.state == "ready" and entry.kind in _KINDS]
        for entry in entries:
            self._add(menu, setting_of(entry), _title(entry))
        current = self._session.choices[self._index].model
        known = {setting_of(entry) for entry in entries}
        recent = [one for one in services.settings.value.recent_models if Path(one).is_absolute() and one not in known]
        others = [one for one in dict.fromkeys([*recent, services.settings.value.model, current]) if one not in known]
        if others:
            menu.addSeparator()
        for model in others:
            self._add(menu, model, model_title(model))
        runs = [run for run in services.run_monitor.runs if run.best_step is not None or run.step]
        if runs:
            menu.addSeparator()
        for run in runs[:_MOST_RUNS]:
            self._add_run(run)
        menu.addSeparator()
        menu.addAction("Folder…", self._ask)

    def _add_run(self, run: RunEntry) -> None:
        """A submenu of checkpoints, which are listed when it opens."""
        submenu = self._menu.addMenu(f"Run {run.name}".replace("&", "&&"))

        def fill() -> None:
            submenu.clear()
            found = checkpoints(run.folder)
            spread = len(found) > _MOST_STEPS
            places = sorted({round(i * (len(found) - 1) / (_MOST_STEPS - 1)) for i in range(_MOST_STEPS)})
            for one in [found[place] for place in places] if spread else found:
                best = "  ·  best" if one.best else ""
                self._add(submenu, str(one.path), f"Step {number_format.count(one.step)}{best}")
            if not found:
                submenu.addAction("No checkpoint yet").setEnabled(False)

        submenu.aboutToShow.connect(fill)

    def _add(self, menu: Menu, model: str, title: str) -> None:
        action = menu.addAction(title.replace("&", "&&"), partial(self._choose, model))
        action.setCheckable(True)
        action.setChecked(model == self._session.choices[self._index].model)
        action.setToolTip(wrapped(model))

    def _choose(self, model: str) -> None:
        self._session.set_column(self._index, model=model)

    def _ask(self) -> None:
        folder = QFileDialog.getExistingDirectory(self.window(), "Open a model's folder", str(Path.home()))
        if folder:
            self._choose(folder)


class ColumnSettings(MenuButton):
    """Precision and settings of a column; its menu changes them."""

    def __init__(self, services: Services, session: CompareSession, index: int, parent: QWidget | None = None) -> None:
        self._menu = Menu()
        super().__init__("muted", self._menu, parent)
        self._services, self._session, self._index = services, session, index
        self.setAccessibleName(f"Precision and settings of column {index + 1}")
        self._menu.aboutToShow.connect(self._fill)

    def show_choice(self, choice: ColumnChoice, line: str) -> None:
        """Shows what was chosen; ``line`` are the settings themselves, for the tooltip."""
        precision = "" if choice.precision == "auto" else f"{choice.precision} · "
        self.setText(f"{precision}{choice.settings_name or 'as in Playground'}")
        self.setToolTip(wrapped(f"Precision and settings of this column: {line or 'neutral'}"))

    def _fill(self) -> None:
        self._menu.clear()
        choice = self._session.choices[self._index]
        self._heading("Settings")
        preset = choice.preset if choice.own is None else None
        self._add("As in the Playground", preset == "", preset="", own=None)
        for name in (*PRESETS, *self._services.settings.value.presets):
            self._add(name, preset == name, preset=name, own=None)
        own = self._menu.addAction("Own settings…", self.ask_settings)
        own.setCheckable(True)
        own.setChecked(choice.own is not None)
        self._menu.addSeparator()
        self._heading("Precision")
        for name in PRECISIONS:
            self._add("Automatic" if name == "auto" else name, name == choice.precision, precision=name)

    def _heading(self, title: str) -> None:
        self._menu.addAction(title).setEnabled(False)

    def _add(self, title: str, is_chosen: bool, **changes: Any) -> None:
        action = self._menu.addAction(title.replace("&", "&&"), partial(self._choose, changes))
        action.setCheckable(True)
        action.setChecked(is_chosen)

    def _choose(self, changes: Mapping[str, Any]) -> None:
        self._session.set_column(self._index, **changes)

    def ask_settings(self) -> None:
        """Opens a dialog with all decoding settings, of this column alone."""
        services, session = self._services, self._session
        current = settings_of(session.choices[self._index], session.chosen)
        dialog = OwnSettingsDialog(services.theme, services.settings, current, self._index + 1, self.window())
        dialog.decided.connect(lambda decoding: self._choose({"own": decoding}))
        dialog.open()


def is_checkpoint(choice: ColumnChoice) -> bool:
    """Whether a column is a checkpoint of a run, which a slider can walk from."""
    return step_of(Path(choice.model)) is not None


def _title(entry: LibraryEntry) -> str:
    return f"{entry.name}  ·  {number_format.parameters(entry.parameters)}"
