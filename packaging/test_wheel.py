#!/usr/bin/env python3
"""Installs the wheel into fresh virtual environments, and runs what it brings, far from the source tree.

``packaging/test_wheel.py dist/gptdesk-0.1.0-py3-none-any.whl --python python3.11 python3.12`` tries it on each Python:
first the command line alone, where Qt must not be installed, then with all extras. The packages come from the index
that pip is set up with. ``--pipx`` installs it by pipx too.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from project import ROOT

PATIENCE: Final = 3600
"""Seconds that one command may take; installing PyTorch is one."""

EXTRAS: Final = "window,data,documents,gguf"


class Failed(Exception):
    """A command ended otherwise than expected; ``str(error)`` says how."""


def run(*words: str | Path, folder: Path, fails: bool = False) -> str:
    """Runs a program in a folder and returns its output.

    Raises:
        Failed: when its exit status is not as expected.
    """
    environment = {**os.environ, "GPTDESK_HOME": str(folder / "home"), "QT_QPA_PLATFORM": "offscreen"}
    environment.pop("PYTHONPATH", None)
    command = [str(word) for word in words]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    if bool(done.returncode) != fails:
        output = f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        raise Failed(f"{' '.join(command)} ended with {done.returncode}:\n{output}")
    return done.stdout + done.stderr


def tries(wheel: Path, python: str, folder: Path, index: str) -> None:
    """Installs the wheel without extras, then with them, and runs it.

    Args:
        wheel: the file.
        python: interpreter for the virtual environment.
        folder: for it; must be empty.
        index: where PyTorch is looked for, too; "" for nowhere else.
    """
    run(python, "-m", "venv", folder / "venv", folder=folder)
    programs = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    constraints = ("--constraint", ROOT / "constraints.txt", *(("--extra-index-url", index) if index else ()))
    pip = (programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *constraints)
    run(*pip, wheel, folder=folder)
    works_without_window(programs, folder)
    run(*pip, f"{wheel}[{EXTRAS}]", folder=folder)
    works_with_window(programs, folder)
    run(programs / "python", "-m", "pip", "uninstall", "--yes", "--quiet", "gptdesk", folder=folder)
    if not (folder / "home").is_dir():
        raise Failed("the person's folders are gone with the program")


def works_without_window(programs: Path, folder: Path) -> None:
    """Command line and trainer run, and the window says how it is installed."""
    listed = run(programs / "python", "-m", "pip", "list", "--format=json", folder=folder)
    names = {one["name"].lower() for one in json.loads(listed[listed.index("[") : listed.rindex("]") + 1])}
    if names & {"pyside6-essentials", "pyside6_essentials", "pyqtgraph"}:
        raise Failed("Qt was installed without being asked for")
    if "(Python package)" not in run(programs / "gptdesk", "--version", folder=folder):
        raise Failed("--version does not say that this is a Python package")
    run(programs / "gptdesk", "complete", "Once upon a time", "--max-tokens", "5", folder=folder)
    report = json.loads(run(programs / "gptdesk", "doctor", "--json", folder=folder).partition("\n}")[0] + "\n}")
    if report["problems"]:
        raise Failed(f"doctor: {report['problems']}")
    run(programs / "python", "-m", "trainer", "prepare", "shakespeare", "--out", "data", folder=folder)
    brief = ("--schedule.steps", "2", "--schedule.warmup_steps", "1", "--run.compile", "off", "--run.device", "cpu")
    train = (programs / "gptdesk", "trainer", "train", "--preset", "smoke", "--data", "data", "--out", "run", *brief)
    run(*train, folder=folder)
    for entry in ("gptdesk", "gptdesk-window"):
        if "pip install 'gptdesk[window]'" not in run(programs / entry, folder=folder, fails=True):
            raise Failed(f"{entry} without Qt does not say how the window is installed")


def works_with_window(programs: Path, folder: Path) -> None:
    """The window can open, and a GGUF is exported."""
    report = json.loads(run(programs / "gptdesk", "doctor", "--json", folder=folder).partition("\n}")[0] + "\n}")
    if report["problems"] or report["qt"]["platform"] != "offscreen":
        raise Failed(f"doctor: {report}")
    code = "from gptdesk.ui.app import import_window; import_window()"
    run(programs / "python", "-c", code, folder=folder)
    run(programs / "gptdesk", "models", "export", "stories", "model.gguf", folder=folder)


def tries_pipx(wheel: Path, folder: Path) -> None:
    """Installs the command line by pipx, and runs it."""
    if shutil.which("pipx") is None:
        raise Failed("pipx is not installed.")
    os.environ |= {"PIPX_HOME": str(folder / "pipx"), "PIPX_BIN_DIR": str(folder / "bin")}
    run("pipx", "install", wheel, folder=folder)
    run(folder / "bin" / "gptdesk", "complete", "Once upon a time", "--max-tokens", "5", folder=folder)
    run("pipx", "uninstall", "gptdesk", folder=folder)


def main(arguments: Sequence[str] | None = None) -> int:
    """Tries the wheel on each Python, and returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--python", nargs="+", default=[sys.executable], help="interpreters (default: this one)")
    parser.add_argument("--torch-index", default="", metavar="URL", help="further index, for a PyTorch without CUDA")
    parser.add_argument("--pipx", action="store_true", help="by pipx, too")
    options = parser.parse_args(arguments)
    wheel = options.wheel.resolve()
    for python in options.python:
        with tempfile.TemporaryDirectory(prefix="gptdesk-wheel-") as temporary:
            print(f"{python} ...", flush=True)
            try:
                tries(wheel, python, Path(temporary), options.torch_index)
                if options.pipx:
                    tries_pipx(wheel, Path(temporary))
            except Failed as error:
                print(error, file=sys.stderr)
                return 1
    print("The wheel does what it should.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
