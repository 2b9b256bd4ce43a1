"""One start of the real program after the other, with what it left on disk."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gptdesk.folders import Folders
from gptdesk.library.catalogue import bundled_folder
from gptdesk.store.database import Database
from gptdesk.store.document import Document
from gptdesk.store.settings import Settings
from gptdesk.store.settings_file import SettingsFile
from tests.library.conftest import hub as hub  # a fixture
from tests.patience import PATIENCE, wait_for

from .screens import NoScreen, Screen, look, open_screen

needs_bundled_model = pytest.mark.skipif(not bundled_folder().is_dir(), reason="needs the bundled model")


class Program:
    """One start of the program."""

    def __init__(self, screen: Screen, folders: Folders, *, driven: bool = False) -> None:
        self.screen, self.folders = screen, folders
        self.started = time.time()
        self.process = screen.start(driven=driven)

    def wait_until_painted(self) -> float:
        """Seconds from the start of the process to its first picture."""
        wait_for(lambda: self._painted_at() is not None, "the window", alive=lambda: self.process.poll() is None)
        wait_for(lambda: self.screen.shows(self.process), "the window on the screen")
        painted = self._painted_at()
        assert painted is not None
        return painted - self.started

    def type(self, text: str) -> None:
        self.screen.type(self.process, text)

    def press(self, keys: str) -> None:
        self.screen.press(self.process, keys)

    def click(self, name: str) -> None:
        """Presses what has that accessible name, or those words on it; waits until it is there."""
        self.screen.click(self.process, name)

    def choose(self, name: str, words: str) -> None:
        """Opens the box of choices of that name and takes the one that begins with ``words``."""
        open_within = time.monotonic()
        while not any(found["kind"] == "QComboBoxPrivateContainer" for found in self.look("*")):
            if time.monotonic() >= open_within:  # what moved just then was missed: once more, as a person would
                self.click(name)
                open_within = time.monotonic() + 5
        self.type(words)
        self.press("Return")
        self.wait_for_words(name, words)

    def enter(self, name: str, number: int) -> None:
        """Types a number into the box of that name, once more where the box moved away under the pointer."""

        def shows() -> bool:
            return any(found["text"].replace(",", "") == str(number) for found in self.look(name))

        while not shows():
            self.click(name)
            self.press("ctrl+a")
            self.type(str(number))
            self.press("Tab")

    def run_command(self, title: str) -> None:
        """Runs a command from the palette."""
        self.press("ctrl+k")
        wait_for(lambda: self.look("Search commands"), "the palette")
        self.type(title)
        self.press("Return")

    def photograph(self, picture: Path) -> None:
        """Writes what the screen shows to a file."""
        self.screen.photograph(self.process, picture)

    def look(self, name: str) -> list[dict[str, Any]]:
        """What is shown under a name: its ``text``, its ``description``, whether it is ``enabled``."""
        return look(self.process, name)

    def wait_for_words(self, name: str, *words: str) -> None:
        """Waits until what has that accessible name says one of ``words``."""
        wait_for(
            lambda: any(word in found["text"] for found in self.look(name) for word in words),
            f"{name!r} to say {' or '.join(words)}",
        )

    def document(self) -> Document | None:
        """The newest document on disk."""
        path = self.folders.data / "documents.sqlite"
        if not path.exists():
            return None
        database = Database(path)
        try:
            recent = database.entries()
            snapshot = database.load(recent[0].id) if recent else None
        finally:
            database.close()
        return Document(snapshot) if snapshot else None

    @property
    def text(self) -> str:
        document = self.document()
        return document.text if document else ""

    @property
    def finish_reason(self) -> str | None:
        """Of the last generated words."""
        document = self.document()
        origins = [run.origin for run in document.runs if run.origin] if document else []
        return origins[-1].finish_reason if origins else None

    def quit(self) -> int:
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)

    def _painted_at(self) -> float | None:
        log = self.folders.logs / "gptdesk.log"
        lines = log.read_text().splitlines() if log.exists() else []
        painted = [line for line in lines if ": painted after " in line]
        times = [datetime.strptime(line[:23], "%Y-%m-%d %H:%M:%S.%f").timestamp() for line in painted]
        return next((at for at in times if at >= self.started - 0.001), None)


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    with open_screen() as opened:
        yield opened


@pytest.fixture
def folders(home: Path) -> Folders:
    return Folders.under(home)


@pytest.fixture
def write_settings(folders: Folders) -> Callable[[Settings], None]:
    return SettingsFile(folders.config / "settings.json").save


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Folder for pictures that README and guide show: that in GPTDESK_SAVE_PICTURES, else a temporary one."""
    return Path(os.environ.get("GPTDESK_SAVE_PICTURES") or tmp_path)


@pytest.fixture
def start(screen: Screen, folders: Folders) -> Iterator[Callable[..., Program]]:
    """Starts the program; what still runs at the end is killed, and a warning in its log fails the test."""
    started: list[Program] = []

    def start_one(*, driven: bool = False) -> Program:
        started.append(Program(screen, folders, driven=driven))
        return started[-1]

    yield start_one
    for program in started:
        if program.process.poll() is None:
            program.kill()
        if program.process.stdin:
            program.process.stdin.close()
    log = folders.logs / "gptdesk.log"
    problems = re.findall(r"^.* (?:WARNING|ERROR|CRITICAL) .*$", log.read_text(), re.MULTILINE) if log.exists() else []
    if isinstance(screen, NoScreen):
        problems = [problem for problem in problems if "This plugin does not support" not in problem]
    slow_end = "a thread did not end in time"  # everything is saved by then; whether it does is a question of time
    assert [problem for problem in problems if slow_end not in problem] == []
