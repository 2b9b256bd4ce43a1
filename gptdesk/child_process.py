"""Command line and environment of a Python process of ours. Imports neither torch nor Qt."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

from gptdesk.errors import UserError


def python_command(module: str, *arguments: str) -> list[str]:
    """The command line that runs one of our modules, or torch's, with the interpreter of this process.

    Raises:
        UserError: when the interpreter is unknown.
    """
    if not sys.executable:
        raise UserError("The Python interpreter was not found; start gptdesk with `python -m gptdesk`.")
    interpreter = Path(sys.executable)
    if interpreter.name.lower() == "pythonw.exe":  # has nowhere to print, whatever it is given
        interpreter = interpreter.with_name("python.exe")
    return [str(interpreter), "-m", module, *arguments]


def child_environment() -> dict[str, str]:
    """This process's environment, so that our packages are found and output arrives at once, in UTF-8."""
    environment = dict(os.environ)
    environment |= {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", "PYTHONFAULTHANDLER": "1"}
    environment["PYTHONSAFEPATH"] = "1"  # nothing in the folder that it runs in is taken for one of our modules
    root = Path(__file__).resolve().parents[1]
    if root not in (Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib")):
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH", "")]))
    return environment
