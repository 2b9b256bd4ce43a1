"""The real program on a screen of its own: started, driven by keys, killed, photographed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest

from gptdesk.folders import Folders
from gptdesk.store.database import Database
from gptdesk.store.document import Document
from gptdesk.store.settings import Settings, SettingsFile

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 40.0
"""Seconds for anything that another process does on a busy computer."""

SCREEN = "1440x900x24"


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Waits for another process, which has no signal to wait for."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited {PATIENCE:.0f} s for {what}"
        time.sleep(0.02)


class Screen:
    """An X server that nobody looks at, and the keyboard on it."""

    def __init__(self, display: str) -> None:
        self._display = display

    @property
    def environment(self) -> dict[str, str]:
        """Of this moment: each test has folders of its own."""
        return {**os.environ, "DISPLAY": self._display, "QT_QPA_PLATFORM": "xcb"}

    def xdotool(self, *arguments: str) -> str:
        done = subprocess.run(["xdotool", *arguments], env=self.environment, capture_output=True, text=True)
        return done.stdout

    def windows(self, process: int) -> list[str]:
        return self.xdotool("search", "--onlyvisible", "--pid", str(process), "--name", "gptdesk").split()

    def photograph(self, window: str, picture: Path) -> None:
        """Saves what the window looks like on this screen."""
        program = (
            "import sys; from PySide6.QtGui import QGuiApplication; app = QGuiApplication([]); "
            "sys.exit(not app.primaryScreen().grabWindow(int(sys.argv[1])).save(sys.argv[2]))"
        )
        subprocess.run([sys.executable, "-c", program, window, str(picture)], env=self.environment, check=True)


class Program:
    """One start of ``python -m gptdesk``."""

    def __init__(self, screen: Screen, folders: Folders) -> None:
        self.screen, self.folders = screen, folders
        self.started = time.time()
        self.process = subprocess.Popen([sys.executable, "-m", "gptdesk"], cwd=ROOT, env=screen.environment)

    def wait_until_painted(self) -> float:
        """Seconds from the start of the process to its first picture."""
        wait_for(lambda: self._painted_at() is not None, "the window")
        wait_for(lambda: self.screen.windows(self.process.pid), "the window on the screen")
        painted = self._painted_at()
        assert painted is not None
        return painted - self.started

    def focus(self) -> str:
        (window,) = self.screen.windows(self.process.pid)
        self.screen.xdotool("windowfocus", "--sync", window)
        return window

    def type(self, text: str) -> None:
        self.focus()
        self.screen.xdotool("type", "--delay", "10", text)

    def press(self, *keys: str) -> None:
        self.focus()
        self.screen.xdotool("key", *keys)

    def document(self) -> Document | None:
        """The newest document on disk."""
        path = self.folders.data / "documents.sqlite"
        if not path.exists():
            return None
        database = Database(path)
        try:
            recent = database.recent(1)
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
        painted = [line for line in lines if line.endswith(": painted")]
        times = [datetime.strptime(line[:23], "%Y-%m-%d %H:%M:%S.%f").timestamp() for line in painted]
        return next((at for at in times if at >= self.started - 0.001), None)


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    if sys.platform != "linux" or not (shutil.which("Xvfb") and shutil.which("xdotool")):
        pytest.skip("needs Xvfb and xdotool, which `run.py test` installs on Debian and Ubuntu when it may")
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", SCREEN, "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with open(read) as numbers:
        number = numbers.readline().strip()
    assert number, "Xvfb did not start"
    yield Screen(f":{number}")
    server.terminate()
    server.wait()


@pytest.fixture
def folders(home: Path) -> Folders:
    return Folders.under(home)


@pytest.fixture
def write_settings(folders: Folders) -> Callable[[Settings], None]:
    return SettingsFile(folders.config / "settings.json").save


@pytest.fixture
def start(screen: Screen, folders: Folders) -> Iterator[Callable[[], Program]]:
    """Starts the program; whatever still runs at the end is killed, and an error in its log fails the test."""
    started: list[Program] = []

    def start_one() -> Program:
        started.append(Program(screen, folders))
        return started[-1]

    yield start_one
    for program in started:
        if program.process.poll() is None:
            with suppress(ProcessLookupError):
                program.kill()
    log = folders.logs / "gptdesk.log"
    problems = re.findall(r"^.* (?:WARNING|ERROR|CRITICAL) .*$", log.read_text(), re.MULTILINE) if log.exists() else []
    assert problems == []


def settings_of(folders: Folders) -> dict[str, object]:
    """What is in the file now."""
    values: dict[str, object] = json.loads((folders.config / "settings.json").read_text())
    return values
