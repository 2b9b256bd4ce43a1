"""Settings page for keyboard shortcuts: search, change, conflicts, reset."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gptdesk.errors import UserError
from gptdesk.ui.key_names import key_name
from gptdesk.ui.widgets.problem_label import ProblemLabel
from gptdesk.ui.window.commands.registry import Command, Commands
from gptdesk.ui.window.commands.search import Entry, rank
from gptdesk.ui.window.commands.shortcuts import check_key, shown

_ID: Final = Qt.ItemDataRole.UserRole
_MODIFIERS: Final = (Qt.Key.Key_Control, Qt.Key.Key_Shift, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr)


class KeyField(QLineEdit):
    """Captures any key that is pressed while it has the focus, except Tab.

    Signals:
        pressed(str): emitted with the key and its modifiers, as portable text.
    """

    pressed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setPlaceholderText("Press a key")
        self.setAccessibleName("New shortcut")
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.key() not in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            event.accept()
            if event.type() == QEvent.Type.KeyPress and event.key() not in _MODIFIERS:
                self.pressed.emit(QKeySequence(event.keyCombination()).toString())
            return True
        return super().event(event)


class KeyboardPage(QWidget):
    """Lists commands and their keys, and changes them.

    Attributes:
        search: filters by title, description and key.
        table: lists the commands.
        key: captures a new key for the chosen command.
        take: assigns the key although other commands have it, and takes it from them.
        problem: why a key cannot be used, or which commands have it.
    """

    def __init__(self, commands: Commands, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._commands = commands
        self._wanted = ""
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search commands or keys")
        self.search.setAccessibleName("Search commands or keys")
        self.search.setClearButtonEnabled(True)
        self.table = QTableWidget(0, 3)
        self._set_up_table()
        self.key = KeyField()
        self.take, self.clear, self.reset, self.reset_all = (
            _button("Reassign"),
            _button("Remove"),
            _button("Reset"),
            _button("Reset all"),
        )
        self.take.hide()
        self.problem = ProblemLabel()
        self.about = QLabel()
        self.about.setProperty("kind", "muted")
        self.about.setWordWrap(True)
        self._lay_out()
        self.search.textChanged.connect(self._fill)
        self.table.itemSelectionChanged.connect(self._on_chosen)
        self.key.pressed.connect(self._on_pressed)
        self.take.clicked.connect(self._on_take)
        self.clear.clicked.connect(lambda: self._bind(()))
        self.reset.clicked.connect(self._on_reset)
        self.reset_all.clicked.connect(lambda: self._commands.reset_keys())
        commands.shortcuts_changed.connect(self._fill)
        self._fill()

    def choose(self, id: str) -> None:
        """Chooses the command of that id, if it is listed."""
        for row in range(self.table.rowCount()):
            item = self.table.item(row, 0)
            if item is not None and item.data(_ID) == id:
                self.table.setCurrentCell(row, 0)

    @property
    def chosen(self) -> Command | None:
        """The command that is chosen."""
        item = self.table.item(self.table.currentRow(), 0) if self.table.currentRow() >= 0 else None
        return self._commands[item.data(_ID)] if item is not None else None

    def _set_up_table(self) -> None:
        table = self.table
        table.setAccessibleName("Shortcuts")
        table.setHorizontalHeaderLabels(["Command", "Where", "Shortcut"])
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        for corner in table.findChildren(QAbstractButton):
            corner.setAccessibleName("All shortcuts")
        table.verticalHeader().setDefaultSectionSize(32)
        header = table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in (1, 2):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)

    def _lay_out(self) -> None:
        edit = QHBoxLayout()
        edit.setSpacing(8)
        edit.addWidget(self.key, 1)
        for button in (self.take, self.clear, self.reset, self.reset_all):
            edit.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for part in (self.search, self.table, self.about):
            layout.addWidget(part)
        layout.addLayout(edit)
        layout.addWidget(self.problem)
        layout.setStretchFactor(self.table, 1)

    def _fill(self) -> None:
        chosen = self.chosen.id if self.chosen else ""
        listed = {command.id: command for command in self._commands if command.fill is None}
        typed = self.search.text()
        found = rank((Entry(c.id, self._commands.full_title(c), c.description) for c in listed.values()), typed, ())
        by_key = [id for id in listed if typed and typed.casefold() in self._shown_keys(id).casefold()]
        ids = list(dict.fromkeys([*by_key, *found]))
        self.table.setRowCount(len(ids))
        for row, id in enumerate(ids):
            command = listed[id]
            mark = " ·" if self._commands.bindings.is_changed(id) else ""
            texts = (self._commands.full_title(command), self._commands.scope_title(command.scope))
            for column, text in enumerate((*texts, self._shown_keys(id) + mark)):
                item = QTableWidgetItem(text)
                item.setData(_ID, id)
                item.setToolTip("Changed" if mark and column == 2 else command.description)
                self.table.setItem(row, column, item)
        if ids:
            self.choose(chosen if chosen in ids else ids[0])
        self._on_chosen()

    def _shown_keys(self, id: str) -> str:
        return ", ".join(shown(self._commands.keys(id)))

    def _on_chosen(self) -> None:
        command = self.chosen
        self._refuse("")
        self.key.clear()
        self.about.setText(f"{self._commands.full_title(command)}: {command.description}" if command else "")
        for widget in (self.key, self.clear, self.reset):
            widget.setEnabled(command is not None)
        if command is not None:
            self.clear.setEnabled(bool(self._commands.keys(command.id)))
            self.reset.setEnabled(self._commands.bindings.is_changed(command.id))
        self.reset_all.setEnabled(bool(self._commands.bindings.changes))

    def _on_pressed(self, key: str) -> None:
        """Assigns the key to the chosen command unless another one has it."""
        command = self.chosen
        self._refuse("")
        if command is None:
            return
        self.key.setText(key_name(key))
        try:
            key = check_key(key)
        except UserError as error:
            self._refuse(str(error))
            return
        others = self._commands.conflicts(command.id, key)
        if others:
            names = " and ".join(f"“{self._commands.full_title(other)}”" for other in others)
            self._refuse(f"{key_name(key)} is the key of {names}. Press another key, or reassign this one.")
            self._wanted = key
            self.take.show()
            return
        self._bind((key,))

    def _on_take(self) -> None:
        command, key = self.chosen, self._wanted
        if command is not None and key:
            self._commands.take_key(command.id, key)
            self._bind((key,))

    def _bind(self, keys: tuple[str, ...]) -> None:
        if (command := self.chosen) is not None:
            self._commands.bind(command.id, keys)
            self.key.setFocus()

    def _on_reset(self) -> None:
        if (command := self.chosen) is not None:
            self._commands.reset_keys(command.id)

    def _refuse(self, sentence: str) -> None:
        self._wanted = ""
        self.take.hide()
        self.problem.show_problem(sentence)


def _button(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setAutoDefault(False)
    return button
