"""Makes the bundle with PyInstaller: one folder with the window, the command line and the trainer."""

from __future__ import annotations

import os
import shutil
import sys
import venv
from pathlib import Path
from typing import Final

from bundle.contents import NOT_STRIPPED, STRIPPED
from project import BUILD, COMMAND, DIST, NAME, PACKAGING, ROOT, BuildError, run, source_date

from gptdesk.program.licences import THIRD_PARTY

ENVIRONMENT: Final = BUILD / "venv"
BUNDLE: Final = DIST / NAME
_PYTHON: Final = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
_EXTRAS: Final = "window,data,documents,gguf"
_PYINSTALLER: Final = "pyinstaller==6.22.3"


def make_bundle() -> Path:
    """Makes the folder and returns it."""
    make_environment()
    shutil.rmtree(BUNDLE, ignore_errors=True)
    run(
        [
            *(_PYTHON, "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level", "WARN"),
            *("--workpath", BUILD / "pyinstaller", "--distpath", DIST, PACKAGING / "bundle" / "gptdesk.spec"),
        ],
        SOURCE_DATE_EPOCH=str(source_date()),
        PYTHONHASHSEED="0",  # the order of sets decides that of files
    )
    run([_PYTHON, PACKAGING / "compile_sources.py", BUNDLE / "_internal"])
    if sys.platform != "win32":
        (BUNDLE / COMMAND).symlink_to(NAME)
    for licence in ("LICENSE", THIRD_PARTY):
        shutil.copy2(BUNDLE / "_internal" / "gptdesk" / licence, BUNDLE / licence)
    strip_libraries(BUNDLE)
    set_dates(BUNDLE)
    return BUNDLE


def make_environment() -> None:
    """Makes the virtual environment that is frozen: the pinned dependencies, and nothing that only tests need."""
    if not _PYTHON.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    pip = [_PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--constraint", ROOT / "constraints.txt", "--editable", f"{ROOT}[{_EXTRAS}]", _PYINSTALLER])


def strip_libraries(bundle: Path) -> None:
    """Removes symbols from libraries that only debuggers read, on Linux and where `strip` is installed."""
    if not sys.platform.startswith("linux") or shutil.which("strip") is None:
        return
    for path in sorted(bundle.rglob("*.so*")):
        if path.is_symlink() or any(path.match(pattern) for pattern in NOT_STRIPPED):
            continue
        if any(path.match(pattern) for pattern in STRIPPED):
            run(["strip", "--strip-unneeded", path])


def set_dates(folder: Path) -> None:
    """Dates all files and folders in it `source_date`, so that archives of the same files are the same.

    Raises:
        BuildError: when the folder is empty.
    """
    files = sorted(folder.rglob("*"))
    if not files:
        raise BuildError(f"{folder} is empty.")
    date = source_date()
    for path in (*files, folder):
        if not path.is_symlink():
            os.utime(path, (date, date))
