"""Where the window is shown while it is measured: an X server that nobody looks at, no screen, or the one at hand."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SCREENS: Final = ("xvfb", "offscreen", "own")
"""An X server of our own, Qt's screen that is none, the person's."""

_SIZE: Final = "1440x900x24"


def best_screen() -> str:
    """The one that is most like a person's and disturbs nobody."""
    return "xvfb" if shutil.which("Xvfb") else "offscreen"


@contextmanager
def screen_environment(name: str) -> Iterator[dict[str, str]]:
    """The environment of processes that show their windows on the screen of that name, one of `SCREENS`."""
    environment = dict(os.environ)
    if name == "own":
        yield environment
    elif name == "offscreen":
        yield environment | {"QT_QPA_PLATFORM": "offscreen"}
    else:
        read, write = os.pipe()
        server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", _SIZE, "-nolisten", "tcp"],
            pass_fds=[write],
            stderr=subprocess.DEVNULL,
        )
        os.close(write)
        try:
            with open(read) as numbers:
                number = numbers.readline().strip()
            assert number, "Xvfb did not start"
            yield environment | {"QT_QPA_PLATFORM": "xcb", "DISPLAY": f":{number}"}
        finally:
            server.terminate()
            server.wait()
