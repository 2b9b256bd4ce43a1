"""Starts of the real program: on each page, with data and runs, on a busy computer, and with what is damaged."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gptdesk.folders import HOME_VARIABLE, Folders
from gptdesk.store.document import Document
from gptdesk.store.settings import Settings
from gptdesk.store.settings_file import SettingsFile
from gptdesk.ui.services.document_storage import DocumentStorage
from gptdesk.ui.window import application
from gptdesk.ui.window.page_list import PAGES
from gptdesk.ui.window.process.crash import CrashDialog, CrashHandler
from trainer.run_directory.writer import RunWriter

from .conftest import Opened

PATIENCE = 300.0
"""Seconds; a start that goes well needs few of them."""

RACE = """
import builtins, sys, tempfile, threading
from pathlib import Path

from PySide6.QtCore import QObject
from gptdesk.ui.services.background import WorkerThread

if "fixed" in sys.argv:
    WorkerThread(QObject(), "any thread")
sys.path.insert(0, tempfile.mkdtemp())
builtins.asked, builtins.go_on = threading.Event(), threading.Event()
# PySide looks into it for as long as we want.
Path(sys.path[0], "looked_into.py").write_text('''
def __getattr__(name):
    if name == "__wrapped__":
        asked.set()
        go_on.wait(60)
    raise AttributeError(name)
''')


def look():
    import looked_into


def audit(event, args):
    # The other thread begins to look when pydantic is asked for, and ends while PySide looks into pydantic.
    if event == "import" and args[0] == "pydantic" and other.ident is None:
        other.start()
        while other.is_alive() and not asked.wait(0.01):
            pass
    if event == "import" and args[0] == "pydantic._internal._validators":
        go_on.set()
        other.join()


