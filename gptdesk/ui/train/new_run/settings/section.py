"""One section of the settings form: a card that opens and closes."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from gptdesk.ui.theme import Theme
from gptdesk.ui.train.new_run.settings.row import SettingRow
from gptdesk.ui.widgets.layout.collapsible_section import CollapsibleSection


class SettingsSection(CollapsibleSection):
    """A section of the configuration.

    Attributes:
        rows: of its settings.
    """

    def __init__(self, theme: Theme, title: str, help: str, parent: QWidget | None = None) -> None:
        self._searching = False
        super().__init__(theme, title, parent)
        self.rows: list[SettingRow] = []
        self.setProperty("kind", "card")
        self.button.setAccessibleDescription(help)
        self.caption.setText(help)
        self.column.setContentsMargins(0, 8, 0, 8)
        self.column.setSpacing(16)
        layout = self.layout()
        assert layout is not None
        layout.setContentsMargins(16, 8, 16, 8)

    def add_row(self, row: SettingRow) -> None:
        """Adds a setting below the others."""
        self.rows.append(row)
        self.column.addWidget(row)

    def show_all(self, searching: bool) -> None:
        """While the user searches, rows that match are shown whether the section is open or not."""
        self._searching = searching
        self.show_contents()

    def show_problems(self) -> None:
        """Opens when one of its rows has a problem."""
        if any(row.problem for row in self.rows):
            self.set_open(True)

    def wants_open(self) -> bool:
        return super().wants_open() or self._searching
