"""Dialog that shows two branches side by side: what they share, where they part, and their figures."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut, QTextCursor
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QTextEdit, QVBoxLayout, QWidget

from gptdesk.ui import number_format
from gptdesk.ui.fonts import prose_font, scaled
from gptdesk.ui.playground.branches.comparison.comparison import Comparison
from gptdesk.ui.playground.branches.comparison.sheet import Sheet, lines_of
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.dialog import Dialog
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.inputs.check_box import CheckBox
from gptdesk.ui.widgets.tooltips import wrapped

_WIDTH: Final = 900
_TEXT: Final = 16
"""Size of the texts in pixels."""


class ComparisonDialog(Dialog):
    """Both texts, in read-only columns that the caret can walk through.

    Attributes:
        text: both texts.
        side_by_side: whether they stand beside each other.
        place: which difference the caret is at.
    """

    def __init__(self, theme: Theme, comparison: Comparison, parent: QWidget | None = None) -> None:
        super().__init__("Compare branches", parent, width=_WIDTH)
        self._theme, self._comparison = theme, comparison
        self._lines = lines_of(comparison.parts)
        self.text = QTextEdit()
        self.text.setProperty("kind", "comparison")
        self.text.setAccessibleName("Both branches")
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.text.setFont(prose_font(scaled(_TEXT)))
        self.text.setMinimumHeight(scaled(160))
        self._sheet = Sheet(self.text.document(), theme.colours)
        self.side_by_side = CheckBox()
        self.side_by_side.setAccessibleName("Side by side")
        self.side_by_side.setChecked(True)
        self.place = QLabel()
        self.place.setProperty("kind", "muted")
        self.previous, self.next = QPushButton("Previous"), QPushButton("Next")
        self.copy, self.close_button = QPushButton("Copy"), QPushButton("Close")
        self._lay_out()
        self.side_by_side.toggled.connect(self._write)
        self.previous.clicked.connect(lambda: self.go(-1))
        self.next.clicked.connect(lambda: self.go(1))
        self.copy.clicked.connect(self.copy_text)
        self.close_button.clicked.connect(self.reject)
        for key, step in (("F3", 1), ("Shift+F3", -1)):
            QShortcut(QKeySequence(key), self, lambda step=step: self.go(step))
        self.text.cursorPositionChanged.connect(self._show_place)
        theme.changed.connect(self._on_theme_changed)
        self._write()
        self.resize(scaled(_WIDTH), scaled(600))
        self.text.setFocus()

    def _lay_out(self) -> None:
        parting = QLabel(self._comparison.parting)
        parting.setTextFormat(Qt.TextFormat.PlainText)
        parting.setWordWrap(True)
        parting.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        option = QLabel("Side by side")
        option.setBuddy(self.side_by_side)
        for button, name, key in (
            (self.previous, "Previous difference", "Shift+F3"),
            (self.next, "Next difference", "F3"),
        ):
            button.setAccessibleName(name)
            button.setToolTip(wrapped(f"{name} ({key})"))
        self.copy.setToolTip(wrapped("Copy the selection, or the whole comparison as [-left-]{+right+}"))
        for button in (self.previous, self.next, self.copy, self.close_button):
            button.setAutoDefault(False)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for widget in (self.previous, self.next, self.place):
            buttons.addWidget(widget)
        buttons.addStretch(1)
        for control in (self.side_by_side, option, self.copy, self.close_button):
            buttons.addWidget(control)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(8)
        layout.addLayout(self._figures())
        layout.addWidget(parting)
        layout.addWidget(self.text, 1)
        layout.addLayout(buttons)

    def _figures(self) -> QGridLayout:
        """Titles and figures of both branches, in three columns."""
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(4)
        for column, side in enumerate((self._comparison.left, self._comparison.right), start=1):
            heading = ElidedLabel()
            heading.setText(self._comparison.title(side))
            heading.setProperty("kind", "heading")
            grid.addWidget(heading, 0, column)
            grid.setColumnStretch(column, 1)
        for row, (name, *values) in enumerate(self._comparison.table(), start=1):
            caption = QLabel(name)
            caption.setProperty("kind", "muted")
            grid.addWidget(caption, row, 0)
            for column, value in enumerate(values, start=1):
                label = QLabel(value)
                label.setAccessibleName(f"{name}, {('left', 'right')[column - 1]}: {value}")
                label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                grid.addWidget(label, row, column)
        return grid

    @Slot()
    def _write(self) -> None:
        beside = self.side_by_side.isChecked()
        (self._sheet.write_beside if beside else self._sheet.write_inline)(self._lines)
        places = self._sheet.places
        self._put_caret(places[0][0] if places else 0, 0)
        self._show_place()

    @Slot()
    def _on_theme_changed(self) -> None:
        self._sheet = Sheet(self.text.document(), self._theme.colours)
        self._write()

    def go(self, step: int) -> None:
        """Selects the next difference (1) or the previous one (-1), round and round."""
        places = self._sheet.places
        if not places:
            return
        cursor = self.text.textCursor()
        if step > 0:
            number = next((n for n, (start, _) in enumerate(places) if start > cursor.selectionStart()), 0)
        else:
            before = [n for n, (start, _) in enumerate(places) if start < cursor.selectionStart()]
            number = before[-1] if before else len(places) - 1
        start, end = places[number]
        self._put_caret(start, end - start)

    def _put_caret(self, start: int, length: int) -> None:
        cursor = self.text.textCursor()
        cursor.setPosition(start)
        cursor.setPosition(start + length, QTextCursor.MoveMode.KeepAnchor)
        self.text.setTextCursor(cursor)
        self.text.ensureCursorVisible()

    @Slot()
    def _show_place(self) -> None:
        places, start = self._sheet.places, self.text.textCursor().selectionStart()
        number = sum(first <= start for first, _ in places)
        total = number_format.count(len(places))
        self.place.setText(f"{number_format.count(number)} of {total}" if places else "no differences")
        for button in (self.previous, self.next):
            button.setEnabled(bool(places))

    @Slot()
    def copy_text(self) -> None:
        """Copies the selection, or the whole comparison."""
        chosen = self.text.textCursor().selection().toPlainText()
        QGuiApplication.clipboard().setText(chosen or self._comparison.marked_text)
