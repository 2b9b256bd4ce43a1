"""The bar at the top: the model, the document, and a menu for the rest."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from PySide6.QtCore import QDateTime, QEvent, QLocale, Qt
from PySide6.QtWidgets import QHBoxLayout, QMenu, QProgressBar, QPushButton, QWidget

from gptdesk.store.database import Entry
from gptdesk.ui.model_chooser import DeviceButton, ModelChooser
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.boxes import IconMenuButton, MenuButton

HEIGHT: Final = 52
_MARGIN: Final = 16
_SPACING: Final = 8
_PROGRESS: Final = 2
_RECENT: Final = 12


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
        self.title = title
        self._sides = left, right = QWidget(), QWidget()
        super().__init__(parent)
        self.setProperty("zone", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        self.new = QPushButton(" New")
        self.new.setAccessibleName("New document")
        theme.set_icon(self.new, "plus")
        self.menu = IconMenuButton("Menu", menu)
        theme.set_icon(self.menu, "menu")
        for side, widgets in ((left, (chooser, device)), (right, (self.new, self.menu))):
            row = QHBoxLayout(side)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(_SPACING)
            if side is right:
                row.addStretch(1)
            for widget in widgets:
                row.addWidget(widget)
            if side is left:
                row.addStretch(1)
        self.progress = QProgressBar(self)  # over the bar's lower edge, so that nothing moves when it comes and goes
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Loading")
        self.progress.hide()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(_MARGIN, 0, _MARGIN, 0)
        layout.setSpacing(_SPACING)
        layout.addWidget(left, 1)
        layout.addWidget(title)
        layout.addWidget(right, 1)

    def show_progress(self, done: int, total: int) -> None:
        """How much of a model has been read; both 0 while that is not known."""
        self.progress.setRange(0, 1000 if total else 0)
        self.progress.setValue(1000 * done // total if total else 0)

    def event(self, event: QEvent) -> bool:
        """The title is the first to be shortened; the progress keeps to the lower edge."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            taken = 2 * (_MARGIN + _SPACING) + sum(side.sizeHint().width() for side in self._sides)
            self.title.setMaximumWidth(max(0, self.width() - taken))
            self.progress.setGeometry(0, self.height() - _PROGRESS, self.width(), _PROGRESS)
        return super().event(event)
