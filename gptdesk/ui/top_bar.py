"""The bar at the top: the model, the document, and a menu for the rest."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QDateTime, QLocale, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QWidget

from gptdesk.store.database import Entry
from gptdesk.ui.model_chooser import DeviceButton, ModelChooser
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.boxes import IconMenuButton, MenuButton

HEIGHT = 52
_RECENT = 12


class DocumentButton(MenuButton):
    """The title of the document; its menu opens another.

    Args:
        entries: gives the documents to choose from.
        opened: is called with the id of the one chosen.
    """

    def __init__(
        self, entries: Callable[[], list[Entry]], opened: Callable[[str], object], parent: QWidget | None = None
    ) -> None:
        self._menu = QMenu()
        super().__init__("title", self._menu, parent)
        self._entries, self._opened = entries, opened
        self.setAccessibleName("Document")
        self.setToolTip("Open another document")
        self._menu.aboutToShow.connect(lambda: fill_documents(self._menu, self._entries(), self._opened))


def fill_documents(menu: QMenu, entries: list[Entry], opened: Callable[[str], object]) -> None:
    """Lists documents with the time of their last change."""
    menu.clear()
    for entry in entries[:_RECENT]:
        when = QLocale().toString(QDateTime.fromSecsSinceEpoch(int(entry.modified)), QLocale.FormatType.ShortFormat)
        menu.addAction(f"{entry.title.replace('&', '&&')}\t{when}", partial(opened, entry.id))
    if not entries:
        menu.addAction("No documents yet").setEnabled(False)


class TopBar(QWidget):
    """Lays its parts out so that the title stands in the middle of the bar."""

    def __init__(
        self,
        theme: Theme,
        chooser: ModelChooser,
        device: DeviceButton,
        title: DocumentButton,
        menu: QMenu,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("zone", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        self.title = title
        self.new = QPushButton(" New")
        self.new.setAccessibleName("New document")
        theme.set_icon(self.new, "plus")
        self.menu = IconMenuButton("Menu", menu)
        theme.set_icon(self.menu, "menu")
        left, right = QWidget(), QWidget()
        for side, widgets in ((left, (chooser, device)), (right, (self.new, self.menu))):
            row = QHBoxLayout(side)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(8)
            if side is right:
                row.addStretch(1)
            for widget in widgets:
                row.addWidget(widget)
            if side is left:
                row.addStretch(1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 0, 16, 0)
        layout.setSpacing(8)
        layout.addWidget(left, 1)
        layout.addWidget(title)
        layout.addWidget(right, 1)
        self._sides = left, right

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The title is the first to be shortened."""
        taken = sum(side.sizeHint().width() + self.layout().spacing() for side in self._sides)
        margins = self.layout().contentsMargins()
        self.title.setMaximumWidth(self.width() - taken - margins.left() - margins.right())
        super().resizeEvent(event)
