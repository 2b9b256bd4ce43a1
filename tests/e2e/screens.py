"""Where the real program is shown and driven: an X server that nobody looks at, or, where there is none, no screen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 40.0
"""Seconds for anything that another process does on a busy computer."""

SIZE = "1440x900x24"


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Waits for another process, which has no signal to wait for."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited {PATIENCE:.0f} s for {what}"
        time.sleep(0.02)


class Screen(Protocol):
    """What a test needs of a screen. Keys are named as xdotool does: ``ctrl+Return``."""

    def start(self) -> subprocess.Popen[str]: ...

    def shows(self, program: subprocess.Popen[str]) -> bool: ...

    def type(self, program: subprocess.Popen[str], text: str) -> None: ...

    def press(self, program: subprocess.Popen[str], keys: str) -> None: ...

    def resize(self, program: subprocess.Popen[str], width: int, height: int) -> None: ...

    def photograph(self, program: subprocess.Popen[str], picture: Path) -> None: ...


class XScreen:
    """Xvfb, driven by xdotool: real key events through a real server."""

    def __init__(self, display: str) -> None:
        self._display = display

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, "-m", "gptdesk"], cwd=ROOT, env=self._environment, text=True)

    def shows(self, program: subprocess.Popen[str]) -> bool:
        return bool(self._windows(program))

    def type(self, program: subprocess.Popen[str], text: str) -> None:
        self._focus(program)
        self._xdotool("type", "--delay", "10", text)

    def press(self, program: subprocess.Popen[str], keys: str) -> None:
        self._focus(program)
        self._xdotool("key", keys)

    def resize(self, program: subprocess.Popen[str], width: int, height: int) -> None:
        (window,) = self._windows(program)
        self._xdotool("windowsize", "--sync", window, str(width), str(height))

    def photograph(self, program: subprocess.Popen[str], picture: Path) -> None:
        code = (
            "import sys; from PySide6.QtGui import QGuiApplication; app = QGuiApplication([]); "
            "sys.exit(not app.primaryScreen().grabWindow(int(sys.argv[1])).save(sys.argv[2]))"
        )
        (window,) = self._windows(program)
        subprocess.run([sys.executable, "-c", code, window, str(picture)], env=self._environment, check=True)

    @property
    def _environment(self) -> dict[str, str]:
        """Of this moment: each test has folders of its own."""
        return {**os.environ, "DISPLAY": self._display, "QT_QPA_PLATFORM": "xcb"}

    def _xdotool(self, *arguments: str) -> str:
        done = subprocess.run(["xdotool", *arguments], env=self._environment, capture_output=True, text=True)
        return done.stdout

    def _windows(self, program: subprocess.Popen[str]) -> list[str]:
        return self._xdotool("search", "--onlyvisible", "--pid", str(program.pid), "--name", "gptdesk").split()

    def _focus(self, program: subprocess.Popen[str]) -> None:
        (window,) = self._windows(program)
        self._xdotool("windowfocus", "--sync", window)


class NoScreen:
    """Qt's offscreen platform: ``driver.py`` runs the program and hands it key events that it reads from a pipe."""

    def start(self) -> subprocess.Popen[str]:
        driver = Path(__file__).with_name("driver.py")
        return subprocess.Popen(
            [sys.executable, str(driver)],
            cwd=ROOT,
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            text=True,
        )

    def shows(self, program: subprocess.Popen[str]) -> bool:
        return program.poll() is None

    def type(self, program: subprocess.Popen[str], text: str) -> None:
        self._say(program, "type", text)

    def press(self, program: subprocess.Popen[str], keys: str) -> None:
        self._say(program, "press", keys)

    def resize(self, program: subprocess.Popen[str], width: int, height: int) -> None:
        self._say(program, "resize", f"{width} {height}")

    def photograph(self, program: subprocess.Popen[str], picture: Path) -> None:
        self._say(program, "photograph", str(picture))
        wait_for(picture.exists, "the picture")

    def _say(self, program: subprocess.Popen[str], command: str, argument: str) -> None:
        assert program.stdin is not None
        program.stdin.write(f"{command} {argument}\n")
        program.stdin.flush()


@contextmanager
def open_screen() -> Iterator[Screen]:
    """An X server of our own where the programs for it are installed, as ``run.py test`` does when it may."""
    if not (sys.platform == "linux" and shutil.which("Xvfb") and shutil.which("xdotool")):
        yield NoScreen()
        return
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", SIZE, "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with open(read) as numbers:
        number = numbers.readline().strip()
    assert number, "Xvfb did not start"
    yield XScreen(f":{number}")
    server.terminate()
    server.wait()