other = threading.Thread(target=look)
sys.addaudithook(audit)
import trainer.config.schema
"""


def test_pydantic_is_whole_whatever_another_thread_imports() -> None:
    """PySide's hook, put back too early by another thread, made pydantic import half of itself."""
    done = subprocess.run([sys.executable, "-c", RACE, "fixed"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_race_is_the_one_that_was_seen() -> None:
    """Should it be mended in PySide one day, this test and `remove_import_hook` can go."""
    done = subprocess.run([sys.executable, "-c", RACE], capture_output=True, text=True)
    assert "cannot import name 'import_string' from partially initialized module" in done.stderr


@contextmanager
def busy_computer() -> Iterator[None]:
    """A busy loop on each core."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


class Start:
    """A start of the program on a page, in folders with prepared data and a run."""

    def __init__(self, home: Path, page: str) -> None:
        folders = Folders.under(home)
        SettingsFile(folders.config / "settings.json").save(Settings(page=page))
        self._log = folders.logs / "gptdesk.log"
        self._log.unlink(missing_ok=True)
        environment = {**os.environ, HOME_VARIABLE: str(home)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gptdesk"], env=environment, stderr=subprocess.PIPE, text=True
        )

    def is_ready(self) -> bool:
        assert self._process.poll() is None, self._process.communicate()
        return self._log.exists() and " is ready, " in self._log.read_text()

    def end(self) -> str:
        """Ends it as a person would, and returns its log."""
        self._process.terminate()
        _, said = self._process.communicate(timeout=PATIENCE)
        assert (self._process.returncode, said) == (0, "")
        return self._log.read_text()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def start_on_each_page(homes: list[Path]) -> None:
    """One start a page, all at once; each must come to be ready, and end, without a mistake."""
    starts = [Start(home, page) for home, page in zip(homes, PAGES.ids, strict=True)]
    try:
        end = time.monotonic() + PATIENCE
        while not all(start.is_ready() for start in starts):
            assert time.monotonic() < end
            time.sleep(0.05)  # another process has no signal to wait for
        for start in starts:
            log = start.end()
            assert "ERROR" not in log
            assert "Traceback" not in log
    finally:
        for start in starts:
            start.kill()


@pytest.fixture
def lived_in(tmp_path: Path) -> list[Path]:
    """A home for each page, with prepared data and a run."""
    text = tmp_path / "text.txt"
    text.write_text("Once upon a time there was a text. It was short, and nobody minded.\n\n" * 40)
    first = Folders.under(tmp_path / PAGES.ids[0])
    command = [sys.executable, "-m", "trainer", "prepare", str(text), "--out", str(first.data / "datasets" / "tale")]
    subprocess.run(command, check=True, capture_output=True)
    RunWriter(first.runs / "tale", {"config": {}}).finish("finished")
    for page in PAGES.ids[1:]:
        shutil.copytree(tmp_path / PAGES.ids[0], tmp_path / page)
    return [tmp_path / page for page in PAGES.ids]


@pytest.mark.timeout(900)
def test_starts_on_all_pages_at_once_go_well(lived_in: list[Path]) -> None:
    start_on_each_page(lived_in)


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_fifty_starts_on_a_busy_computer_go_well(lived_in: list[Path]) -> None:
    with busy_computer():
        for _ in range(17):
            start_on_each_page(lived_in)


def save_document(folders: Folders, text: str) -> str:
    storage = DocumentStorage(folders.data / "documents.sqlite")
    document = Document()
    document.replace(0, 0, text)
    storage.save(document.snapshot())
    storage.close()
    SettingsFile(folders.config / "settings.json").save(Settings(document=document.id))
    return document.id


def test_a_damaged_document_that_was_open_last_is_said_and_stays_in_the_list(
    open_window: Callable[..., Opened], folders: Folders, qtbot: QtBot
) -> None:
    id = save_document(folders, "Once upon a time")
    connection = sqlite3.connect(folders.data / "documents.sqlite")
    connection.execute("update documents set leaf = 99")
    connection.commit()
    connection.close()
    opened = open_window()
    (text,) = opened.window.banners.texts
    assert text
    assert [entry.id for entry in opened.services.storage.entries()] == [id]
    opened.window.documents.new()
    assert opened.window.banners.texts == []
    opened.window.documents.open(id)
    assert opened.window.banners.texts == [text]


def test_a_document_that_nothing_can_be_made_of_costs_only_itself(
    open_window: Callable[..., Opened],
    folders: Folders,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    id = save_document(folders, "Once upon a time")

    def fail(*_: object) -> None:
        raise KeyError(99)

    monkeypatch.setattr(DocumentStorage, "open", fail)
    opened = open_window()
    with qtbot.waitSignal(opened.services.messages.crashed) as crashed:
        pass
    assert "KeyError" in crashed.args[0]
    assert "cannot be opened" in opened.window.banners.texts[0]
    assert opened.window.session.document.text == ""
    assert [entry.id for entry in opened.services.storage.entries()] == [id]


def test_a_window_that_cannot_be_made_as_it_was_left_is_made_empty(
    folders: Folders, qapp: object, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    SettingsFile(folders.config / "settings.json").save(Settings(page="train"))
    services = application.make_services(qapp, folders)  # type: ignore[arg-type]
    crashes = CrashHandler(folders.logs)
    real = application.MainWindow

    def broken(services: object, geometry: object) -> object:
        if services.settings.value.page == "train":  # type: ignore[attr-defined]
            raise RuntimeError("on purpose")
        return real(services, geometry)  # type: ignore[arg-type]

    monkeypatch.setattr(application, "MainWindow", broken)
    window = application._make_window(services, crashes)
    qtbot.addWidget(window)
    try:
        window.show()
        qtbot.waitUntil(lambda: window.findChildren(CrashDialog) != [])
        assert window.pages["play"].session.document.text == ""
        window.findChildren(CrashDialog)[0].accept()
        window.leave()
    finally:
        crashes.remove()
        assert services.end(1000 * int(PATIENCE))


def test_the_program_ends_in_order_after_text_was_copied(folders: Folders) -> None:
    program = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from gptdesk.ui.window import application

class Window(application.MainWindow):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.painted.connect(self.copy)

    def copy(self):
        editor = self.pages["play"].view.editor
        editor.replace_selection("copied text")
        editor.selectAll()
        editor.copy()
        QGuiApplication.instance().aboutToQuit.connect(lambda: print(QGuiApplication.clipboard().text()))
        QTimer.singleShot(0, self.close)

application.MainWindow = Window
sys.exit(application.run([]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout, done.stderr) == (0, "copied text\n", "")


def test_no_window_at_all_is_said_on_the_screen(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from gptdesk.ui.window import application
from gptdesk.ui.window.process.crash import CrashDialog

def fail(*_):
    raise RuntimeError("on purpose")

def close():
    shown = [w for w in QApplication.topLevelWidgets() if isinstance(w, CrashDialog) and w.isVisible()]
    if shown:
        print("on purpose" in shown[0]._report)
        shown[0].accept()
    else:
        QTimer.singleShot(10, close)

application.MainWindow = fail
QTimer.singleShot(0, close)
sys.exit(application.run([]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout, done.stderr) == (1, "True\n", "")
    shutil.rmtree(folders.logs)
