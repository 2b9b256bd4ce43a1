"""Top bar of the Playground: model, device, document title, new document and the main menu."""

from __future__ import annotations

import time
from functools import partial
from typing import Final

from PySide6.QtCore import QEvent, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QProgressBar, QWidget

from gptdesk.ui.documents.title_button import TitleButton, fitting
from gptdesk.ui.model_chooser import DeviceButton, ModelChooser
from gptdesk.ui.playground.documents.dates import when
from gptdesk.ui.playground.documents.documents import Documents
from gptdesk.ui.playground.session import Session
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.services.services import InferenceService
from gptdesk.ui.stylesheet import control_height
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.widgets.inputs.boxes import IconMenuButton
from gptdesk.ui.widgets.layout.page_bars import TOP_HEIGHT, set_up_bar
from gptdesk.ui.window.commands.registry import Commands

_MARGIN: Final = 16
_SPACING: Final = 8
_PROGRESS: Final = 2
_MOST, _FEWEST = 12, 4
"""Documents listed in a menu: in a large window, and in the smallest one."""

_IS_DOCUMENT: Final = "is_document"
"""Property of the actions that open a document."""

_OF_DOCUMENT: Final = (
    "document.list", "document.chat", "document.rename", "document.duplicate", "document.tags", "document.delete",
)  # fmt: skip


class DocumentButton(TitleButton):
    """Shows the title of the document; its menu renames, copies or deletes it, or opens another."""

    def __init__(
        self, documents: Documents, session: Session, commands: Commands, parent: QWidget | None = None
    ) -> None:
        self._documents = documents
        help = "Rename or delete this document, or open another"
        super().__init__(session, commands, "Document", help, _OF_DOCUMENT, parent)

    def fill_list(self) -> None:
        fill_documents(self.list, self._documents)

    def _fill(self) -> None:
        super()._fill()
        make_fit(self.list, self.window().height())


def fill_documents(menu: QMenu, documents: Documents) -> None:
    """Lists the last changed documents and when they were changed."""
    menu.clear()
    now = time.time()
    entries = documents.entries(_MOST)
    for entry in entries:
        text = f"{fitting(menu, entry.title)}\t{when(entry.modified, now)}"
        menu.addAction(text, partial(documents.open, entry.id)).setProperty(_IS_DOCUMENT, True)
    if not entries:
        menu.addAction("No documents yet").setEnabled(False)


def make_fit(menu: QMenu, room: int) -> None:
    """Removes the documents that were changed first from a menu that is higher than ``room`` pixels."""
    listed = [action for action in menu.actions() if action.property(_IS_DOCUMENT)]
    for action in reversed(listed[_FEWEST:]):
        if menu.sizeHint().height() <= room:
            break
        menu.removeAction(action)


class TopBar(QWidget):
    """Centres the title if there is room. The title is shortened first, then the name of the model."""

    def __init__(
        self,
        theme: Theme,
        inference: InferenceService,
        chooser: ModelChooser,
        device: DeviceButton,
        title: DocumentButton,
        new: QAction,
        documents: QAction,
        menu: QMenu,
        parent: QWidget | None = None,
    ) -> None:
        self.title = title
        self._inference = inference
        self._sides = left, right = QWidget(), QWidget()
        super().__init__(parent)
        set_up_bar(self, TOP_HEIGHT)
        self.new = ActionButton(new, " New")
        theme.set_icon(self.new, "plus")
        self.menu = IconMenuButton("Menu", menu)
        theme.set_icon(self.menu, "menu")
        self.documents = ActionButton(documents, "")
        self.documents.setProperty("icon_only", "true")
        self.documents.setProperty("kind", "flat")
        theme.set_icon(self.documents, "sidebar")
        for side, widgets in ((left, (self.documents, chooser, device)), (right, (self.new, self.menu))):
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
        for part in (left, title, right):
            part.setParent(self)
        inference.state_changed.connect(self._on_state_changed)
        inference.progress.connect(self.show_progress)
        self._on_state_changed()

    @Slot()
    def _on_state_changed(self) -> None:
        loading = self._inference.state is State.LOADING
        if loading and self.progress.isHidden():
            self.show_progress(0, 0)
        self.progress.setVisible(loading)

    @Slot(object, object)
    def show_progress(self, done: int, total: int) -> None:
        """Shows how much of a model has been read, in bytes; both 0 while that is not known."""
        self.progress.setRange(0, 1000 if total else 0)
        self.progress.setValue(1000 * done // total if total else 0)

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            self._place()
        return super().event(event)

    def _place(self) -> None:
        left, right = self._sides
        room = self.width() - 2 * (_MARGIN + _SPACING)
        ends = right.sizeHint().width()
        wanted = self.title.sizeHint().width()
        title = min(wanted, max(room - ends - left.sizeHint().width(), self.title.minimumSizeHint().width()))
        begins = min(left.sizeHint().width(), room - ends - title)
        x = max((self.width() - title) // 2, _MARGIN + begins + _SPACING)
        x = min(x, self.width() - _MARGIN - ends - _SPACING - title)
        left.setGeometry(_MARGIN, 0, begins, self.height())
        right.setGeometry(self.width() - _MARGIN - ends, 0, ends, self.height())
        high = control_height()
        self.title.setGeometry(x, (self.height() - high) // 2, title, high)
        self.progress.setGeometry(0, self.height() - _PROGRESS, self.width(), _PROGRESS)
