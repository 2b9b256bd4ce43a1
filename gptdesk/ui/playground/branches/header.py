"""Top of the pane of branches: heading, number of branches, search field, and a menu."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from gptdesk.store.branches.outline import Outline
from gptdesk.ui import number_format
from gptdesk.ui.playground.branches.arrangement import Rows
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.inputs.boxes import IconMenuButton
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.window.commands.registry import Commands

_SEARCH: Final = "Search branches"

_MENU: Final = (
    "branches.compare",
    "",
    "branches.fold_all",
    "branches.unfold_all",
    "branches.unfold_shown",
    "",
    "branches.show",
)
"""Commands of the menu, declared in `branch_pane_commands`; "" is a separator."""


class BranchHeader(QWidget):
    """The widgets above the rows.

    Attributes:
        field: what is searched for.
        more: opens the menu.
        count: how many branches there are, or rows that were found.
    """

    def __init__(self, theme: Theme, commands: Commands, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heading = QLabel("Branches")
        self.heading.setProperty("kind", "heading")
        self.count = QLabel()
        self.count.setProperty("kind", "muted")
        self.count.setAccessibleName("Number of branches")
        self._commands = commands
        self.menu = Menu(self)
        for id in _MENU:
            if id:
                self.menu.addAction(commands.action(id))
            else:
                self.menu.addSeparator()
        self.menu.aboutToShow.connect(lambda: commands.refresh(*filter(None, _MENU)))
        self.more = IconMenuButton("Fold and compare branches", self.menu)
        self.more.setProperty("kind", "flat")
        theme.set_icon(self.more, "more")
        self.field = QLineEdit()
        self.field.setPlaceholderText(_SEARCH)
        self.field.setAccessibleName(_SEARCH)
        self.field.setAccessibleDescription("Words in the texts of branches and in names of bookmarks")
        self.field.setClearButtonEnabled(True)
        first, second = QHBoxLayout(), QHBoxLayout()
        first.setContentsMargins(12, 8, 8, 0)
        first.setSpacing(8)
        first.addWidget(self.heading)
        first.addWidget(self.count, 1)
        first.addWidget(self.more)
        second.setContentsMargins(12, 4, 12, 6)
        second.addWidget(self.field)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(first)
        layout.addLayout(second)

    def show_numbers(self, outline: Outline, rows: Rows) -> None:
        """Shows how many rows were found, or how many branches there are."""
        number = rows.found if rows.query else outline.ends
        self.count.setText(f"{number_format.count(number)} found" if rows.query else number_format.count(number))
