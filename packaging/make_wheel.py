"""Makes the wheel and the source distribution."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from make_bundle import ENVIRONMENT, make_environment
from project import BUILD, DIST, ROOT, run, source_date


def make_wheel() -> list[Path]:
    """Builds both with the `build` package and returns the files."""
    make_environment()
    python = ENVIRONMENT / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "build>=1.2"])
    folder = BUILD / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    run([python, "-m", "build", "--outdir", folder, ROOT], SOURCE_DATE_EPOCH=str(source_date()))
    DIST.mkdir(exist_ok=True)
    return [Path(shutil.copy2(file, DIST)) for file in sorted(folder.iterdir())]
