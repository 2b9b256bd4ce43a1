"""Base of the panes of documents and branches: a search field above rows, and what is done with the selected rows."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.panes.header import PaneHeader
from gptdesk.ui.playground.panes.row_view import RowView
from gptdesk.ui.widgets.inputs.list_keys import ListKeys
from gptdesk.ui.widgets.popup import Menu

_LEAST_WIDTH: Final = 200


class RowPane(QWidget):
    """Header and rows. Esc clears the search, then leaves the pane; a letter that is typed in the rows begins a search.

    Attributes:
        field: what is searched for.
        none: says why there are no rows.

    Signals:
        left(): emitted when the person wants to go back to the text.
    """

    left = Signal()

    def __init__(self, header: PaneHeader, view: RowView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view, self.field = view, header.field
        ListKeys(self.field, view)
        self.none = QLabel()
        self.none.setProperty("kind", "muted")
        self.none.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.none.setWordWrap(True)
        self.none.setTextFormat(Qt.TextFormat.PlainText)
        self.none.setMargin(12)
        self.setProperty("zone", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumWidth(scaled(_LEAST_WIDTH))
        self.parts = QVBoxLayout(self)
        self.parts.setContentsMargins(0, 0, 0, 0)
        self.parts.setSpacing(0)
        self.parts.addWidget(header)
        self.parts.addWidget(view, 1)
        self.parts.addWidget(self.none, 1)
        view.opened.connect(lambda: self.act("Return"))
        view.pressed_key.connect(self.act)
        view.left.connect(self.leave)
        view.typed.connect(self._type)
        view.menu_wanted.connect(self._show_row_menu)

    def act(self, key: str) -> None:
        """Does what a key does to the selected rows."""
        raise NotImplementedError

    def row_menu(self) -> Menu:
        """The menu of the selected rows; whoever shows it deletes it."""
        raise NotImplementedError

    def show_none(self, words: str) -> None:
        """Shows these words in the place of the rows; "" shows the rows."""
        if words:
            self.none.setText(words)
        self._view.setVisible(not words)
        self.none.setVisible(bool(words))

    def focus_search(self) -> None:
        """Gives the focus to the search field and selects its text."""
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    def edit_name(self) -> None:
        """Edits the name of the current row in its place."""
        self._view.edit(self._view.currentIndex())

    @Slot()
    def leave(self) -> None:
        """Esc: clears the search first, then leaves the pane."""
        if self.field.text():
            self.field.clear()
        else:
            self.left.emit()

    @Slot(str)
    def _type(self, letter: str) -> None:
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.setText(letter)

    @Slot(object)
    def _show_row_menu(self, place: QPoint) -> None:
        if self._view.selectionModel().hasSelection():
            menu = self.row_menu()
            menu.aboutToHide.connect(menu.deleteLater)
            menu.popup(place)
