"""Connects find and replace with the text: opens the bar, highlights the matches, and shows the current one."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QTextCursor

from gptdesk.ui import number_format
from gptdesk.ui.playground.editing.editor import Editor
from gptdesk.ui.playground.find.find_bar import FindBar
from gptdesk.ui.playground.find.finder import Finder
from gptdesk.ui.playground.find.highlights import highlight_matches
from gptdesk.ui.playground.find.matching import Sought
from gptdesk.ui.playground.session import Session
from gptdesk.ui.services.services import MessageService
from gptdesk.ui.theme import Theme


class FindInText(QObject):
    """Find and replace in the editor.

    Attributes:
        finder: the matches.
        bar: floats over the editor.
    """

    def __init__(self, theme: Theme, editor: Editor, session: Session, messages: MessageService) -> None:
        super().__init__(editor)
        self._theme, self._editor, self._messages = theme, editor, messages
        self.finder = Finder(session, self)
        self.bar = FindBar(theme, self.finder, editor)
        self.bar.sought.connect(self._on_sought)
        self.bar.step_wanted.connect(self.go)
        self.bar.replace_wanted.connect(lambda: self.finder.replace(self.bar.template.text()))
        self.bar.replace_all_wanted.connect(self._replace_all)
        self.bar.left.connect(self.close)
        self.finder.changed.connect(self._highlight)
        self.finder.went.connect(self._show_match)
        theme.changed.connect(self._highlight)
        editor.verticalScrollBar().valueChanged.connect(self._highlight)
        editor.column_moved.connect(self.bar.place)

    def open(self, *, replacing: bool) -> None:
        """Opens the bar; what is selected within a line is searched for."""
        start, end = self._editor.selection
        selected = self._editor.shown[start:end]
        self.bar.open("" if "\n" in selected else selected, replacing=replacing)

    def close(self) -> None:
        """Closes the bar; the current match stays selected."""
        self.bar.hide()
        self.finder.stop()
        self._editor.setFocus()

    @Slot(int)
    def go(self, step: int) -> None:
        """Goes to the next match (1) or to the previous one (-1); opens the bar where it is closed."""
        if self.bar.isHidden():
            self.open(replacing=False)
        self.finder.go(step, self._editor.selection[0])

    @Slot(object)
    def _on_sought(self, sought: Sought) -> None:
        if not self.bar.isHidden():
            self.finder.start(sought, self._editor.selection[0])

    @Slot()
    def _replace_all(self) -> None:
        count = self.finder.replace_all(self.bar.template.text())
        matches = "1 match was" if count == 1 else f"{number_format.count(count)} matches were"
        self._messages.toast(f"{matches} replaced; Undo restores them.", of_document=True)

    @Slot()
    def _show_match(self) -> None:
        match = self.finder.matches[self.finder.current]
        start, end = self._editor.places.positions([match.start, match.end])
        cursor = self._editor.textCursor()
        cursor.setPosition(end)
        cursor.setPosition(start, QTextCursor.MoveMode.KeepAnchor)
        self._editor.setTextCursor(cursor)
        self._editor.show_cursor()
        area = self._editor.viewport().height() - self.bar.height()
        place = self._editor.cursorRect()
        if not 0 <= place.top() <= area - place.height():
            bar = self._editor.verticalScrollBar()
            bar.setValue(bar.value() + place.top() - area // 2)
        self._highlight()

    @Slot()
    def _highlight(self) -> None:
        if not self.bar.isHidden() or self._editor.extraSelections():
            matches, current = self.finder.matches, self.finder.current
            highlight_matches(self._editor, matches, current, self._theme.colours)
