"""Top of the list of documents: heading, search field, menu of orders, tags and the trash, number of documents."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from gptdesk.ui import number_format
from gptdesk.ui.playground.documents.listing import ORDERS, Order
from gptdesk.ui.playground.documents.search import DocumentSearch
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.widgets.inputs.boxes import MenuButton
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.window.commands.registry import Commands

_MOST_TAGS: Final = 30
"""Tags listed in the menu, the most frequent ones."""

_SEARCH: Final = "Search documents"


class PaneHeader(QWidget):
    """The widgets above the rows.

    Attributes:
        field: what is searched for.
        order: opens the menu.
        menu: of orders, tags and the trash.
        back: leaves the trash.

    Signals:
        order_chosen(str): emitted with the key of an order.
        trash_wanted(bool): emitted to show the trash, or to leave it.
    """

    order_chosen = Signal(str)
    trash_wanted = Signal(bool)

    def __init__(self, theme: Theme, commands: Commands, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tags: Counter[str] = Counter()
        self._order, self._trashed = next(iter(ORDERS.values())), False
        self.heading = QLabel()
        self.heading.setProperty("kind", "heading")
        self.new = ActionButton(commands.action("document.new"), "")
        self.new.setProperty("kind", "flat")
        self.new.setProperty("icon_only", "true")
        theme.set_icon(self.new, "plus")
        self.back = QPushButton("Done")
        self.back.setProperty("kind", "flat")
        self.back.setAccessibleName("Leave the trash")
        self.back.clicked.connect(lambda: self.trash_wanted.emit(False))
        self.field = QLineEdit()
        self.field.setPlaceholderText(_SEARCH)
        self.field.setAccessibleName(_SEARCH)
        self.field.setAccessibleDescription("Words in titles and texts; #tag for documents with a tag")
        self.field.setClearButtonEnabled(True)
        self.menu = Menu(self)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.order = MenuButton("muted", self.menu)
        self.order.setAccessibleName("Order, tags and trash")
        self.count = QLabel()
        self.count.setProperty("kind", "muted")
        self.count.setAccessibleName("Number of documents")
        self._lay_out()

    def _lay_out(self) -> None:
        first, second, third = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        first.setContentsMargins(12, 8, 8, 0)
        first.addWidget(self.heading, 1)
        first.addWidget(self.back)
        first.addWidget(self.new)
        second.setContentsMargins(12, 4, 12, 0)
        second.addWidget(self.field)
        third.setContentsMargins(4, 2, 14, 0)
        third.addWidget(self.order)
        third.addStretch(1)
        third.addWidget(self.count)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for row in (first, second, third):
            layout.addLayout(row)

    def show_list(self, search: DocumentSearch, order: Order, count: int) -> None:
        """Shows what the list shows: ``count`` rows of the trash or of the other documents, in this order."""
        self._order, self._trashed = order, search.trashed
        self._tags = Counter(tag for entry in search.entries for tag in entry.tags)
        number = number_format.count(count)
        found = f"{number} best" if search.limited else f"{number} found"
        self.count.setText(found if search.query else number)
        self.heading.setText("Trash" if self._trashed else "Documents")
        self.order.setText(order.title)
        self.back.setVisible(self._trashed)
        self.new.setVisible(not self._trashed)

    def _fill_menu(self) -> None:
        self.menu.clear()
        for key, order in ORDERS.items():
            action = self.menu.addAction(order.title, partial(self.order_chosen.emit, key))
            action.setCheckable(True)
            action.setChecked(order is self._order)
        if self._tags:
            self.menu.addSeparator()
            submenu = self.menu.addMenu("Tags")
            for tag, count in sorted(self._tags.most_common(_MOST_TAGS)):
                title = f"#{tag}\t{number_format.count(count)}".replace("&", "&&")
                submenu.addAction(title, partial(self.field.setText, f"#{tag} "))
        self.menu.addSeparator()
        trash = self.menu.addAction("Trash", partial(self.trash_wanted.emit, not self._trashed))
        trash.setCheckable(True)
        trash.setChecked(self._trashed)
