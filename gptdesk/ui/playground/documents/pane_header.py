"""Top of the list of documents, with a menu of orders, tags and the trash."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from gptdesk.ui import number_format
from gptdesk.ui.playground.documents.listing import ORDERS, Order
from gptdesk.ui.playground.documents.search import DocumentSearch
from gptdesk.ui.playground.panes.header import PaneHeader
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.widgets.inputs.boxes import MenuButton
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.window.commands.registry import Commands

_MOST_TAGS: Final = 30
"""Tags listed in the menu, the most frequent ones."""


class DocumentHeader(PaneHeader):
    """The widgets above the rows.

    Attributes:
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
        super().__init__("Documents", "documents", "Words in titles and texts; #tag for documents with a tag", parent)
        self._tags: Counter[str] = Counter()
        self._order, self._trashed = next(iter(ORDERS.values())), False
        self.new = ActionButton(commands.action("document.new"), "")
        self.new.setProperty("kind", "flat")
        self.new.setProperty("icon_only", "true")
        theme.set_icon(self.new, "plus")
        self.back = QPushButton("Done")
        self.back.setProperty("kind", "flat")
        self.back.setAccessibleName("Leave the trash")
        self.back.clicked.connect(lambda: self.trash_wanted.emit(False))
        self.menu = Menu(self)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.order = MenuButton("muted", self.menu)
        self.order.setAccessibleName("Order, tags and trash")
        self.lay_out(self.back, self.new)
        orders = QHBoxLayout()
        orders.setContentsMargins(4, 0, 12, 0)
        orders.addWidget(self.order)
        orders.addStretch(1)
        self.rows.addLayout(orders)

    def show_list(self, search: DocumentSearch, order: Order, count: int) -> None:
        """Shows what the list shows: ``count`` rows of the trash or of the other documents, in this order."""
        self._order, self._trashed = order, search.trashed
        self._tags = Counter(tag for entry in search.entries for tag in entry.tags)
        found = "best" if search.limited else "found"
        self.show_count(count, found=found if search.query else "")
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
