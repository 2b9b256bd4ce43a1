"""Windows with a real, tiny model, and a check that no test leaves a thread, timer or window behind."""

import gc
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import shiboken6
from msgspec.structs import asdict
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QSettings, QThread, QThreadPool, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gptdesk.folders import Folders
from gptdesk.ui.clipboard import release_clipboard
from gptdesk.ui.model_chooser import DeviceButton, ModelChooser
from gptdesk.ui.number_format import use_readable_locale
from gptdesk.ui.playground.top_bar import DocumentButton
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.services.window_services import WindowServices
from gptdesk.ui.theme import Theme
from gptdesk.ui.window.application import make_services
from gptdesk.ui.window.main_window import MainWindow
from gptdesk.ui.window.page_list import PAGES
from gptdesk.ui.window.pages import PageRegistry
from gptdesk.ui.window.process.collector import Collector
from tests.library.conftest import hub as hub  # a fixture
from tests.patience import PATIENCE
from tests.unexpected_logs import fail_on_logging as fail_on_logging  # a fixture

KEPT_THREADS = ("wait for compiled code", "MainThread")
"""Names of threads that live as long as the program."""

COMPUTING = ("decode_", "read_")
"""How names of threads of compiled code begin; they end with the engine, which the arguments of the test still hold."""


class Running:
    """What runs now.

    Attributes:
        threads: their names.
        timers: those that repeat; the others end by themselves, and the collector's with the module's tests.
    """

    def __init__(self) -> None:
        kinds = subclasses(QThread) | subclasses(QTimer)
        # type(): some proxies import or warn when they are asked for their class
        living = [one for one in gc.get_objects() if type(one) in kinds and shiboken6.isValid(one)]
        self.threads = {one.objectName() for one in living if isinstance(one, QThread) and one.isRunning()}
        timers = (one for one in living if isinstance(one, QTimer) and one.isActive() and not one.isSingleShot())
        self.timers = {one for one in timers if not isinstance(one.parent(), Collector)}


def describe(timer: QTimer) -> str:
    return f"a timer of {timer.interval()} ms in {timer.parent()!r} is still running"


def subclasses(kind: type) -> set[type]:
    """The class and all that are derived from it."""
    return {kind, *(one for direct in kind.__subclasses__() for one in subclasses(direct))}


def open_windows() -> set[str]:
    return {repr(widget) for widget in QApplication.topLevelWidgets() if widget.isVisible()}


