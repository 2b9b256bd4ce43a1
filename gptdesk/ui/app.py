"""Starts the window. Imports nothing heavy by itself: on Windows torch has to come before Qt."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from typing import Final

from gptdesk.errors import UserError

_SCREENS: Final = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
"""Environment variables; at least one is set where Qt has a screen."""


def main(argv: Sequence[str] | None = None) -> int:
    """Opens the window, or raises the one that is already open, and returns the exit code.

    Args:
        argv: options of Qt, and files to open, without the program's name; those of the process by default.

    Raises:
        UserError: if there is no screen.
    """
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in _SCREENS):
        raise UserError("There is no display to open the window on; `gptdesk complete` works without one.")
    if sys.platform == "win32":
        # Its libraries fail to load after Qt's (pytorch/pytorch#166628).
        from gptdesk.devices import set_thread_environment

        set_thread_environment()
        import torch  # noqa: F401
    run = import_window()
    return run(sys.argv[1:] if argv is None else argv)


def import_window() -> Callable[[Sequence[str]], int]:
    """Imports the window and returns the function that runs it.

    PySide's support modules are compiled at the first start alone. PySide's import hook, which reads the source of each
    module, and the garbage collector are switched off meanwhile: they take a tenth of the start. What the modules have
    made is excluded from collection for good.
    """
    gc.disable()
    try:
        from gptdesk.folders import Folders
        from gptdesk.ui.support_code import kept_support_code

        with kept_support_code(Folders.standard().cache):
            import PySide6.QtCore  # noqa: F401  # sets the hook

        from gptdesk.ui.lazy_imports import remove_import_hook

        remove_import_hook()
        from gptdesk.ui.window.application import run

        gc.freeze()
    finally:
        gc.enable()
    return run
