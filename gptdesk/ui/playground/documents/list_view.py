"""The view of the list of documents: keys, and rows that are renamed in place."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QAbstractItemDelegate, QAbstractItemView, QListView, QWidget

from gptdesk.ui.widgets.quiet_scroll_bar import make_quiet

_ENTER: Final = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_OWN_KEYS: Final = (*_ENTER, Qt.Key.Key_Delete, Qt.Key.Key_F2, Qt.Key.Key_Escape)
"""Keys that this view answers, whatever commands of the window have them."""

_PLAIN: Final = Qt.KeyboardModifier.NoModifier


class DocumentListView(QListView):
    """Rows of which several can be selected.

    Signals:
        opened(): emitted when the current row was clicked, or Enter was pressed on it.
        deleted(): emitted when Delete was pressed.
        left(): emitted when Esc was pressed.
        edited(): emitted when a title is no longer edited.
        menu_wanted(QPoint): emitted with the place on the screen where the menu of the selected rows should open.
    """

    opened = Signal()
    deleted = Signal()
    left = Signal()
    edited = Signal()
    menu_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("documents")
        self.setAccessibleName("Documents")
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        make_quiet(self)

    @property
    def editing(self) -> bool:
        """Whether a title is being edited."""
        return self.state() == QAbstractItemView.State.EditingState

    def closeEditor(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:
        super().closeEditor(editor, hint)
        self.edited.emit()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride:
            assert isinstance(event, QKeyEvent)
            if event.key() in _OWN_KEYS and event.modifiers() == _PLAIN:
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_plain = event.modifiers() in (_PLAIN, Qt.KeyboardModifier.KeypadModifier)
        if self.editing:  # keys that the line of a title leaves, such as Enter
            super().keyPressEvent(event)
        elif event.key() in _ENTER and is_plain:
            self.opened.emit()
        elif event.key() == Qt.Key.Key_Delete and is_plain:
            self.deleted.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Opens the row that was clicked; with a modifier it is only selected."""
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and event.modifiers() == _PLAIN and index.isValid():
            self.opened.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        place = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            place = self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).center())
        self.menu_wanted.emit(place)
