"""Starts the window. Imports nothing heavy by itself: on Windows torch has to come before Qt."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final

from gptdesk.errors import UserError

_SCREENS: Final = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
"""One of them tells Qt where to paint."""


def main(argv: Sequence[str] | None = None) -> int:
    """Opens the window, or raises the one that is open already, and returns the exit code.

    Args:
        argv: arguments for Qt, without the program's name; those of the process when not given.

    Raises:
        UserError: when there is no screen to open it on.
    """
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in _SCREENS):
        raise UserError("There is no display to open the window on; `gptdesk complete` works without one.")
    if sys.platform == "win32":
        # Its libraries fail to load after Qt's (pytorch/pytorch#166628).
        from gptdesk.devices import set_thread_environment

        set_thread_environment()
        import torch  # noqa: F401
    from gptdesk.ui.window.application import run

    return run(sys.argv[1:] if argv is None else argv)
