"""Command palette: a search field and a list of all commands."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from gptdesk.ui.fonts import scaled, smaller
from gptdesk.ui.widgets.announcing import announce
from gptdesk.ui.widgets.popup import SHADOW, paint_panel
from gptdesk.ui.window.commands.registry import Commands
from gptdesk.ui.window.commands.search import Entry, rank
from gptdesk.ui.window.commands.shortcuts import shown

_WIDTH: Final = 600
_ROWS: Final = 9
"""Most rows without scrolling, if the window is high enough."""

_TOP: Final = 56
_SIDE: Final = 12
_ID, _KEYS, _NOTE, _POSSIBLE = (Qt.ItemDataRole.UserRole + number for number in range(4))
_MOVES: Final = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class CommandPalette(QFrame):
    """Floats over the window; closes when it loses the focus, and returns it.

    Args:
        commands: listed.
        window: it floats over it.
    """

    def __init__(self, commands: Commands, window: QWidget) -> None:
        super().__init__(window)
        self._commands, self._window = commands, window
        self._before: QWidget | None = None
        self.field = QLineEdit()
        self.field.setPlaceholderText("Search commands")
        self.field.setAccessibleName("Search commands")
        self.field.installEventFilter(self)
        self.list = QListWidget()
        self.list.setObjectName("commands")
        self.list.setAccessibleName("Commands")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setItemDelegate(_Row(self.list))
        self.none = QLabel("No command matches.")
        self.none.setProperty("kind", "muted")
        self.none.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        edge = SHADOW + 8
        layout.setContentsMargins(edge, edge, edge, edge)
        layout.setSpacing(8)
        for part in (self.field, self.list, self.none):
            layout.addWidget(part)
        self.field.textChanged.connect(self._fill)
        self.list.itemClicked.connect(lambda _: self._run())
        window.installEventFilter(self)
        self.hide()

    def open(self) -> None:
        """Shows all commands, recently run first."""
        if self.isHidden():
            self._before = QApplication.focusWidget()
        self.field.clear()
        self._fill()
        self.show()
        self.raise_()
        self.field.setFocus()

    def close_and_return(self) -> None:
        """Closes, and returns the focus."""
        before, self._before = self._before, None
        self.hide()
        if before is not None and before.isVisible():
            before.setFocus()

    def _fill(self) -> None:
        typed = self.field.text()
        listed = [command for command in self._commands if command.fill is None and command.in_palette]
        entries = [Entry(c.id, self._commands.full_title(c), c.description) for c in listed]
        self.list.clear()
        for id in rank(entries, typed, self._commands.recent):
            self.list.addItem(self._item(id))
        found = self.list.count() > 0
        self.list.setVisible(found)
        self.none.setVisible(not found)
        self.list.setCurrentRow(0)
        self._place()
        self._announce()

    def _item(self, id: str) -> QListWidgetItem:
        command = self._commands[id]
        title, reason = self._commands.full_title(command), self._commands.reason(id)
        keys = next(iter(shown(self._commands.keys(id))), "")
        item = QListWidgetItem(title)
        item.setData(_ID, id)
        item.setData(_KEYS, keys)
        item.setData(_NOTE, reason or command.description)
        words = [title, keys, f"not possible: {reason}" if reason else command.description]
        item.setData(Qt.ItemDataRole.AccessibleTextRole, ", ".join(word for word in words if word))
        item.setData(_POSSIBLE, reason is None)
        return item

    def _run(self) -> None:
        item = self.list.currentItem()
        id = item.data(_ID) if item else ""
        if not id:
            return
        if self._commands.reason(id) is not None:  # the row says why
            self._announce()
            return
        self.close_and_return()
        self._commands.run(id)

    def _announce(self) -> None:
        """Announces the current row, because screen readers follow the field, which has the focus."""
        item = self.list.currentItem()
        text = item.data(Qt.ItemDataRole.AccessibleTextRole) if item else self.none.text()
        announce(self.field, str(text))

    # Keys, place, paint

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field:
            if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
                event.accept()  # the keys of the window rest while the palette is open
                return True
            if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
                return self._on_key(event)
            if event.type() == QEvent.Type.FocusOut and not self.isHidden():
                self.hide()
        elif event.type() == QEvent.Type.Resize and not self.isHidden():
            self._place()
        return super().eventFilter(watched, event)

    def _on_key(self, event: QKeyEvent) -> bool:
        key = event.key()
        if key == Qt.Key.Key_Escape:
            self.close_and_return()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run()
        elif key in _MOVES:
            self._move(key)
        elif key not in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            return False
        return True

    def _move(self, key: int) -> None:
        count = self.list.count()
        if count:
            step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -_ROWS}.get(Qt.Key(key), _ROWS)
            row = self.list.currentRow() + step
            single = abs(step) == 1
            self.list.setCurrentRow(row % count if single else min(max(row, 0), count - 1))
            self._announce()

    def _place(self) -> None:
        window = self._window
        width = min(scaled(_WIDTH), window.width() - 48) + 2 * SHADOW
        row = self.list.sizeHintForRow(0) if self.list.count() else scaled(46)
        room = window.height() - _TOP - 24
        field = self.field.sizeHint().height() + 2 * SHADOW + 24
        rows = min(max(self.list.count(), 1), _ROWS)
        height = min(field + rows * max(row, 1) + 8, room)
        self.setGeometry((window.width() - width) // 2, _TOP - SHADOW, width, height)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_panel(painter, self, SHADOW)
        painter.end()


class _Row(QStyledItemDelegate):
    """Two lines: title and shortcut; description, or why the command is not possible."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(0, 2 * option.fontMetrics.lineSpacing() + 16)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        self.initStyleOption(option, index)
        title, option.text = option.text, ""
        widget = option.widget
        widget.style().drawControl(widget.style().ControlElement.CE_ItemViewItem, option, painter, widget)
        palette = QApplication.palette()  # a widget's own has fainter words, made by the style sheet
        line = option.fontMetrics.lineSpacing()
        muted = palette.color(QPalette.ColorRole.PlaceholderText)
        possible = bool(index.data(_POSSIBLE))
        box = QRect(option.rect).adjusted(_SIDE, 7, -_SIDE, 0)
        first, second = QRect(box.x(), box.y(), box.width(), line), QRect(box.x(), box.y() + line, box.width(), line)
        keys = str(index.data(_KEYS) or "")
        painter.save()
        painter.setFont(option.font)
        painter.setPen(muted)
        painter.drawText(first, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, keys)
        wide = option.fontMetrics.horizontalAdvance(keys) + _SIDE if keys else 0
        room = first.adjusted(0, 0, -wide, 0)
        painter.setPen(palette.color(QPalette.ColorRole.Text) if possible else muted)
        painter.drawText(room, _LEFT, option.fontMetrics.elidedText(title, _ELIDE, room.width()))
        painter.setFont(smaller(option.font))
        painter.setPen(muted)
        note = painter.fontMetrics().elidedText(str(index.data(_NOTE)), _ELIDE, second.width())
        painter.drawText(second, _LEFT, note)
        painter.restore()


_LEFT: Final = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_ELIDE: Final = Qt.TextElideMode.ElideRight
