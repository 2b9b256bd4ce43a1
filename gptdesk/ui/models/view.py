"""Widgets of the Models page: list of local models and of those to download, details of the selected one."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QHideEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QMenu, QVBoxLayout, QWidget

from gptdesk.ui.models.actions import ModelActions
from gptdesk.ui.models.bars import ModelsBar, ModelsStatus
from gptdesk.ui.models.command_table import IMPORTS
from gptdesk.ui.models.detail_panel import DetailPanel
from gptdesk.ui.models.imports import ModelImports
from gptdesk.ui.models.items import Item, changed_item, engine_of, make_items, next_item
from gptdesk.ui.models.labels import Face, face
from gptdesk.ui.models.list_view.drop_frame import DropFrame
from gptdesk.ui.models.list_view.model_list import ModelList
from gptdesk.ui.services.engines.service import EngineService, EngineView
from gptdesk.ui.services.models.service import ActivationService, ModelService
from gptdesk.ui.services.services import SettingsService
from gptdesk.ui.theme import Theme
from gptdesk.ui.throttle import Throttle
from gptdesk.ui.widgets.file_drops import FileDrops
from gptdesk.ui.widgets.layout.page_columns import PageColumns, SidePart
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.window.commands.registry import Commands

_PANEL: Final = (25, 288, 400)
"""Width of the panel: percent of the window, minimum and maximum in pixels."""

_MEASURE_MS: Final = 2000
"""Between two measurements of free memory."""

_SCAN_EVERY: Final = 5
"""Measurements between two scans of the models: runs write checkpoints, other programs download models."""

_SOON_MS: Final = 30
"""Delay after a change, so that changes in quick succession are shown together."""


class ModelsView(QWidget):
    """The page.

    Args:
        theme: of the window.
        settings: of the person.
        models: library.
        using: changes the model in use.
        engines: the models that are loaded.
        commands: registry of the window.
        menu: main menu, for the top bar.

    Attributes:
        top_bar: shown above the page.
        status_bar: shown below it.
        list: of models.
        panel: details of the selected model.

    Signals:
        play_wanted(): emitted to show the Playground.
    """

    play_wanted = Signal()

    def __init__(
        self,
        theme: Theme,
        settings: SettingsService,
        models: ModelService,
        using: ActivationService,
        engines: EngineService,
        commands: Commands,
        menu: QMenu,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme, self._settings, self._models, self._using = theme, settings, models, using
        self._engines = engines
        self._items: dict[str, Item] = {}
        self._current = ""
        self._wanted_name = ""
        self._times = 0
        self._now, self._room = using.now, using.room(models.free_memory)
        imports = Menu(self)
        self.imports = ModelImports(models, self)
        commands.refresh(*IMPORTS)
        for id in IMPORTS:
            imports.addAction(commands.action(id))
        self.top_bar = ModelsBar(theme, menu, imports, commands.action("models.download"))
        self.status_bar = ModelsStatus(theme, models)
        self.actions_ = ModelActions(settings, models, engines, self, lambda: self.current, commands)
        self._more = Menu(self)
        self.list = ModelList(theme, self._face)
        self.panel = DetailPanel(theme, settings, self._more)
        self._drop = DropFrame(self)
        self._timer = QTimer(self)
        self._timer.setInterval(_MEASURE_MS)
        self._showing = Throttle(self._on_changed, _SOON_MS, self)
        self._drops = FileDrops(self)
        self._lay_out()
        self._connect()
        self._on_changed()

    def _lay_out(self) -> None:
        share, least, most = _PANEL
        right = SidePart(widget=self.panel, share=share, least=least, most=most)
        self.parts = PageColumns(self._theme, self.list, right=right)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.parts)

    def _connect(self) -> None:
        self._models.changed.connect(self._show_soon)
        self._models.measured.connect(self._on_measured)
        self._models.progressed.connect(self._on_progressed)
        self._models.arrived.connect(self._on_arrived)
        self._using.changed.connect(self._on_use_changed)
        self._engines.changed.connect(self._on_use_changed)
        self._settings.changed.connect(self._on_use_changed)
        self._drops.hovered.connect(self._on_hovered)
        self._drops.dropped.connect(self.imports.offer_all)
        self.list.chosen.connect(self.choose)
        self.list.wanted.connect(self.act)
        self.list.menu_wanted.connect(self._on_menu_wanted)
        self.panel.wanted.connect(self.act)
        self.panel.loaded.pin_wanted.connect(self._on_pin_wanted)
        self.panel.loaded.unload_wanted.connect(lambda engine: self._engines.unload(str(engine.folder)))
        self.panel.defaults_wanted.connect(self._on_defaults_wanted)
        self._more.aboutToShow.connect(lambda: self.actions_.fill(self._more))
        self._timer.timeout.connect(self._on_time)

    # What is shown

    @property
    def current(self) -> Item | None:
        """The selected item."""
        return self._items.get(self._current)

    @property
    def items(self) -> tuple[Item, ...]:
        """All items, whatever the search field filters."""
        return tuple(self._items.values())

    def focus(self) -> None:
        """Gives the focus to the selected card, so that the arrow keys select models."""
        self.list.focus_current()

    @Slot(str)
    def choose(self, key: str) -> None:
        """Selects the item of that key."""
        self._current = key
        self.list.set_current(key)
        self._show_current()

    def _face(self, item: Item) -> Face:
        engine = engine_of(item.entry, self._engines.engines) if item.entry is not None else None
        return face(item, self._now, self._room, engine, pinned=item.model in self._settings.value.pinned_models)

    @Slot()
    def _show_soon(self) -> None:
        self._showing.request()

    @Slot()
    def _on_changed(self) -> None:
        before, current = self._items, self._current
        items = make_items(self._models.entries, self._models.downloads.statuses, self._models.jobs.views)
        self._items = {item.key: item for item in items}
        self._now, self._room = self._using.now, self._using.room(self._models.free_memory)
        self.list.show_items(items)
        if self._wanted_name:
            for item in items:
                if item.entry is not None and item.entry.changeable and item.name == self._wanted_name:
                    self._wanted_name = ""
                    self.choose(item.key)
                    return
        if current not in self._items and items:
            self.choose(next_item(before, self._items, current, self._now.model))
        else:
            self._show_current()

    @Slot(str)
    def _on_progressed(self, key: str) -> None:
        before = self._items.get(key) or next((item for item in self.items if item.coming_as == key), None)
        if before is None:  # not listed yet
            return
        key = before.key
        item = changed_item(before, self._models.downloads.statuses, self._models.jobs.views)
        self._items[key] = item
        self.list.update_item(item)
        if key == self._current:
            self._show_current()
        self._show_status()

    @Slot()
    def _on_use_changed(self) -> None:
        self._now = self._using.now
        if self.isVisible():
            self._on_measured()

    @Slot()
    def _on_time(self) -> None:
        self._times += 1
        if self._times % _SCAN_EVERY:
            self._models.measure()
        else:
            self._models.look()

    @Slot()
    def _on_measured(self) -> None:
        """Shows again which models fit into free memory."""
        self._room = self._using.room(self._models.free_memory)
        self.list.repaint_faces()
        self._show_current()

    def _show_current(self) -> None:
        item = self.current
        self.list.set_current(self._current)
        self.actions_.show_item()
        shown = self._face(item) if item else Face("")
        self.panel.show_item(item, shown, self._room, self._models.checked.get(self._current))
        self.panel.show_engines(self._engines.engines, self._engines.budget(self._models.free_memory))
        self._show_status()

    def _show_status(self) -> None:
        self.status_bar.show_now(self._now, self._models.free_memory)

    # Buttons of cards and panel

    @Slot(str, str)
    def act(self, key: str, action: str) -> None:
        """Runs the action of a card's button, as `Face.action` names it, on the item of that key."""
        item = self._items.get(key)
        if item is None:
            return
        if action == "get" and item.entry is not None:
            self._models.downloads.add(item.entry.name)
        elif action == "use":
            self._using.use(item.model, self.window())
        elif action == "play":
            self.play_wanted.emit()
        elif action == "stop":
            self._stop(item)
        elif item.download is not None:
            downloads = self._models.downloads
            {"pause": downloads.pause, "resume": downloads.resume}[action](item.download.number)

    def _stop(self, item: Item) -> None:
        if item.download is not None:
            self._models.downloads.cancel(item.download.number)
        elif item.job is not None:
            self._models.jobs.cancel(item.job.number)
        else:
            self._using.cancel()

    @Slot(object, object)
    def _on_defaults_wanted(self, precision: str | None, decoding: dict[str, object] | None) -> None:
        item = self.current
        if item is not None and item.entry is not None:
            self._models.set_defaults(item.entry, precision=precision, decoding=decoding)

    @Slot(object, bool)
    def _on_pin_wanted(self, engine: EngineView, pinned: bool) -> None:
        listed = (item for item in self.items if item.entry is not None and item.entry.path == engine.folder)
        item = next(listed, None)
        self.actions_.set_pinned(item.model if item is not None else engine.model, pinned)

    @Slot(str, QPoint)
    def _on_menu_wanted(self, key: str, at: QPoint) -> None:
        if key != self._current:
            self.choose(key)
        menu = Menu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.actions_.fill(menu)
        menu.popup(at)

    @Slot(str)
    def _on_arrived(self, name: str) -> None:
        """Selects a model that was installed, once it is listed."""
        self._wanted_name = name
        self._show_soon()

    # Qt

    @Slot(bool)
    def _on_hovered(self, over: bool) -> None:
        if over:
            self._drop.cover(self.list)
        else:
            self._drop.hide()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()
        self._models.look()
        self._on_use_changed()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()
