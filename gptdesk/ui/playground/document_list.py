"""The dialog with all documents: a filter, and opening, renaming and deleting one."""

from __future__ import annotations

import time
from typing import Final, Protocol

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from gptdesk.store.database import DocumentSummary
from gptdesk.store.document import check_title
from gptdesk.ui.playground.dates import when
from gptdesk.ui.widgets.name_dialog import NameDialog
from gptdesk.ui.widgets.tooltips import wrapped

_SIZE: Final = QSize(560, 560)
_ROW: Final = 40
_SIDE: Final = 12
_ID, _DATE = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
_MOVES: Final = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class DocumentStore(Protocol):
    """Document operations that the dialog calls."""

    @property
    def current_id(self) -> str: ...

    def entries(self) -> list[DocumentSummary]: ...

    def open(self, id: str) -> None: ...

    def rename(self, id: str, title: str) -> None: ...

    def delete(self, id: str) -> bool: ...

    def bring_back(self, id: str) -> None: ...


class DocumentList(QDialog):
    """Lists the documents, last changed first.

    Args:
        store: lists and changes the documents.
    """

    def __init__(self, store: DocumentStore, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._deleted: tuple[str, str] | None = None  # id and title
        self.setWindowTitle("Documents")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setModal(True)
        self.resize(_SIZE)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter by title")
        self.filter.setAccessibleName("Filter by title")
        self.filter.setClearButtonEnabled(True)
        self.filter.installEventFilter(self)
        self.list = QListWidget()
        self.list.setObjectName("documents")
        self.list.setAccessibleName("Documents")
        self.list.installEventFilter(self)
        self.list.setItemDelegate(_Row(self.list))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.none = QLabel()
        self.none.setProperty("kind", "muted")
        self.none.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.none.setWordWrap(True)
        self.said = QLabel()
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.said.setProperty("kind", "muted")
        self.undo = QPushButton("Undo")
        self.rename, self.delete, self.accept_button = (
            QPushButton("Rename…"),
            QPushButton("Delete"),
            QPushButton("Open"),
        )
        self.accept_button.setProperty("kind", "accent")
        self.accept_button.setDefault(True)
        for button in (self.undo, self.rename, self.delete):
            button.setAutoDefault(False)
        self._lay_out()
        self._connect()
        self._fill(store.current_id)
        self.filter.setFocus()

    def _lay_out(self) -> None:
        said, buttons = QHBoxLayout(), QHBoxLayout()
        for row in (said, buttons):
            row.setSpacing(8)
        said.addWidget(self.said, 1)
        said.addWidget(self.undo)
        buttons.addWidget(self.rename)
        buttons.addWidget(self.delete)
        buttons.addStretch(1)
        buttons.addWidget(self.accept_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(12)
        layout.addWidget(self.filter)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.none, 1)
        layout.addLayout(said)
        layout.addLayout(buttons)
        self._show_deleted()

    def _connect(self) -> None:
        self.filter.textChanged.connect(self._show)
        self.list.itemDoubleClicked.connect(lambda _: self._open())
        self.list.currentItemChanged.connect(lambda *_: self._show_usable())
        self.accept_button.clicked.connect(self._open)
        self.rename.clicked.connect(self._ask_name)
        self.delete.clicked.connect(self._delete)
        self.undo.clicked.connect(self._bring_back)

    def _fill(self, id: str) -> None:
        """Fills the list and selects the document of that id."""
        now = time.time()
        self.list.clear()
        for entry in self._store.entries():
            item = QListWidgetItem(entry.title)
            item.setData(_ID, entry.id)
            item.setData(_DATE, "open" if entry.id == self._store.current_id else when(entry.modified, now))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{entry.title}, {item.data(_DATE)}")
            item.setToolTip(wrapped(entry.title))
            self.list.addItem(item)
            if entry.id == id:
                self.list.setCurrentItem(item)
        self._show()

    def _show(self) -> None:
        """Hides the documents that do not match the filter."""
        wanted = self.filter.text().casefold().split()
        shown = []
        for item in self._items():
            title = item.text().casefold()
            item.setHidden(not all(word in title for word in wanted))
            shown += [] if item.isHidden() else [item]
        if shown and (self.list.currentItem() is None or self.list.currentItem().isHidden()):
            self.list.setCurrentItem(shown[0])
        typed = self.filter.text().strip()
        self.none.setText(f"No title contains “{typed}”." if self.list.count() else "There are no documents yet.")
        self.list.setVisible(bool(shown))
        self.none.setVisible(not shown)
        self._show_usable()

    def _items(self) -> list[QListWidgetItem]:
        return [self.list.item(row) for row in range(self.list.count())]

    @property
    def _chosen(self) -> QListWidgetItem | None:
        item = self.list.currentItem()
        return None if item is None or item.isHidden() else item

    def _show_usable(self) -> None:
        for button in (self.rename, self.delete, self.accept_button):
            button.setEnabled(self._chosen is not None)

    def _show_deleted(self) -> None:
        title = self._deleted[1] if self._deleted else ""
        shown = self.said.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, _SIZE.width() // 2)
        self.said.setText(f"“{shown}” is deleted." if self._deleted else "")
        self.said.setVisible(self._deleted is not None)
        self.undo.setVisible(self._deleted is not None)

    def _open(self) -> None:
        if self._chosen is not None:
            id = self._chosen.data(_ID)
            self.accept()
            self._store.open(id)

    def _ask_name(self) -> None:
        if self._chosen is not None:
            dialog = NameDialog("Rename", self._chosen.text(), check_title, self)
            id = self._chosen.data(_ID)
            dialog.named.connect(lambda title: self._rename(id, title))
            dialog.open()

    def _rename(self, id: str, title: str) -> None:
        self._store.rename(id, title)
        self._fill(id)

    def _delete(self) -> None:
        if self._chosen is None:
            return
        row, id, title = self.list.currentRow(), self._chosen.data(_ID), self._chosen.text()
        if not self._store.delete(id):
            return
        self._deleted = (id, title)
        self._fill("")
        rest = [item for item in self._items() if not item.isHidden()]
        if rest:
            behind = [item for item in rest if self.list.row(item) >= row]
            self.list.setCurrentItem(behind[0] if behind else rest[-1])
            self.list.setFocus()
        self._show_deleted()

    def _bring_back(self) -> None:
        if self._deleted:
            id = self._deleted[0]
            self._store.bring_back(id)
            self._deleted = None
            self._show_deleted()
            self._fill(id)
            self.list.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_F2:
            self._ask_name()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Delete removes a character in the filter and a document in the list."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if watched is self.filter:
                return self._filter_key(event)
            if watched is self.list and event.key() == Qt.Key.Key_Delete:
                self._delete()
                return True
        return super().eventFilter(watched, event)

    def _filter_key(self, event: QKeyEvent) -> bool:
        """Arrow keys in the filter move in the list; Esc clears the filter first, then closes the dialog."""
        if event.key() in _MOVES:
            self.list.keyPressEvent(event)
            return True
        if event.key() == Qt.Key.Key_Escape and self.filter.text():
            self.filter.clear()
            return True
        return False


class _Row(QStyledItemDelegate):
    """Paints the title, shortened to fit, and when the document was changed."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(0, max(_ROW, option.fontMetrics.height() + 16))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        self.initStyleOption(option, index)
        title, option.text = option.text, ""
        widget = option.widget
        widget.style().drawControl(widget.style().ControlElement.CE_ItemViewItem, option, painter, widget)
        box = QRect(option.rect).adjusted(_SIDE, 0, -_SIDE, 0)
        date = str(index.data(_DATE))
        wide = option.fontMetrics.horizontalAdvance(date)
        palette: QPalette = widget.palette()
        painter.save()
        painter.setFont(option.font)
        painter.setPen(QApplication.palette().color(QPalette.ColorRole.PlaceholderText))
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, date)
        room = box.adjusted(0, 0, -wide - 2 * _SIDE, 0)
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        shown = option.fontMetrics.elidedText(title, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
        painter.restore()
