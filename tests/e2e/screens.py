"""Where the real program is shown and driven: an X server that nobody looks at, or, where there is none, no screen."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from tests.patience import wait_for

ROOT = Path(__file__).resolve().parents[2]
DRIVER = Path(__file__).with_name("driver.py")
WIDTH, HEIGHT = 1440, 900


class Screen(Protocol):
    """What a test needs of a screen. Keys are named as xdotool does: ``ctrl+Return``."""

    def start(self, *, driven: bool = False) -> subprocess.Popen[str]:
        """Starts the program; ``driven`` where `click` and `look` will be used."""

    def click(self, program: subprocess.Popen[str], name: str) -> None: ...

    def shows(self, program: subprocess.Popen[str]) -> bool: ...

    def type(self, program: subprocess.Popen[str], text: str) -> None: ...

    def press(self, program: subprocess.Popen[str], keys: str) -> None: ...

    def resize(self, program: subprocess.Popen[str], width: int, height: int) -> None: ...

    def photograph(self, program: subprocess.Popen[str], picture: Path) -> None: ...


def tell(program: subprocess.Popen[str], command: str, argument: str) -> None:
    """Hands a command to ``driver.py``."""
    assert program.stdin is not None
    program.stdin.write(f"{command} {argument}\n")
    program.stdin.flush()


def look(program: subprocess.Popen[str], name: str) -> list[dict[str, Any]]:
    """What a driven program shows under a name (accessible name or words), as ``driver.py`` describes it."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer.json")
        tell(program, "tell", f"{answer}\t{name}")
        wait_for(answer.exists, "an answer of the program")
        found: list[dict[str, Any]] = json.loads(answer.read_text(encoding="utf-8"))
        return found


class XScreen:
    """Xvfb, driven by xdotool: real key events through a real server."""

    def __init__(self, display: str) -> None:
        self._display = display

    def start(self, *, driven: bool = False) -> subprocess.Popen[str]:
        if driven:
            environment = {**self._environment, "PYTHONPATH": str(ROOT)}
            command = [sys.executable, str(DRIVER)]
            return subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, text=True)
        return subprocess.Popen([sys.executable, "-m", "gptdesk"], cwd=ROOT, env=self._environment, text=True)

    def click(self, program: subprocess.Popen[str], name: str) -> None:
        """Moves the pointer to where the thing of that name is, and presses."""
        places: list[Any] = [None]

        def rests() -> bool:
            places.append(next((found["at"] for found in look(program, name) if found["enabled"]), None))
            return places[-1] is not None and places[-1] == places[-2]

        wait_for(rests, f"{name!r} to rest on the screen")
        x, y = places[-1]
        self._xdotool("mousemove", str(x), str(y), "click", "1")  # --sync waits for ever where it is there already

    def shows(self, program: subprocess.Popen[str]) -> bool:
        return bool(self._windows(program))

    def type(self, program: subprocess.Popen[str], text: str) -> None:
        self._focus(program)
        self._xdotool("type", "--delay", "10", text)

    def press(self, program: subprocess.Popen[str], keys: str) -> None:
        self._focus(program)
        self._xdotool("key", keys)

    def resize(self, program: subprocess.Popen[str], width: int, height: int) -> None:
        self._xdotool("windowsize", "--sync", self._main_window(program), str(width), str(height))

    def photograph(self, program: subprocess.Popen[str], picture: Path) -> None:
        code = (
            "import sys; from PySide6.QtGui import QGuiApplication; app = QGuiApplication([]); "
            "place = map(int, sys.argv[2:]); sys.exit(not app.primaryScreen().grabWindow(0, *place).save(sys.argv[1]))"
        )
        place = map(str, self._place(self._main_window(program)))  # with the dialogs over it
        subprocess.run([sys.executable, "-c", code, str(picture), *place], env=self._environment, check=True)

    @property
    def _environment(self) -> dict[str, str]:
        """Of this moment: each test has folders of its own."""
        return {**os.environ, "DISPLAY": self._display, "QT_QPA_PLATFORM": "xcb"}

    def _xdotool(self, *arguments: str) -> str:
        done = subprocess.run(["xdotool", *arguments], env=self._environment, capture_output=True, text=True)
        return done.stdout

    def _windows(self, program: subprocess.Popen[str]) -> list[str]:
        return self._xdotool("search", "--onlyvisible", "--pid", str(program.pid), "--name", "gptdesk").split()

    def _main_window(self, program: subprocess.Popen[str]) -> str:
        def area(window: str) -> int:
            *_, width, height = self._place(window)
            return width * height

        return max(self._windows(program), key=area)

    def _place(self, window: str) -> tuple[int, ...]:
        lines = self._xdotool("getwindowgeometry", "--shell", window).split()
        values = dict(line.split("=") for line in lines)
        return tuple(int(values.get(key, 0)) for key in ("X", "Y", "WIDTH", "HEIGHT"))  # 0: it is gone by now

    def _focus(self, program: subprocess.Popen[str]) -> None:
        """Nobody manages windows here: the keys are for the topmost one."""
        self._xdotool("windowfocus", "--sync", self._windows(program)[-1])


class NoScreen:
    """Qt's offscreen platform: ``driver.py`` runs the program and hands it key events that it reads from a pipe.

    ``description`` is a file that tells Qt how large this screen is: its own, of 800 by 800, is smaller than the window
    may be.
    """

    def __init__(self, description: Path) -> None:
        self._platform = f"offscreen:configfile={description}"

    def start(self, *, driven: bool = False) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(DRIVER)],
            cwd=ROOT,
            env={**os.environ, "QT_QPA_PLATFORM": self._platform, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            text=True,
        )

    def click(self, program: subprocess.Popen[str], name: str) -> None:
        wait_for(lambda: any(found["enabled"] for found in look(program, name)), f"{name!r} to be enabled")
        tell(program, "click", name)

    def shows(self, program: subprocess.Popen[str]) -> bool:
        return program.poll() is None

    def type(self, program: subprocess.Popen[str], text: str) -> None:
        tell(program, "type", text)

    def press(self, program: subprocess.Popen[str], keys: str) -> None:
        tell(program, "press", keys)

    def resize(self, program: subprocess.Popen[str], width: int, height: int) -> None:
        tell(program, "resize", f"{width} {height}")

    def photograph(self, program: subprocess.Popen[str], picture: Path) -> None:
        tell(program, "photograph", str(picture))
        wait_for(picture.exists, "the picture")


@contextmanager
def open_screen() -> Iterator[Screen]:
    """An X server of our own where the programs for it are installed, as ``run.py test`` does when it may."""
    if not (sys.platform == "linux" and shutil.which("Xvfb") and shutil.which("xdotool")):
        with tempfile.TemporaryDirectory() as folder:
            description = Path(folder, "screens.json")
            screen = {"x": 0, "y": 0, "width": WIDTH, "height": HEIGHT, "dpr": 1}
            screen |= {"name": "none", "logicalDpi": 96, "logicalBaseDpi": 96}
            description.write_text(json.dumps({"screens": [screen]}), encoding="utf-8")
            yield NoScreen(description)
        return
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp"],
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
