"""A text widget that keeps the end of a growing text in view."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QTextEdit, QWidget

from gptdesk.ui.widgets.quiet_scroll_bar import make_quiet


class FollowingTextEdit(QTextEdit):
    """Who reads the end of the text keeps seeing it when the text grows, or when the widget becomes smaller.

    Who scrolls away from the end is left where they are. Qt gives no sign of who scrolls; a scroll bar whose range
    stays as it is was moved by a person or by their cursor.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        make_quiet(self)
        self._follows = True
        self._at_work = False
        self._range = 0  # of the scroll bar, when it was last heard of
        self.verticalScrollBar().rangeChanged.connect(self._on_range_changed)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)

    def show_end(self) -> None:
        """Puts the cursor behind the text and scrolls there."""
        self.moveCursor(QTextCursor.MoveOperation.End)
        self._scroll_to_end()

    def show_cursor(self) -> None:
        """Scrolls to the cursor; on the last line to the end of what can be scrolled, so that the margin is seen."""
        self.ensureCursorVisible()
        if self.textCursor().atEnd():
            self._scroll_to_end()

    def follow(self) -> None:
        """The text is another: whoever read its end sees the new one."""
        if self._follows and not self._at_work:
            self._scroll_to_end()

    @contextmanager
    def person_at_work(self) -> Iterator[None]:
        """While a person's own edit is carried out, the view goes where their cursor goes."""
        self._at_work = True
        try:
            yield
        finally:
            self._at_work = False
        self._look()

    def _scroll_to_end(self) -> None:
        self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())

    def _look(self) -> None:
        bar = self.verticalScrollBar()
        self._follows = bar.value() >= bar.maximum() - self.fontMetrics().height()

    def _on_range_changed(self, _: int, maximum: int) -> None:
        self._range = maximum
        self.follow()

    def _on_scrolled(self, _: int) -> None:
        if self._range == self.verticalScrollBar().maximum():
            self._look()
