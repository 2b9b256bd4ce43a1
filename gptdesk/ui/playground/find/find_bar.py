"""The bar of find and replace, which floats over the lower edge of the text."""

from __future__ import annotations

import itertools
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from gptdesk.ui import number_format
from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.find.finder import Finder
from gptdesk.ui.playground.find.matching import MOST_MATCHES, Sought
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.tooltips import wrapped

_WIDTH: Final = 520
"""Usual width in pixels at a font of 13 pixels."""

_MARGIN: Final = 8
"""Least distance from the edges of the text, in pixels."""

_BORDER: Final = 1
"""Width of the line around the bar, which the style sheet draws within it, in pixels."""

_OPTIONS: Final = {
    "case": ("Aa", "Match case", "Tell capital and small letters apart"),
    "words": ("W", "Whole words", "Find whole words only"),
    "expression": (".*", "Regular expression", "Find a regular expression; $1 in the replacement is its first group"),
}
"""Field of `Sought`, letters on the button, name and help of each switch."""


class FindBar(QFrame):
    """Fields and buttons. The view connects it with the text.

    Attributes:
        field: what is searched for.
        template: what replaces a match.
        options: switches, by field of `Sought`.
        count: which match of how many.
        problem: why an expression cannot be used.

    Signals:
        sought(object): emitted with the `Sought` when it changed.
        step_wanted(int): emitted to go to the next match (1) or to the previous one (-1).
        replace_wanted(): emitted to replace the current match.
        replace_all_wanted(): emitted to replace all matches.
        left(): emitted when the bar should close.
    """

    sought = Signal(object)
    step_wanted = Signal(int)
    replace_wanted = Signal()
    replace_all_wanted = Signal()
    left = Signal()

    def __init__(self, theme: Theme, finder: Finder, parent: QWidget) -> None:
        super().__init__(parent)
        self._finder, self._area = finder, parent
        self.setObjectName("find")
        self.field, self.template = self._line("Find"), self._line("Replace with")
        self.count = QLabel()
        self.count.setProperty("kind", "muted")
        self.count.setAccessibleName("Matches")
        self.previous, self.next = (
            self._icon(theme, "Previous match", "chevron-up"),
            self._icon(theme, "Next match", "chevron-down"),
        )
        self.options = {name: self._option(*about) for name, about in _OPTIONS.items()}
        self.close_button = self._icon(theme, "Close", "close")
        self.replace, self.replace_all = QPushButton("Replace"), QPushButton("Replace all")
        self.problem = QLabel()
        self.problem.setProperty("kind", "bad")
        self.problem.setWordWrap(True)
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.second = QWidget()
        self._lay_out()
        self.field.textChanged.connect(self._on_sought)
        self.previous.clicked.connect(lambda: self.step_wanted.emit(-1))
        self.next.clicked.connect(lambda: self.step_wanted.emit(1))
        self.replace.clicked.connect(self.replace_wanted)
        self.replace_all.clicked.connect(self.replace_all_wanted)
        self.close_button.clicked.connect(self.left)
        finder.changed.connect(self._show)
        self._show()
        self.hide()

    def _line(self, name: str) -> QLineEdit:
        line = QLineEdit()
        line.setPlaceholderText(name)
        line.setAccessibleName(name)
        line.installEventFilter(self)
        return line

    def _icon(self, theme: Theme, name: str, icon: str) -> QPushButton:
        button = QPushButton()
        button.setProperty("kind", "flat")
        button.setProperty("icon_only", "true")
        button.setAccessibleName(name)
        button.setToolTip(wrapped(name))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        theme.set_icon(button, icon)
        return button

    def _option(self, letters: str, name: str, help: str) -> QPushButton:
        button = QPushButton(letters)
        button.setProperty("kind", "tab")
        button.setCheckable(True)
        button.setAccessibleName(name)
        button.setToolTip(wrapped(f"{name}\n{help}"))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.toggled.connect(self._on_sought)
        return button

    def _lay_out(self) -> None:
        first, switches, second = QHBoxLayout(), QHBoxLayout(), QHBoxLayout(self.second)
        first.setSpacing(2)
        first.addWidget(self.field, 1)
        first.addSpacing(4)
        for button in (self.previous, self.next, self.close_button):
            first.addWidget(button)
        switches.setSpacing(2)
        for option in self.options.values():
            switches.addWidget(option)
        switches.addStretch(1)
        switches.addWidget(self.count)
        switches.addSpacing(8)
        second.setContentsMargins(0, 0, 0, 0)
        second.setSpacing(6)
        second.addWidget(self.template, 1)
        second.addWidget(self.replace)
        second.addWidget(self.replace_all)
        self._column = layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(4)
        layout.addLayout(first)
        layout.addLayout(switches)
        layout.addWidget(self.second)
        layout.addWidget(self.problem)
        self._order_for_tab()

    def _order_for_tab(self) -> None:
        """Tab goes from what is searched for to its replacement, and then to the buttons."""
        buttons = (self.replace, self.replace_all, self.previous, self.next, *self.options.values(), self.close_button)
        for before, after in itertools.pairwise((self.field, self.template, *buttons)):
            QWidget.setTabOrder(before, after)

    def open(self, text: str, *, replacing: bool) -> None:
        """Shows the bar and focuses its field.

        Args:
            text: to search for; "" for what was searched for last.
            replacing: whether the replacement is shown.
        """
        self.second.setVisible(replacing)
        if text:
            self.field.setText(text)
        self.show()
        self.place()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()
        self._on_sought()

    def place(self) -> None:
        """Puts the bar over the lower edge of its parent."""
        area, column = self._area, self._column
        column.invalidate()  # rows come and go
        width = min(scaled(_WIDTH), area.width() - 2 * _MARGIN)
        height = column.totalHeightForWidth(width) if column.hasHeightForWidth() else column.sizeHint().height()
        height += 2 * _BORDER
        self.setGeometry((area.width() - width) // 2, area.height() - height - _MARGIN, width, height)

    @Slot()
    def _on_sought(self) -> None:
        switches = {name: button.isChecked() for name, button in self.options.items()}
        self.sought.emit(Sought(self.field.text(), **switches))

    @Slot()
    def _show(self) -> None:
        finder, total = self._finder, len(self._finder.matches)
        more = "+" if total >= MOST_MATCHES else ""
        if total:
            number = number_format.count(finder.current + 1) if finder.current >= 0 else "–"
            self.count.setText(f"{number} of {number_format.count(total)}{more}")
        else:
            self.count.setText("No match" if self.field.text() and not finder.problem else "")
        self.problem.setText(finder.problem)
        self.problem.setVisible(bool(finder.problem))
        for button in (self.previous, self.next, self.replace_all):
            button.setEnabled(total > 0)
        self.replace.setEnabled(finder.current >= 0)
        self.place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Enter goes on or replaces, Shift+Enter goes back, Esc closes."""
        if not isinstance(event, QKeyEvent):
            return super().eventFilter(watched, event)
        if event.type() == QEvent.Type.ShortcutOverride and event.key() == Qt.Key.Key_Escape:
            event.accept()
        if event.type() != QEvent.Type.KeyPress:
            return False
        is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if is_enter and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.step_wanted.emit(-1)
        elif is_enter and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            if watched is self.template:
                self.replace_wanted.emit()
            else:
                self.step_wanted.emit(1)
        elif event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            return False
        return True
