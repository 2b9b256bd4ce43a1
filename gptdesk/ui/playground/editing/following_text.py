"""A text widget that scrolls with a growing text while its end is in view."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtGui import QMouseEvent, QTextCursor
from PySide6.QtWidgets import QTextEdit, QWidget

from gptdesk.ui.widgets.quiet_scroll_bar import make_quiet


class FollowingTextEdit(QTextEdit):
    """Keeps the end in view when the text grows or the widget shrinks, unless the person has scrolled away from it.

    Qt does not say who scrolls. If the scroll bar moves while its range stays the same, it was the person.

    Attributes:
        placed: whether the person put the caret, or the selection, where it is, by pointer, keys or typing.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        make_quiet(self)
        self._follows = True
        self._at_work = False
        self._range = 0  # maximum of the scroll bar at its last change
        self.placed = False
        self.cursorPositionChanged.connect(self._on_cursor_moved)
        self.selectionChanged.connect(self._on_cursor_moved)
        self.verticalScrollBar().rangeChanged.connect(self._on_range_changed)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)

    def show_end(self) -> None:
        """Moves the cursor to the end of the text and scrolls there."""
        self.moveCursor(QTextCursor.MoveOperation.End)
        self._scroll_to_end()

    def show_cursor(self) -> None:
        """Scrolls to the cursor; at the end of the text, the margin below it is shown, too."""
        self.ensureCursorVisible()
        if self.textCursor().atEnd():
            self._scroll_to_end()

    def follow(self) -> None:
        """Call after a change of the text: scrolls to its end if that was in view."""
        if self._follows and not self._at_work:
            self._scroll_to_end()

    @contextmanager
    def person_at_work(self) -> Iterator[None]:
        """During the person's own edit, the view follows the cursor instead of the end."""
        self._at_work = True
        try:
            yield
        finally:
            self._at_work = False
        self._look()

    @property
    def is_at_end(self) -> bool:
        """Whether the caret stands at the end of the text and nothing is selected."""
        cursor = self.textCursor()
        return cursor.atEnd() and not cursor.hasSelection()

    @property
    def shows_cursor(self) -> bool:
        """Whether the caret is in view."""
        return self.viewport().rect().intersects(self.cursorRect())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        with self.person_at_work():
            super().mousePressEvent(event)
        self.placed = True  # also where the caret stood there already

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        with self.person_at_work():
            super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        with self.person_at_work():
            super().mouseReleaseEvent(event)
        self.placed = True  # also where the text scrolled while it was selected

    def _on_cursor_moved(self) -> None:
        self.placed = self._at_work

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
