"""The form of all settings, made from the configuration's schema: the few that matter, then the rest in folds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QLineEdit, QVBoxLayout, QWidget

from gptdesk.ui.theme import Theme
from gptdesk.ui.train.new_run.fold import Fold
from gptdesk.ui.train.new_run.schema import Section
from gptdesk.ui.train.new_run.setting_row import SettingRow


class SettingsForm(QWidget):
    """Every setting of a configuration.

    Args:
        sections: of the configuration.
        first: keys of the settings that are always in view, in this order.

    Attributes:
        rows: by ``section.key``.

    Signals:
        changed(str, object): the person gave the setting of that key this value.
    """

    changed = Signal(str, object)

    def __init__(
        self, theme: Theme, sections: Sequence[Section], first: Sequence[str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.rows: dict[str, SettingRow] = {}
        for setting in (setting for section in sections for setting in section.settings):
            row = SettingRow(setting, theme)
            row.changed.connect(self.changed)
            self.rows[setting.key] = row
        self._unused: Collection[str] = ()
        self._first = [self.rows[key] for key in first if key in self.rows]
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a setting")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Find a setting")
        self.search.textChanged.connect(self._show_rows)
        self.folds: dict[str, Fold] = {}
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
        for section in sections:
            rest = [self.rows[s.key] for s in section.settings if self.rows[s.key] not in self._first]
            fold = Fold(theme, section.title, section.help, rest)
            self.folds[section.name] = fold
            layout.addWidget(fold)

    def show_values(self, values: Mapping[str, Any]) -> None:
        """Shows nested values."""
        for key, row in self.rows.items():
            section, _, name = key.partition(".")
            if name in values.get(section, {}):
                row.show_value(values[section][name])

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Says at each setting what is wrong with it; a fold that hides one opens."""
        for key, row in self.rows.items():
            row.show_problem(problems.get(key, ""))
        for fold in self.folds.values():
            fold.show_problems()

    def hide_unused(self, keys: Collection[str]) -> None:
        """Leaves out settings that mean nothing as things are."""
        if set(keys) != set(self._unused):
            self._unused = frozenset(keys)
            self._show_rows()

    def reveal(self, key: str) -> SettingRow | None:
        """Brings the row of a setting into view, as far as folds go."""
        row = self.rows.get(key)
        if row is None:
            return None
        self.search.clear()
        for fold in self.folds.values():
            if row in fold.rows:
                fold.set_open(True)
        return row

    def _show_rows(self) -> None:
        words = self.search.text().lower().split()
        wanted = {key for key, row in self.rows.items() if key not in self._unused and row.matches(words)}
        for key, row in self.rows.items():
            row.setVisible(key in wanted)
        self._card.setVisible(any(row.setting.key in wanted for row in self._first))
        for fold in self.folds.values():
            fold.setVisible(any(row.setting.key in wanted for row in fold.rows))
            fold.show_all(bool(words))
