"""What all steps of packaging know: names, version, folders, and how a program is run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # for `gptdesk` and `run`, which need no third package to be imported

from gptdesk import __version__  # noqa: E402

PACKAGING: Final = ROOT / "packaging"
BUILD: Final = ROOT / "build" / "packaging"
"""What is made on the way; it can be removed."""

DIST: Final = ROOT / "dist"
"""What is made for people to install."""

NAME: Final = "gptdesk"
COMMAND: Final = "gptdesk-cli"
VERSION: Final = __version__
HOMEPAGE: Final = "https://github.com/gptdesk/gptdesk"
COMPONENT: Final = "io.github.gptdesk.gptdesk"
"""AppStream's id of the program, and Flatpak's."""

SUMMARY: Final = "Write with GPT-2 and train your own models"
MAINTAINER: Final = "the gptdesk authors <gptdesk@users.noreply.github.com>"


class BuildError(Exception):
    """A step failed; ``str(error)`` is a sentence for the person."""


def source_date() -> int:
    """Seconds since 1970 that all files are dated: ``SOURCE_DATE_EPOCH``, else the last commit's, else now's."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    try:
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    except (OSError, subprocess.CalledProcessError, ValueError):
        return int(time.time())


def run(command: Sequence[str | Path], *, folder: Path = ROOT, **variables: str) -> None:
    """Runs a program with these additional environment variables.

    Raises:
        BuildError: when it cannot be started or fails; its output is on the terminal.
    """
    words = [str(word) for word in command]
    try:
        subprocess.run(words, cwd=folder, env={**os.environ, **variables}, check=True)
    except FileNotFoundError:
        raise BuildError(f"{words[0]} is not installed.") from None
    except subprocess.CalledProcessError as error:
        raise BuildError(f"{Path(words[0]).name} failed (exit status {error.returncode}).") from None


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; links count nothing."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*") if file.is_file() and not file.is_symlink())
