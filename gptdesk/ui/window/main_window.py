"""The main window: rail, pages with their bars, messages, menu and commands."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSettings, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from gptdesk.ui.services.window_services import WindowServices
from gptdesk.ui.window.commands.registry import Commands
from gptdesk.ui.window.failed_page import make_failed_view, make_pages
from gptdesk.ui.window.file_opening import open_files
from gptdesk.ui.window.frame.enter_key import EnterKey
from gptdesk.ui.window.frame.geometry import WindowGeometry
from gptdesk.ui.window.frame.main_menu import MainMenu
from gptdesk.ui.window.frame.painting import TurnsOfPainting
from gptdesk.ui.window.frame.rail import Rail
from gptdesk.ui.window.frame.regions import Regions
from gptdesk.ui.window.frame.title import WindowTitle
from gptdesk.ui.window.messages.banner import Banners
from gptdesk.ui.window.messages.service_messages import ServiceMessages
from gptdesk.ui.window.messages.toast import Toasts
from gptdesk.ui.window.page_list import PAGES
from gptdesk.ui.window.page_stack import PageStack, separator
from gptdesk.ui.window.pages import PageLinks, PageRegistry
from gptdesk.ui.window.settings.effects import SettingEffects
from gptdesk.ui.window.standard_commands import page_commands, panel_command, region_commands, view_commands
from gptdesk.ui.window.window_tools import WindowTools

log = logging.getLogger(__name__)

_SMALLEST: Final = QSize(720, 480)


class MainWindow(QWidget):
    """The main window.

    Args:
        services: started by `start`.
        geometry: file that keeps size and position of the window.
        registry: its pages.

    Attributes:
        pages: by id.
        stack: shows one of them.
        tools: command palette, settings, guide and other dialogs.

    Signals:
        painted(): emitted when the window is on the screen for the first time.
        closed(): emitted after the window was closed.
    """

    painted = Signal()
    closed = Signal()

    def __init__(self, services: WindowServices, geometry: QSettings, registry: PageRegistry = PAGES) -> None:
        super().__init__()
        self._services, self._registry = services, registry
        self._was_painted = self._was_closed = self._leaves = False
        self._title = WindowTitle(self)
        EnterKey(self)
        TurnsOfPainting(self)
        self.stack = PageStack(lambda page, report: make_failed_view(services, self, page.title, report), self)
        self.setObjectName("window")
        self.setMinimumSize(_SMALLEST)
        SettingEffects(services, self)
        self._links = PageLinks(self)
        self._commands = Commands(self, services.settings)
        self.tools = WindowTools(services, self._commands, self)
        self.service_messages = ServiceMessages(services, self)
        self.pages = self.stack.pages = make_pages(registry, services, self)
        self._add_commands()
        self._menu = MainMenu(self, self._commands)
        self.rail = Rail(services.theme, registry, self._commands)
        self.rail.chosen.connect(self.show_page)
        self.rail.approached.connect(lambda id: self.pages[id].preload())
        self._lay_out()
        self.banners = Banners(services.theme, services.messages, self)
        self.toasts = Toasts(services.theme, services.messages, self)
        self.toasts.float_over(self.stack.contents)
        self.regions = Regions(self, self._regions)
        self._geometry = WindowGeometry(self, geometry)
        self._geometry.restore()
        first = registry.resolve(services.settings.value.page)
        self.rail.choose(first)
        if not self.pages[first].is_slow:
            self.show_page(first)

    # The interface for pages, `gptdesk.ui.window.pages.Window`

    @property
    def widget(self) -> QWidget:
        return self

    @property
    def menu(self) -> QMenu:
        return self._menu

    @property
    def commands(self) -> Commands:
        return self._commands

    @property
    def links(self) -> PageLinks:
        return self._links

    @property
    def top_bars(self) -> QWidget:
        return self.stack.top_bars

    @property
    def contents(self) -> QWidget:
        return self.stack.contents

    @property
    def current_page(self) -> str:
        return self.stack.current

    @Slot(str)
    def show_page(self, id: str) -> None:
        made = self.stack.show_page(id)
        view = self.stack.views[id]
        if made:
            self._geometry.restore_columns(id, view)
        self.rail.choose(id)
        self._commands.set_page(id)
        self._services.settings.update(page=id)
        self.toasts.leave_free(*view.buttons, self.banners)
        self.banners.set_page(
            id, view.message_area or view.content, at_top=view.messages_at_top, give_way=view.give_way
        )
        self._title.show_page(id, self.pages[id].title)
        if view.focus is not None:
            view.focus()

    def set_title(self, page: str, title: str) -> None:
        self._title.set(page, title)

    @Slot()
    def bring_to_front(self) -> None:
        """Shows the window, for instance when gptdesk is started again."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()
        log.info("raised")

    @Slot(object)
    def open_files(self, paths: Sequence[Path]) -> None:
        """Opens files and folders on the pages that accept them."""
        open_files(paths, self.pages.values(), self._services.messages)

    @Slot()
    def leave(self) -> None:
        """Closes the window without asking; active runs continue."""
        self._leaves = True
        self.close()

    # Beginning and end

    def start(self) -> None:
        """Starts the services and shows a slow page, which waited until the window was painted."""
        if self._was_closed:  # before it was painted
            return
        self._services.start()
        if not self.stack.current:
            self.show_page(self._registry.resolve(self._services.settings.value.page))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            log.info("painted after %.3f s of processor time", time.process_time())
            QTimer.singleShot(0, self.painted.emit)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._leaves and not self.stack.may_close():
            event.ignore()
            return
        self._geometry.save(self.stack.views)
        self.stack.close_pages()
        self._was_closed = True
        super().closeEvent(event)
        self.closed.emit()

    # Commands, parts, layout

    def _add_commands(self) -> None:
        settings, pages = self._services.settings, self.pages.values()
        for page in pages:
            self._commands.name_scope(page.id, page.title)
        self._commands.add(
            *(command for page in pages for command in page.commands()),
            *page_commands([(page.id, page.title) for page in pages], self.show_page),
            panel_command(self.stack.fold_panel),
            *region_commands(lambda step: self.regions.go(step)),
            *view_commands(settings, settings.zoom),
            *self.tools.commands(),
        )

    def _regions(self) -> list[QWidget]:
        """The regions of the window in the order of F6: those of the page, messages, bars."""
        view = self.stack.view
        if view is None:
            return [self.banners, self.toasts, self.rail]
        return [*view.regions, self.banners, self.toasts, view.status_bar, self.rail, view.top_bar]

    def _lay_out(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.rail)
        layout.addWidget(separator("vertical"))
        layout.addWidget(self.stack, 1)
