"""What of the editor is painted while text comes."""

from PySide6.QtCore import QEvent, QObject, QPoint, QRect
from PySide6.QtGui import QImage, QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget

from gptdesk.store.runs import Origin, Token
from gptdesk.ui.playground.editing.editor import Editor

from .editor_view import View
from .editor_view import view as view  # a fixture


class Repaints(QObject):
    """Records which rows of a viewport are painted anew, and how often what is behind it is.

    Attributes:
        rows: of the last time.
        behind: number of times.
    """

    def __init__(self, editor: Editor) -> None:
        super().__init__(editor)
        self._editor, self.rows, self.behind = editor, range(0), 0
        QApplication.processEvents()
        editor.viewport().installEventFilter(self)
        editor.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent) and watched is self._editor:
            self.behind += 1
        elif isinstance(event, QPaintEvent):
            self.rows = range(event.rect().top(), event.rect().bottom() + 1)
        return False

    def picture(self) -> QImage:
        """What the viewport shows, painted whole."""
        rows = self.rows
        picture = self._editor.viewport().grab().toImage()
        self.rows = rows
        return picture

    def screen(self) -> QImage:
        """What the screen shows of the viewport, painted in parts."""
        viewport, window = self._editor.viewport(), self._editor.window()
        place = QRect(viewport.mapTo(window, QPoint(0, 0)), viewport.size())
        return window.screen().grabWindow(window.winId()).toImage().copy(place)


def test_a_token_has_its_line_painted_and_what_is_below_and_nothing_else_changes(view: View) -> None:
    view.document.replace(0, 0, "Once upon a time there was a dragon. " * 60)
    view.generate(" It")
    view.editor.show_end()
    document, bar, repaints = view.document, view.editor.verticalScrollBar(), Repaints(view.editor)
    document.begin_generation(Origin(generation="streamed", model="tiny"))
    document.append_tokens(" slept", [Token(1, 6, -1.0)])
    view.show()
    compared = 0
    for word in [" in", " a", " den", ",", " al", "though", " it", " was", " not", " tired"] * 3:
        QApplication.processEvents()
        before, scrolled = repaints.picture(), bar.value()
        document.append_tokens(word, [Token(1, len(word), -1.0)])
        view.show()
        QApplication.processEvents()
        after = repaints.picture()
        if bar.value() == scrolled:  # else all has moved
            compared += 1
            assert len(repaints.rows) < before.height() / 2
            for row in range(before.height()):
                line = QRect(0, row, before.width(), 1)
                assert row in repaints.rows or before.copy(line) == after.copy(line)
    assert compared > 20


def test_scrolling_by_a_line_paints_that_line_and_moves_the_others(view: View) -> None:
    view.document.replace(0, 0, "Once upon a time there was a dragon. " * 60)
    view.generate(" It")
    view.editor.setCursorWidth(0)  # it blinks
    view.editor.show_end()
    document, bar, repaints = view.document, view.editor.verticalScrollBar(), Repaints(view.editor)
    document.begin_generation(Origin(generation="streamed", model="tiny"))
    scrolled = 0
    for _ in range(60):
        before = bar.value()
        document.append_tokens(" asleep", [Token(1, 7, -1.0)])
        view.show()
        QApplication.processEvents()
        if bar.value() > before and scrolled:
            assert len(repaints.rows) < view.editor.viewport().height() / 2
        scrolled += bar.value() > before
        assert repaints.screen() == repaints.picture()
    assert scrolled > 3
    assert repaints.behind <= scrolled, "the scroll bar alone lets it show through"


def test_under_a_banner_scrolling_paints_what_it_uncovers_and_the_new_line(view: View) -> None:
    view.document.replace(0, 0, "Once upon a time there was a dragon. " * 60)
    view.generate(" It")
    view.editor.setCursorWidth(0)
    view.editor.show_end()
    banner = QWidget(view.editor)
    banner.setGeometry(40, 10, 200, 30)
    banner.show()
    view.editor.give_way(50)
    document, bar, repaints = view.document, view.editor.verticalScrollBar(), Repaints(view.editor)
    document.begin_generation(Origin(generation="streamed", model="tiny"))
    painted: list[QRect] = []
    view.editor.layers.append(lambda _, rows: painted.append(rows))
    scrolled = 0
    for _ in range(60):
        before = bar.value()
        painted.clear()
        document.append_tokens(" asleep", [Token(1, 7, -1.0)])
        view.show()
        QApplication.processEvents()
        if bar.value() > before and scrolled:
            above, below = painted
            assert below.top() - above.bottom() > view.editor.viewport().height() / 4
        scrolled += bar.value() > before
        seen = view.editor.viewport().rect().adjusted(0, 60, 0, 0)
        assert repaints.screen().copy(seen) == repaints.picture().copy(seen)
    assert scrolled > 3
