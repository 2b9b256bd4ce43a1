#!/usr/bin/env python3
"""Tries the Debian package in a root without Python and compiler: installs it, uses it, upgrades it, removes it.

Needs root. ``packaging/test_deb.py dist/gptdesk_0.1.0_amd64.deb --suite bookworm`` makes the root by mmdebstrap or
debootstrap, from a Debian mirror; ``--root FOLDER`` takes one that has the package's dependencies, Xvfb, xdotool and
xprop. It is changed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from deb_root import PATIENCE, Failed, Root, bootstrap, wait_for
from project import size_of

LARGEST_INSTALLED: Final = 900_000_000
"""Bytes of the files of the package."""

_TRAIN: Final = "gptdesk-cli trainer train --preset smoke --data data --run.device cpu"
_LOG: Final = ".local/state/gptdesk/log/gptdesk.log"
_VERSIONS: Final = "usr/lib/gptdesk/versions"


def main() -> int:
    """Runs all checks, prints a line for each, and returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path)
    parser.add_argument("--suite", default="bookworm", help="Debian release of the root (default: bookworm)")
    parser.add_argument("--root", type=Path, help="an existing root instead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gptdesk-deb-") as temporary:
        made = Path(temporary)
        root = Root(options.root) if options.root else bootstrap(made / "root", options.suite, options.package)
        with root.mounted():
            root.prepare()
            for check in CHECKS:
                print(f"{(check.__doc__ or '').splitlines()[0]} ...", flush=True)
                try:
                    check(root, options.package)
                except Failed as error:
                    print(error, file=sys.stderr)
                    return 1
    print("The package does what it should.")
    return 0


def installs(root: Root, package: Path) -> None:
    """Is installed, and is not too large"""
    root.installs(package)
    if "gptdesk" not in (said := root.run("gptdesk-cli --version")) or "(Debian package)" not in said:
        raise Failed(f"gptdesk-cli --version says {said!r}")
    if "GPTDESK" not in root.run("zcat /usr/share/man/man1/gptdesk-cli.1.gz"):
        raise Failed("there is no manual page")
    size = size_of(root.folder / "usr/lib/gptdesk/package")
    print(f"    installed: {size / 1e6:.1f} MB, package: {size_of(package) / 1e6:.1f} MB")
    if size > LARGEST_INSTALLED:
        raise Failed(f"that is more than {LARGEST_INSTALLED / 1e6:.0f} MB")


def has_everything(root: Root, package: Path) -> None:
    """Imports every module and uses every library that is in it"""
    root.run("QT_QPA_PLATFORM=offscreen gptdesk-cli -m bundle_check")


def writes(root: Root, package: Path) -> None:
    """Continues a text with the bundled model; the second time with compiled code"""
    root.run("gptdesk-cli compile")
    first = root.run("gptdesk-cli complete 'Once upon a time' --temperature 0 --max-tokens 20")
    second = root.run("gptdesk-cli complete 'Once upon a time' --temperature 0 --max-tokens 20")
    if first != second or len(first) < 20:
        raise Failed(f"two completions differ: {first!r}, {second!r}")
    report = root.run("QT_QPA_PLATFORM=offscreen gptdesk-cli doctor")
    if "compiled in" not in report:
        raise Failed(f"doctor knows no compiled code:\n{report}")


def opens(root: Root, package: Path) -> None:
    """Opens its window, which has the right title and class, and ends it"""
    with root.screen():
        open_window(root, look_at_window)


def look_at_window(root: Root) -> None:
    """Title, class and icon of the window that is open."""
    number = root.run("xdotool search --class gptdesk").split()[0]
    properties = root.run(f"xprop -id {number} WM_CLASS WM_NAME _NET_WM_ICON")
    for expected in ('"gptdesk"', "WM_NAME", "Icon"):
        if expected not in properties:
            raise Failed(f"the window has no {expected}:\n{properties[:2000]}")


def open_window(root: Root, use: Callable[[Root], None], command: str = "gptdesk") -> None:
    """Opens the window, uses it, and ends it as a logout does."""
    shown = root.read(_LOG).count("painted after")
    with root.background(command) as window:
        wait_for(lambda: root.read(_LOG).count("painted after") > shown, "the window")
        use(root)
        window.send_signal(signal.SIGTERM)
        if window.wait(PATIENCE):
            raise Failed(f"the window ended with {window.returncode}")


def trains(root: Root, package: Path) -> None:
    """Prepares Shakespeare, trains, is killed, resumes, and exports a GGUF"""
    root.run("gptdesk-cli trainer prepare shakespeare --out data")
    root.run(f"{_TRAIN} --out short --schedule.steps 2 --schedule.warmup_steps 1")
    with root.background(f"{_TRAIN} --out run --run.checkpoint_interval 1 --schedule.steps 300") as training:
        wait_for(lambda: any(root.path("run/checkpoints").glob("*")), "a checkpoint")
        os.killpg(training.pid, signal.SIGKILL)
        training.wait(PATIENCE)
    resumes(root, "run")
    root.run("gptdesk-cli models export stories model.gguf")
    if root.path("model.gguf").read_bytes()[:4] != b"GGUF":
        raise Failed("the export is no GGUF")


