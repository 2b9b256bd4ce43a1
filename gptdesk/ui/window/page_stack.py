"""Shows one page at a time with its bars; makes the view of a page when it is first shown."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QStackedWidget, QVBoxLayout, QWidget

from gptdesk.ui.widgets.layout.page_bars import STATUS_HEIGHT, TOP_HEIGHT
from gptdesk.ui.window.pages import Page, PageView

log = logging.getLogger(__name__)


class PageStack(QWidget):
    """The pages.

    Args:
        make_failed_view: makes the view shown in place of one that cannot be made; gets the page and the traceback.

    Attributes:
        pages: by id.
        current: id of the page that is shown; "" for none yet.
        views: made so far, by id.
        top_bars: area above the contents.
        contents: area between the bars.
    """

    def __init__(
        self,
        make_failed_view: Callable[[Page, str], PageView],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._make_failed_view = make_failed_view
        self.pages: Mapping[str, Page] = {}
        self.current = ""
        self.views: dict[str, PageView] = {}
        self.contents, self.top_bars, self._status_bars = QStackedWidget(), QStackedWidget(), QStackedWidget()
        self.top_bars.setFixedHeight(TOP_HEIGHT)
        self._status_bars.setFixedHeight(STATUS_HEIGHT)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.top_bars)
        layout.addWidget(separator("horizontal"))
        layout.addWidget(self.contents, 1)
        layout.addWidget(separator("horizontal"))
        layout.addWidget(self._status_bars)

    @property
    def view(self) -> PageView | None:
        """The view that is shown."""
        return self.views.get(self.current)

    def show_page(self, id: str) -> bool:
        """Shows the page of that id; returns whether its view was made now."""
        before, self.current = self.current, id
        made = id not in self.views
        if made:
            self.views[id] = view = self._make_view(self.pages[id])
            for stack, widget in self._parts(view):
                stack.addWidget(widget)
        for stack, widget in self._parts(self.views[id]):
            stack.setCurrentWidget(widget)
        if before and before != id:
            self.pages[before].set_shown(False)
        self.pages[id].set_shown(True)
        return made

    def fold_panel(self) -> None:
        """Hides the panel of the page that is shown, or shows it again."""
        if self.view is not None and self.view.fold is not None:
            self.view.fold.toggle()

    def may_close(self) -> bool:
        """Whether all pages allow the window to close."""
        return all(page.may_close() for page in self.pages.values())

    def close_pages(self) -> None:
        """Lets every page save its data and end its work; an exception in one does not affect the others."""
        for page in self.pages.values():
            try:
                page.close()
            except Exception:
                log.exception("the page %s did not close", page.id)

    def _parts(self, view: PageView) -> tuple[tuple[QStackedWidget, QWidget], ...]:
        return (self.top_bars, view.top_bar), (self.contents, view.content), (self._status_bars, view.status_bar)

    def _make_view(self, page: Page) -> PageView:
        try:
            return page.make_view()
        except Exception:  # one page that fails leaves the others usable
            log.exception("the page %s cannot be made", page.id)
            for stack in (self.top_bars, self.contents):
                _remove_unfinished(stack)
            return self._make_failed_view(page, traceback.format_exc())


def _remove_unfinished(stack: QStackedWidget) -> None:
    """Removes the widgets that were made in the stack for a page whose view could not be made."""
    for child in stack.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
        if stack.indexOf(child) < 0:
            child.hide()
            child.deleteLater()


def separator(direction: str) -> QFrame:
    """A line between parts of the window, "horizontal" or "vertical"."""
    line = QFrame()
    line.setProperty("line", direction)
    return line
