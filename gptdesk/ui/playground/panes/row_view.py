"""The view of the rows of a pane: keys, clicks, and names that are edited in place."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QAbstractItemDelegate, QAbstractItemView, QTreeView, QWidget

from gptdesk.ui.widgets.quiet_scroll_bar import make_quiet

PLAIN: Final = Qt.KeyboardModifier.NoModifier
_SHIFT: Final = Qt.KeyboardModifier.ShiftModifier
_KEYPAD: Final = Qt.KeyboardModifier.KeypadModifier
_FOLDING: Final = ("*", "+", "-")
"""Keys with which Qt folds and unfolds rows."""


class RowView(QTreeView):
    """Rows of which several can be selected.

    Args:
        name: of the view for screen readers.
        keys: of actions on the selected rows, as portable text.

    Signals:
        opened(): emitted when the current row was clicked.
        pressed_key(str): emitted with one of the keys of actions.
        left(): emitted when Esc was pressed.
        typed(str): emitted with a letter that was typed, for the search.
        edited(): emitted when a name is no longer edited.
        menu_wanted(QPoint): emitted with the place on the screen where the menu of the selected rows should open.
    """

    opened = Signal()
    pressed_key = Signal(str)
    left = Signal()
    typed = Signal(str)
    edited = Signal()
    menu_wanted = Signal(object)

    def __init__(self, name: str, keys: Collection[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._keys = frozenset(keys)
        self.setProperty("kind", "rows")
        self.setAccessibleName(name)
        self.setHeaderHidden(True)
        self.setUniformRowHeights(True)
        self.setExpandsOnDoubleClick(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        make_quiet(self)

    @property
    def editing(self) -> bool:
        """Whether a name is being edited."""
        return self.state() == QAbstractItemView.State.EditingState

    def closeEditor(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:
        super().closeEditor(editor, hint)
        self.edited.emit()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride:
            assert isinstance(event, QKeyEvent)
            if key_of(event) in (*self._keys, "Esc"):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = key_of(event)
        if self.editing:  # keys that the line of a name leaves, such as Enter
            super().keyPressEvent(event)
        elif key in self._keys:
            self.pressed_key.emit(key)
        elif key == "Esc":
            self.left.emit()
        elif event.modifiers() in (PLAIN, _SHIFT) and _is_text(event.text()) and key not in _FOLDING:
            self.typed.emit(event.text())
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Opens the row that was clicked; with a modifier, or beside it, where rows are folded, it is only selected."""
        super().mouseReleaseEvent(event)
        place = event.position().toPoint()
        index = self.indexAt(place)
        is_plain = event.button() == Qt.MouseButton.LeftButton and event.modifiers() == PLAIN
        if is_plain and index.isValid() and self.visualRect(index).contains(place):
            self.opened.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        place = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            place = self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).center())
        self.menu_wanted.emit(place)


def _is_text(text: str) -> bool:
    return text.isprintable() and bool(text.strip())


def key_of(event: QKeyEvent) -> str:
    """The key that was pressed as portable text; both Enter keys are "Return"."""
    modifiers = event.modifiers() & ~_KEYPAD
    key = Qt.Key.Key_Return if event.key() == Qt.Key.Key_Enter else Qt.Key(event.key())
    return QKeySequence(modifiers.value | key.value).toString(QKeySequence.SequenceFormat.PortableText)