def resumes(root: Root, run: str) -> None:
    """Resumes a run until it has made some steps, and stops it."""
    before = len(root.read(f"{run}/events.jsonl"))
    with root.background(f"gptdesk-cli trainer resume {run}") as training:
        wait_for(lambda: len(root.read(f"{run}/events.jsonl")) > before + 500, "the resumed training")
        training.send_signal(signal.SIGINT)
        training.wait(PATIENCE)


def is_upgraded(root: Root, package: Path) -> None:
    """Is upgraded while a training runs, which goes on, and which the new version resumes"""
    successor = make_successor(root, package)
    command = f"{_TRAIN} --out long --run.checkpoint_interval 5 --schedule.steps 100000 --run.log_interval 1"
    with root.background(command) as training:
        wait_for(lambda: any(root.path("long/checkpoints").glob("*")), "a checkpoint")
        old = os.readlink(root.folder / "usr/lib/gptdesk/current")
        root.installs(successor)
        new = os.readlink(root.folder / "usr/lib/gptdesk/current")
        if new == old or not (root.folder / "usr/lib/gptdesk" / old / "gptdesk").exists():
            raise Failed(f"after the upgrade the version is {new}, and that of the training is gone or the same")
        lines = len(root.read("long/events.jsonl"))
        wait_for(lambda: training.poll() is not None or len(root.read("long/events.jsonl")) > lines + 1000, "a step")
        checkpoints = set(root.path("long/checkpoints").iterdir())
        wait_for(lambda: bool(set(root.path("long/checkpoints").iterdir()) - checkpoints), "another checkpoint")
        if training.poll() is not None:
            raise Failed("the training ended with the upgrade")
        os.killpg(training.pid, signal.SIGKILL)
        training.wait(PATIENCE)
    resumes(root, "long")
    root.installs(successor)
    if (root.folder / "usr/lib/gptdesk" / old).exists():
        raise Failed("the version that nobody runs any more was left behind")
    successor.unlink()


def make_successor(root: Root, package: Path) -> Path:
    """The same package as a newer version; packed without compression, which takes seconds."""
    stage = root.folder / "tmp" / "successor"
    subprocess.run(["dpkg-deb", "--raw-extract", str(package), str(stage)], check=True)
    control = stage / "DEBIAN" / "control"
    control.write_text(re.sub(r"^(Version: .*)$", r"\1+next", control.read_text(), flags=re.MULTILINE))
    for name in ("postinst", "prerm"):
        script = stage / "DEBIAN" / name
        script.write_text(re.sub(r"(versions/[\w.+~-]*\d)", r"\1-next", script.read_text()))
    target = Path(f"{stage}.deb")
    subprocess.run(["dpkg-deb", "-Znone", "--root-owner-group", "--build", str(stage), str(target)], check=True)
    shutil.rmtree(stage)
    return target


def is_downgraded(root: Root, package: Path) -> None:
    """Is downgraded, and leaves settings and documents of a newer schema as they are"""
    root.installs(package)
    settings, documents = root.path(".config/gptdesk/settings.json"), root.path(".local/share/gptdesk/documents.sqlite")
    values = json.loads(settings.read_text(encoding="utf-8"))
    settings.write_text(json.dumps({**values, "schema": 999, "of the future": True}), encoding="utf-8")
    with sqlite3.connect(documents) as database:
        database.execute("pragma journal_mode = delete")
        database.execute("pragma user_version = 999")
    database.close()
    before = [settings.read_bytes(), documents.read_bytes()]
    with root.screen():
        open_window(root, lambda _: None)
    if [settings.read_bytes(), documents.read_bytes()] != before:
        raise Failed("a file of a newer version was written")
    for path in (settings, documents):
        path.unlink()


def is_beside_another(root: Root, package: Path) -> None:
    """Is open beside another version that has folders of its own"""
    root.run("cp -a /usr/lib/gptdesk/package archive && rm archive/_internal/gptdesk/installation.txt")
    if "(archive)" not in root.run("archive/gptdesk-cli --version"):
        raise Failed("the archive does not say what it is")

    def both_open(root: Root) -> None:
        with root.background("env GPTDESK_HOME=beside archive/gptdesk"):
            wait_for(lambda: "painted after" in root.read("beside/logs/gptdesk.log"), "the second window")
            windows = root.run("xdotool search --onlyvisible --class gptdesk").split()
            if len(windows) < 2:
                raise Failed(f"there are not two windows: {windows}")

    with root.screen():
        open_window(root, both_open)
    shutil.rmtree(root.path("archive"))


def is_removed(root: Root, package: Path) -> None:
    """Is removed, says where the person's data is, and leaves it"""
    said = root.run("dpkg --remove gptdesk", as_person=False)
    root.run("command -v gptdesk", fails=True)
    if (root.folder / _VERSIONS).exists():
        raise Failed("a version was left behind")
    if "~/.local/share/gptdesk" not in said:
        raise Failed(f"it is not said where the data is: {said}")
    if not root.path("run/config.json").exists() or not root.path(".local/share/gptdesk").is_dir():
        raise Failed("the person's data is gone")


CHECKS: Final[tuple[Callable[[Root, Path], None], ...]] = (
    installs, has_everything, writes, opens, trains, is_upgraded, is_downgraded, is_beside_another, is_removed,
)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
