"""Form of all settings, made from the configuration's schema: important ones first, the rest in sections that open."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtWidgets import QFrame, QLineEdit, QVBoxLayout, QWidget

from gptdesk.ui.theme import Theme
from gptdesk.ui.train.new_run.draft.schema import Section, Setting
from gptdesk.ui.train.new_run.settings.row import SettingRow
from gptdesk.ui.train.new_run.settings.section import SettingsSection

_AT_ONCE: Final = 3
"""Rows that are made at a time while the window is idle: some milliseconds."""


class SettingsForm(QWidget):
    """Every setting of a configuration.

    Rows in closed sections are made while the window is idle, or as soon as one of them is needed.

    Args:
        sections: of the configuration.
        first: keys of the settings that are always in view, in this order.

    Attributes:
        keys: of all settings, ``section.key``.

    Signals:
        changed(str, object): the user gave the setting of that key this value.
    """

    changed = Signal(str, object)

    def __init__(
        self, theme: Theme, sections: Sequence[Section], first: Sequence[str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        settings = {setting.key: setting for section in sections for setting in section.settings}
        self.keys = frozenset(settings)
        self._rows: dict[str, SettingRow] = {}
        self._values: Mapping[str, Any] = {}
        self._problems: Mapping[str, str] = {}
        self._unused: Collection[str] = ()
        self._hidden: set[QWidget] = set()
        self._first = [self._make(settings[key]) for key in first if key in settings]
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a setting")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Find a setting")
        self.search.textChanged.connect(self._on_searched)
        self.folds: dict[str, SettingsSection] = {}
        card = QFrame()
        card.setProperty("kind", "card")
        column = QVBoxLayout(card)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(16)
        for row in self._first:
            column.addWidget(row)
        self._card = card
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(card)
        layout.addSpacing(8)
        layout.addWidget(self.search)
        self._missing: list[tuple[SettingsSection, Setting]] = []
        for section in sections:
            rest = [setting for setting in section.settings if setting.key not in self._rows]
            fold = SettingsSection(theme, section.title, section.help)
            fold.button.clicked.connect(self._complete)
            self.folds[section.name] = fold
            self._missing += [(fold, setting) for setting in rest]
            layout.addWidget(fold)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._make_some)
        self._timer.start(0)

    @property
    def rows(self) -> Mapping[str, SettingRow]:
        """All rows, by ``section.key``."""
        self._complete()
        return self._rows

    def show_values(self, values: Mapping[str, Any]) -> None:
        """Shows nested values."""
        self._values = values
        for row in self._rows.values():
            self._show_value(row)

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Shows each problem at its setting, and opens the sections that contain one."""
        self._problems = problems
        if problems.keys() - self._rows.keys():
            self._complete()
        for key, row in self._rows.items():
            row.show_problem(problems.get(key, ""))
        for fold in self.folds.values():
            fold.show_problems()

    def hide_unused(self, keys: Collection[str]) -> None:
        """Hides settings that have no effect with the present ones."""
        if set(keys) != set(self._unused):
            self._unused = frozenset(keys)
            self._show_rows()

    def reveal(self, key: str) -> SettingRow | None:
        """Opens the section of a setting and returns its row; ``None`` for an unknown key."""
        row = self.rows.get(key)
        if row is None:
            return None
        self.search.clear()
        for fold in self.folds.values():
            if row in fold.rows:
                fold.set_open(True)
        return row

    def _make(self, setting: Setting) -> SettingRow:
        row = SettingRow(setting, self._theme)
        row.changed.connect(self.changed)
        self._rows[setting.key] = row
        return row

    @Slot()
    def _make_some(self) -> None:
        """Makes some of the missing rows, with their values and problems."""
        for fold, setting in self._missing[:_AT_ONCE]:
            row = self._make(setting)
            fold.add_row(row)
            self._show(row, setting.key not in self._unused)
            self._show_value(row)
            row.show_problem(self._problems.get(setting.key, ""))
        del self._missing[:_AT_ONCE]
        if not self._missing:
            self._timer.stop()
            self._show_rows()

    @Slot()
    def _complete(self) -> None:
        while self._missing:
            self._make_some()

    @Slot()
    def _on_searched(self) -> None:
        self._complete()
        self._show_rows()

    def _show_value(self, row: SettingRow) -> None:
        section, _, name = row.setting.key.partition(".")
        if name in self._values.get(section, {}):
            row.show_value(self._values[section][name])

    def _show_rows(self) -> None:
        words = self.search.text().lower().split()
        wanted = {key for key, row in self._rows.items() if key not in self._unused and row.matches(words)}
        for key, row in self._rows.items():
            self._show(row, key in wanted)
        self._show(self._card, any(row.setting.key in wanted for row in self._first))
        coming = {fold for fold, _ in self._missing}
        for fold in self.folds.values():
            self._show(fold, fold in coming or any(row.setting.key in wanted for row in fold.rows))
            fold.show_all(bool(words))

    def _show(self, widget: QWidget, shown: bool) -> None:
        if shown == (widget in self._hidden):  # it costs much even where it changes nothing
            widget.setVisible(shown)
            (self._hidden.discard if shown else self._hidden.add)(widget)
