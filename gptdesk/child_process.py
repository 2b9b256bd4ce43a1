"""Command line and environment of a process that runs one of our modules, from source and in a frozen program.

A frozen program has no interpreter: its executable runs a module itself (`gptdesk.cli`). Imports neither torch nor Qt.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from typing import Final

from gptdesk.errors import UserError

_WITH_CONSOLE: Final = {"pythonw.exe": "python.exe", "gptdesk.exe": "gptdesk-cli.exe"}
"""On Windows, programs that have nowhere to print, and the ones beside them that have."""


def is_frozen() -> bool:
    """Whether this is a frozen program (PyInstaller), not an interpreter."""
    return bool(getattr(sys, "frozen", False))


def python_command(module: str, *arguments: str) -> list[str]:
    """The command line that runs one of our modules, or torch's, with this process's interpreter or frozen program.

    Raises:
        UserError: when the interpreter is unknown.
    """
    if not sys.executable:
        raise UserError("The Python interpreter was not found; start gptdesk with `python -m gptdesk`.")
    program = Path(sys.executable)
    program = program.with_name(_WITH_CONSOLE.get(program.name.lower(), program.name))
    return [str(program), "-m", module, *arguments]


def own_command(module: str) -> str:
    """How a person starts one of our modules in a terminal, for messages."""
    return f"gptdesk-cli {module}" if is_frozen() else f"python -m {module}"


def child_environment() -> dict[str, str]:
    """This process's environment, so that our packages are found and output arrives at once, in UTF-8."""
    environment = dict(os.environ)
    environment |= {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", "PYTHONFAULTHANDLER": "1"}
    if is_frozen():  # finds its modules by itself
        return environment
    environment["PYTHONSAFEPATH"] = "1"  # nothing in the folder that it runs in is taken for one of our modules
    root = Path(__file__).resolve().parents[1]
    if root not in (Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib")):
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH", "")]))
    return environment
