"""A column of choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QVBoxLayout, QWidget

from gptdesk.ui.train.new_run.start.choice_row import ChoiceRow


@dataclass(frozen=True)
class Choice:
    """Content and key of a row."""

    key: str
    title: str
    note: str = ""
    detail: str = ""


class ChoiceList(QWidget):
    """The column.

    Attributes:
        rows: by key.

    Signals:
        chosen(str): the row of that key was chosen.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: dict[str, ChoiceRow] = {}
        self._choices: tuple[Choice, ...] = ()
        self._group = QButtonGroup(self)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(8)
        self._group.buttonClicked.connect(self._on_clicked)

    def show_choices(self, choices: Sequence[Choice], chosen: str = "") -> None:
        """Shows these choices, and marks the row of the key ``chosen``, if there is one."""
        if tuple(choices) != self._choices:
            self._choices = tuple(choices)
            for row in self.rows.values():
                self._group.removeButton(row)
                self._layout.removeWidget(row)
                row.hide()
                row.deleteLater()
            self.rows = {}
            for choice in choices:
                row = ChoiceRow(choice.title, choice.note, choice.detail)
                self.rows[choice.key] = row
                self._group.addButton(row)
                self._layout.addWidget(row)
        self.mark(chosen)
        self.setVisible(bool(self._choices))

    def mark(self, key: str) -> None:
        """Marks the row of that key; "" for none."""
        self._group.setExclusive(False)
        for each, row in self.rows.items():
            row.setChecked(each == key)
        self._group.setExclusive(True)

    def _on_clicked(self, button: ChoiceRow) -> None:
        self.chosen.emit(next(key for key, row in self.rows.items() if row is button))
