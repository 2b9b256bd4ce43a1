"""Top of the pane of branches, with a menu."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QWidget

from gptdesk.store.branches.outline import Outline
from gptdesk.ui.playground.branches.arrangement import Rows
from gptdesk.ui.playground.panes.header import PaneHeader
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.inputs.boxes import IconMenuButton
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.window.commands.registry import Commands

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


class BranchHeader(PaneHeader):
    """The widgets above the rows.

    Attributes:
        more: opens the menu.
    """

    def __init__(self, theme: Theme, commands: Commands, parent: QWidget | None = None) -> None:
        super().__init__("Branches", "branches", "Words in the texts of branches and in names of bookmarks", parent)
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
        self.lay_out(self.more)

    def show_numbers(self, outline: Outline, rows: Rows) -> None:
        """Shows how many rows were found, or how many branches there are."""
        self.show_count(rows.found if rows.query else outline.ends, found="found" if rows.query else "")
