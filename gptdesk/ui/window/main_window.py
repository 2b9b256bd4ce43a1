"""The window: rail, top bar, pages and status bar, and everything that concerns more than one of them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QByteArray, QSettings, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QKeyEvent, QKeySequence, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from gptdesk.store.settings import LARGEST_TEXT, PAGES, SMALLEST_TEXT, Settings
from gptdesk.ui.lazy_imports import import_pydantic
from gptdesk.ui.playground.document_commands import document_commands
from gptdesk.ui.playground.documents import Documents
from gptdesk.ui.playground.model_chooser import DeviceButton, ModelChooser
from gptdesk.ui.playground.session import Session
from gptdesk.ui.playground.status_bar import StatusBar
from gptdesk.ui.playground.top_bar import DocumentButton, TopBar
from gptdesk.ui.playground.view import PlaygroundView
from gptdesk.ui.services.checkpoint_follower import CheckpointFollower
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.services.model_activation import ModelActivation
from gptdesk.ui.services.model_loader import ModelLoader
from gptdesk.ui.services.services import Services
from gptdesk.ui.train.close_guard import CloseGuard
from gptdesk.ui.train.notifications import Notifications
from gptdesk.ui.widgets.page_bars import STATUS_HEIGHT, TOP_HEIGHT
from gptdesk.ui.window.banner import Banners
from gptdesk.ui.window.commands import Command, Commands
from gptdesk.ui.window.main_menu import MainMenu
from gptdesk.ui.window.rail import Rail
from gptdesk.ui.window.regions import Regions
from gptdesk.ui.window.service_messages import ServiceMessages
from gptdesk.ui.window.standard_commands import help_commands, page_commands, view_commands
from gptdesk.ui.window.toast import Toasts

if TYPE_CHECKING:
    from gptdesk.ui.models.view import ModelsView
    from gptdesk.ui.train.view import TrainView

log = logging.getLogger(__name__)

_SMALLEST: Final = QSize(900, 600)
_FIRST: Final = QSize(1320, 820)
_IDLE_MS: Final = 1500
"""So long after a text or a model nothing else is wanted, it seems; then what other pages stand on is loaded."""

_PLAY, _MODELS, _TRAIN = (PAGES.index(name) for name in ("play", "models", "train"))


class MainWindow(QWidget):
    """The one window.

    Signals:
        painted(): it is on the screen for the first time.
        closed(): the person does not want it any more.
    """

    painted = Signal()
    closed = Signal()

    def __init__(self, services: Services, geometry: QSettings) -> None:
        super().__init__()
        self._services, self._geometry = services, geometry
        self._was_painted = self._was_closed = False
        settings, inference = services.settings, services.inference
        self.setObjectName("window")
        self.setMinimumSize(_SMALLEST)
        self.session = Session(inference, services.storage, settings, self)
        self.documents = Documents(services.storage, self.session, settings, services.messages, self)
        self.documents.open_last()
        self.playground = PlaygroundView(services, self.session)
        self.using = ModelActivation(settings, inference, services.models, self)
        self.chooser = ModelChooser(settings, inference, services.models, self.using)
        self.device = DeviceButton(settings, inference)
        self.title = DocumentButton(self.documents)
        self.commands = Commands(self, settings)
        self.commands.add(*self._commands())
        for name, page in (("play", "Playground"), ("models", "Models"), ("train", "Train")):
            self.commands.name_scope(name, page)
        self.menu = MainMenu(self, self.commands)
        self.top_bar = TopBar(services.theme, self.chooser, self.device, self.title, self.menu)
        self.loader = ModelLoader(settings, inference, self)
        self.messages = ServiceMessages(services, self.session, self.chooser, self.loader, self)
        self.status = StatusBar(services.theme, inference)
        self.rail = Rail(services.theme)
        self.pages, self._top_bars, self._status_bars = QStackedWidget(), QStackedWidget(), QStackedWidget()
        self.models: ModelsView | None = None
        self.train: TrainView | None = None
        self.following = CheckpointFollower(services, self)
        self.close_guard = CloseGuard(services.run_monitor, self)
        self.notifications = Notifications(services.messages, self._run_at_hand, self)
        self._add_page("Playground", "playground", self.top_bar, self.playground, self.status)
        for title, icon in (("Models", "models"), ("Train", "train")):  # made when they are first wanted
            self._add_page(title, icon, QWidget(), QWidget(), QWidget())
        self._lay_out()
        self.banners = Banners(services.theme, services.messages, self)
        self.toasts = Toasts(services.theme, services.messages, self)
        self.toasts.float_over(self.pages)
        self.regions = Regions(self, self._regions)
        self._connect()
        self._restore_geometry()
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.setInterval(_IDLE_MS)
        self._idle.timeout.connect(services.run_monitor.preload)
        self._on_document_changed()
        self.playground.editor.setFocus()
        self._open_page(PAGES.index(settings.value.page))

    def start(self) -> None:
        """Begins what takes long: torch, the model, counting, watching runs, looking for models, curves."""
        if self._was_closed:  # before it was painted
            return
        settings = self._services.settings.value
        self._services.inference.start()
        self._services.counter.start()
        self._services.run_monitor.start()
        self._services.models.start()
        if settings.follow is None or Path(settings.model).is_dir():  # else there is a newer checkpoint by now
            self.loader.load()
        if self.pages.currentIndex() != _PLAY:
            self.show_page(self.pages.currentIndex())

    @Slot(int)
    def show_page(self, number: int) -> None:
        """Lays the page of that number before the person."""
        if number == _MODELS and self.models is None:
            self._make_models_page()
        if number == _TRAIN and self.train is None:
            self._make_train_page()
        self._open_page(number)
        self._services.settings.update(page=PAGES[number])
        if number == _PLAY:
            self.playground.editor.setFocus()
        elif (page := self.models if number == _MODELS else self.train) is not None:
            page.focus()

    @Slot(object)
    def show_run(self, folder: Path) -> None:
        """Lays the run in that folder before the person."""
        self.bring_to_front()
        self.show_page(_TRAIN)
        assert self.train is not None, "its page has been made"
        self.train.choose(folder)

    @Slot()
    def new_run(self) -> None:
        """The sheet on which a training run is put together."""
        self.show_page(_TRAIN)
        assert self.train is not None, "its page has been made"
        self.train.new_run()

    @Slot()
    def bring_to_front(self) -> None:
        """Shows the window to somebody who has started gptdesk once more."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()
        log.info("raised")

    def _add_page(self, title: str, icon: str, top_bar: QWidget, page: QWidget, status_bar: QWidget) -> None:
        """A page brings what stands above and below it."""
        self._top_bars.addWidget(top_bar)
        self.pages.addWidget(page)
        self._status_bars.addWidget(status_bar)
        self.rail.add_page(title, icon)

    def _open_page(self, number: int) -> None:
        for stack in (self._top_bars, self.pages, self._status_bars):
            stack.setCurrentIndex(number)
        self.rail.choose(number)
        self.commands.set_page(PAGES[number])
        self._services.run_monitor.set_shown(number == _TRAIN)
        self._place_banners(number)
        self._show_title()
        self._on_run_chosen()

    def _regions(self) -> list[QWidget]:
        """The parts of the window, for F6: from the text to what stands beside it, and round the edges."""
        number = self.pages.currentIndex()
        page: list[QWidget] = []
        if number == _PLAY:
            page = [self.playground.editor, self.playground.bar, self.playground.panel]
        elif number == _MODELS and self.models is not None:
            page = [self.models.list, self.models.panel]
        elif number == _TRAIN and self.train is not None:
            page = [self.train.runs, self.train.middle, self.train.panel]
        bars = [self._status_bars.currentWidget(), self.rail, self._top_bars.currentWidget()]
        return [*page, self.banners, self.toasts, *(bar for bar in bars if bar is not None)]

    def _place_banners(self, number: int) -> None:
        """Over the text there is room for them; elsewhere they float over the end of what can be scrolled."""
        areas: dict[int, QWidget] = {_PLAY: self.playground.editor}
        if self.models is not None:
            areas[_MODELS] = self.models.list
        if self.train is not None:
            areas[_TRAIN] = self.train.middle
        self.banners.set_page(PAGES[number], areas.get(number, self.pages), at_top=number == _PLAY)

    def _put_page(self, number: int, page: ModelsView | TrainView) -> None:
        """Puts a page that was just made, and its bars, where they belong."""
        for stack, widget in (
            (self._top_bars, page.top_bar),
            (self.pages, page),
            (self._status_bars, page.status_bar),
        ):
            placeholder = stack.widget(number)
            stack.insertWidget(number, widget)
            if placeholder is not None:
                stack.removeWidget(placeholder)
                placeholder.deleteLater()
        page.set_borders(self._geometry.value(f"borders/{PAGES[number]}"))

    def _make_models_page(self) -> None:
        from gptdesk.ui.models.view import ModelsView

        services = self._services
        self.models = ModelsView(services.theme, services.settings, services.models, self.using, self.menu)
        self._put_page(_MODELS, self.models)
        self.models.play_wanted.connect(lambda: self.show_page(_PLAY))

    def _make_train_page(self) -> None:
        import_pydantic()
        from gptdesk.ui.train.view import TrainView  # numpy and pyqtgraph, late

        self.train = TrainView(self._services, self.menu, lambda: self.session.document.text)
        self._put_page(_TRAIN, self.train)
        self.train.open_model.connect(self._open_model)
        self.train.follow_run.connect(self._follow_run)
        self.train.refused.connect(lambda text: self.messages.show_refusal(text, "train"))
        self.train.told.connect(lambda text: self.messages.show_success(text, "train"))
        self.train.run_chosen.connect(self._on_run_chosen)

    @Slot()
    def _on_run_chosen(self) -> None:
        """What was said of a run that the person sees now need not be said any longer."""
        self._show_title()
        folder = self._run_at_hand()
        if folder is not None:
            self.notifications.forget(folder)

    @Slot(str)
    def _open_model(self, folder: str) -> None:
        """A checkpoint to play with; it is not among the models opened lately, for it will be gone one day."""
        self._services.settings.update(model=folder)
        self.show_page(_PLAY)

    @Slot(object)
    def _follow_run(self, folder: Path | None) -> None:
        self.following.follow(folder)
        if folder is not None:
            self.show_page(_PLAY)

    def _run_at_hand(self) -> Path | None:
        """The run that the person sees."""
        return self.train.current if self.train and self.pages.currentIndex() == _TRAIN else None

    def _show_title(self) -> None:
        name = self.session.document.title
        if self.pages.currentIndex() == _MODELS:
            name = "Models"
        elif self.pages.currentIndex() == _TRAIN:
            name = (self.train.top_bar.name.text() if self.train else "") or "Train"
        self.setWindowTitle(f"{name} — gptdesk")

    def _commands(self) -> list[Command]:
        return [
            *document_commands(self.documents),
            Command(
                id="run.new",
                title="New run…",
                description="Put a training run together: data, model and settings",
                run=self.new_run,
                group="new",
                shortcuts=(QKeySequence.StandardKey.New,),
                scope="train",
            ),
            *page_commands((("play", "Playground"), ("models", "Models"), ("train", "Train")), self._show_page_of),
            Command(
                id="view.panel",
                title="Show or hide the panel",
                description="Hide the panel at the right of the page, or show it again",
                run=self._fold_panel,
                group="page",
                shortcuts=("Ctrl+.",),
            ),
            *view_commands(self._services.settings, self._zoom),
            *help_commands(self),
        ]

    def _show_page_of(self, name: str) -> None:
        self.show_page(PAGES.index(name))

    def _lay_out(self) -> None:
        def line(direction: str) -> QFrame:
            made = QFrame()
            made.setProperty("line", direction)
            return made

        column = QVBoxLayout()
        column.setSpacing(0)
        self._top_bars.setFixedHeight(TOP_HEIGHT)
        self._status_bars.setFixedHeight(STATUS_HEIGHT)
        parts = [self._top_bars, line("horizontal"), self.pages, line("horizontal"), self._status_bars]
        for part in parts:
            column.addWidget(part, stretch=part is self.pages)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.rail)
        layout.addWidget(line("vertical"))
        layout.addLayout(column, 1)

    def _connect(self) -> None:
        services, session = self._services, self.session
        self.rail.chosen.connect(self.show_page)
        self.close_guard.decided.connect(self.leave)
        self.notifications.clicked.connect(self.show_run)
        services.run_monitor.noticed.connect(self.notifications.show_notice)
        self.top_bar.new.clicked.connect(self.documents.new)
        self.playground.refused.connect(lambda text: self.messages.show_refusal(text, "play"))
        self.playground.zoomed.connect(self._zoom)
        self.playground.files_given.connect(self.documents.open_files)
        self.documents.wanted.connect(lambda: self.show_page(_PLAY))
        session.opened.connect(self._on_document_opened)
        session.changed.connect(self._on_document_changed)
        session.activity_changed.connect(lambda: self.status.show_result(session.done))
        services.counter.counted.connect(self.status.show_counts)
        services.inference.state_changed.connect(self._on_state_changed)
        services.inference.progress.connect(self.top_bar.show_progress)
        services.settings.changed.connect(lambda: services.theme.set_mode(services.settings.value.theme))
        self.messages.models_wanted.connect(lambda: self.show_page(_MODELS))
        self.chooser.models_wanted.connect(lambda: self.show_page(_MODELS))
        self.using.reload_wanted.connect(self.loader.load)
        self.using.chosen.connect(lambda: self.show_page(_PLAY))

    @Slot()
    def _on_document_opened(self) -> None:
        self._services.counter.forget()
        self.status.show_counts(None)
        self._on_document_changed()

    @Slot()
    def _on_document_changed(self) -> None:
        document = self.session.document
        title = document.title
        if title != self.title.text():
            self.title.setText(title)
            self._show_title()
        prompt_end = document.last_generation()
        self._services.counter.count(document.text, len(document.text) if prompt_end is None else prompt_end)

    @Slot()
    def _on_state_changed(self) -> None:
        loading = self._services.inference.state is State.LOADING
        if loading and self.top_bar.progress.isHidden():
            self.top_bar.show_progress(0, 0)
        self.top_bar.progress.setVisible(loading)
        if loading or self._services.inference.state is State.GENERATING:
            self._idle.stop()
        else:
            self._idle.start()

    def _fold_panel(self) -> None:
        """Hides what stands at the right of the page, or shows it again."""
        pages = {_PLAY: self.playground, _MODELS: self.models, _TRAIN: self.train}
        page = pages[self.pages.currentIndex()]
        if page is not None:
            page.fold_panel()

    @Slot(int)
    def _zoom(self, step: int) -> None:
        size = self._services.settings.value.text_size + 2 * step if step else Settings().text_size
        self._services.settings.update(text_size=min(max(size, SMALLEST_TEXT), LARGEST_TEXT))

    def _restore_geometry(self) -> None:
        state = self._geometry.value("geometry")
        if not (isinstance(state, QByteArray) and self.restoreGeometry(state)):
            room = self.screen().availableSize()
            self.resize(_FIRST.boundedTo(room))

    def _save_geometry(self) -> None:
        self._geometry.setValue("geometry", self.saveGeometry())
        for number, page in ((_MODELS, self.models), (_TRAIN, self.train)):
            if page is not None:
                self._geometry.setValue(f"borders/{PAGES[number]}", page.borders)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            log.info("painted")
            QTimer.singleShot(0, self.painted.emit)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter presses the button that has the focus, as Space does, where nothing else has a use for it."""
        button = self.focusWidget()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(button, QAbstractButton):
            button.click()
            return
        super().keyPressEvent(event)

    @Slot()
    def leave(self) -> None:
        """Closes without asking; runs that are at work go on."""
        self.close_guard.allowed = True
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.close_guard.may_close():
            event.ignore()
            return
        self._save_geometry()
        self.session.close()
        self.documents.close()
        self._was_closed = True
        super().closeEvent(event)
        self.closed.emit()