@pytest.fixture(autouse=True, scope="module")
def little_to_look_through() -> None:
    """What was loaded since the tests were collected, torch among it, need not be gone through after each of them."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def collector(qapp: QApplication) -> Iterator[None]:
    """As in the program."""
    made = Collector()
    yield
    made.stop()
    release_clipboard()


@pytest.fixture(autouse=True)
def empty_clipboard(qapp: QApplication) -> None:
    """What another test has copied, a book perhaps, is not pasted by this one."""
    QApplication.clipboard().clear()


@pytest.fixture(autouse=True)
def nothing_is_left(qapp: QApplication) -> Iterator[None]:
    """Fails a test that leaves a thread, a pool, a timer or a window behind."""
    before, running = set(threading.enumerate()), Running()
    windows, widgets = open_windows(), set(QApplication.topLevelWidgets())
    yield
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    for thread in set(threading.enumerate()) - before:  # those of pools among them
        if isinstance(thread, threading._DummyThread):  # of a QThread, which is looked at below
            continue
        if thread.name.startswith(COMPUTING):
            continue
        if thread.name not in KEPT_THREADS and "process_request_thread" not in thread.name:  # of the hub of the tests
            gc.collect()  # a pool ends its threads when it is collected
            thread.join(PATIENCE)  # a task queue's ends with its last task
            assert not thread.is_alive(), f"the thread {thread.name} is still running"
    assert QThreadPool.globalInstance().activeThreadCount() == 0, "Qt's pool is still busy"
    now = Running()
    assert now.threads <= running.threads, "a thread is still running"
    if now.timers - running.timers:
        del now
        gc.collect()  # of objects that only a cycle keeps
        now = Running()
    assert [describe(timer) for timer in now.timers - running.timers] == []
    assert open_windows() <= windows, "a window is still open"
    for widget in set(QApplication.topLevelWidgets()) - widgets:  # parts that no window has taken, as of closed groups
        widget.deleteLater()  # else each theme to come would be applied to them
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


class PatientBot(QtBot):
    """Waits for as long as a busy machine may need: what is waited for must happen, and ends the wait at once."""

    def waitUntil(self, callback: Callable[[], object], *, timeout: int = 0) -> None:
        """Waits until ``callback`` is true, or, where it returns nothing, until its assertions hold."""

        def found() -> bool | None:
            value = callback()
            is_expression = getattr(callback, "__name__", "") == "<lambda>"  # one whose None is no success
            return None if value is None and not is_expression else bool(value)

        super().waitUntil(found, timeout=1000 * int(PATIENCE))

    def waitSignal(self, *args: Any, timeout: int = 0, raising: bool | None = None, **kwargs: Any) -> Any:
        if raising is not False:  # else no signal is what is expected, as by `assertNotEmitted`
            timeout = 1000 * int(PATIENCE)
        return super().waitSignal(*args, timeout=timeout, raising=raising, **kwargs)


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> PatientBot:
    return PatientBot(request)


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    made = Theme(qapp, "light")
    yield made
    made.deleteLater()


@pytest.fixture
def folders(home: Path) -> Folders:
    return Folders.under(home)


class DrivenWindow(MainWindow):
    """The window, with names for the parts of pages that tests look into. A view that is not made yet is ``None``."""

    def _page(self, id: str) -> Any:
        return self.pages[id]

    def _view(self, id: str) -> Any:
        return self.stack.views.get(id)

    def _part(self, kind: type[Any]) -> Any:
        return self._view("play").top_bar.findChild(kind)

    @property
    def contents(self) -> Any:
        return self.stack.contents

    @property
    def session(self) -> Any:
        return self._page("play").session

    @property
    def documents(self) -> Any:
        return self._page("play").documents

    @property
    def files(self) -> Any:
        return self._page("play").files

    @property
    def messages(self) -> Any:
        return self._page("play").messages

    @property
    def playground(self) -> Any:
        return self._view("play").content

    @property
    def top_bar(self) -> Any:
        return self._view("play").top_bar

    @property
    def status(self) -> Any:
        return self._view("play").status_bar

    @property
    def chooser(self) -> Any:
        return self._part(ModelChooser)

    @property
    def device(self) -> Any:
        return self._part(DeviceButton)

    @property
    def title(self) -> Any:
        return self._part(DocumentButton)

    @property
    def models(self) -> Any:
        view = self._view("models")
        return view and view.content

    @property
    def train(self) -> Any:
        view = self._view("train")
        return view and view.content

    @property
    def close_guard(self) -> Any:
        return self._page("train").close_guard


class Opened:
    """A window and what it stands on, closed in the right order."""

    def __init__(self, app: QApplication, folders: Folders, model: str | None, pages: PageRegistry = PAGES) -> None:
        use_readable_locale()
        self.services: WindowServices = make_services(app, folders)
        if model:
            self.services.settings.update(model=model)
        self.window = DrivenWindow(
            self.services, QSettings(str(folders.config / "window.ini"), QSettings.Format.IniFormat), pages
        )
        self.window.show()
        self.window.start()
        self.is_open = True

    @property
    def state(self) -> State:
        return self.services.inference.state

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            self.window.close()
            assert self.services.end(1000 * int(PATIENCE)), "a thread did not end"
            self.window.deleteLater()
            # A function that is connected to a signal lives as long as its sender, and here keeps all the others alive.
            for service in asdict(self.services).values():
                if isinstance(service, QObject):
                    service.deleteLater()


@pytest.fixture
def open_window(qapp: QApplication, folders: Folders, tiny_model_folder: Path) -> Iterator[Callable[..., Opened]]:
    """Opens a window with the tiny model, or the one named; ``None`` is the model of the settings."""
    opened: list[Opened] = []

    def open_one(model: str | None = str(tiny_model_folder), pages: PageRegistry = PAGES) -> Opened:
        opened.append(Opened(qapp, folders, model, pages))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def opened(open_window: Callable[..., Opened], qtbot: QtBot) -> Opened:
    """A window whose model is loaded."""
    one = open_window()
    problems: list[str] = []
    one.services.loader.failed.connect(lambda failure: problems.append(failure.sentence))
    qtbot.waitUntil(lambda: one.state is State.READY or bool(problems), timeout=600_000)
    assert problems == [], "a model that cannot be loaded will never be ready"
    return one
