"""Replaces a page whose constructor or view raised an exception; the crash report has the traceback."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from typing import cast

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from gptdesk.ui.services.services import Services
from gptdesk.ui.widgets.layout.page_bars import PageBar, PageStatus
from gptdesk.ui.window.pages import BasePage, Page, PageRegistry, PageView, Window

log = logging.getLogger(__name__)


class FailedPage(BasePage):
    """Stands in for a page whose constructor raised an exception.

    Args:
        kind: class of the page.
        report: the traceback.
    """

    def __init__(self, services: Services, window: Window, kind: type[Page], report: str) -> None:
        super().__init__(services, window)
        self.id = kind.id  # type: ignore[misc]  # of the page that it stands in for
        self.title, self.icon = kind.title, kind.icon
        self._report = report

    def make_view(self) -> PageView:
        return make_failed_view(self.services, self.window, self.title, self._report)


def make_pages(registry: PageRegistry, services: Services, window: Window) -> Mapping[str, Page]:
    """Makes the pages, by id; one whose constructor fails is a `FailedPage`."""
    pages: dict[str, Page] = {}
    for kind in registry:
        try:
            pages[kind.id] = kind(services, window)
        except Exception:  # one page that fails leaves the others usable
            log.exception("the page %s cannot be made", kind.id)
            pages[kind.id] = cast(Page, FailedPage(services, window, kind, traceback.format_exc()))
    return pages


def make_failed_view(services: Services, window: Window, title: str, report: str) -> PageView:
    """Makes a view with one sentence, and reports the traceback."""
    words = QLabel(
        f"The page {title} cannot be shown because of an unexpected error, which the crash report describes. "
        "The other pages still work."
    )
    words.setWordWrap(True)
    words.setAlignment(Qt.AlignmentFlag.AlignCenter)
    content = QWidget()
    layout = QVBoxLayout(content)
    layout.setContentsMargins(32, 32, 32, 32)
    layout.addWidget(words)
    status = PageStatus(services.theme, ("State", "Details", "Figures"))
    status.dot.set_state("bad")
    status.state.setText("Unexpected error")
    QTimer.singleShot(0, window.widget, lambda: services.messages.crash(report))  # once the window is there
    return PageView(content=content, top_bar=PageBar(services.theme, title, window.menu), status_bar=status)
