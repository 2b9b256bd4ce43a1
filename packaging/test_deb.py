#!/usr/bin/env python3
"""Tries the Debian package in a root without Python and compiler: installs it, uses it, upgrades it, removes it.

Needs root. ``packaging/test_deb.py dist/gptdesk_0.1.0_amd64.deb --suite bookworm`` makes the root by debootstrap, which
needs a Debian mirror; ``--root FOLDER`` takes one that has the package's dependencies, Xvfb and xdotool. It is changed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

PATIENCE: Final = 600
"""Seconds that one step may take."""

PERSON: Final = "tester"
HOME: Final = f"/home/{PERSON}"
_EXTRA: Final = "xvfb,xdotool,x11-utils"


class Failed(Exception):
    """The package does not do what it should; ``str(error)`` says what."""


class Root:
    """A Debian system in a folder, used by ``chroot``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, command: str, *, as_person: bool = True, fails: bool = False) -> str:
        """Runs a shell command in the root and returns its output.

        Raises:
            Failed: when it ends otherwise than expected.
        """
        done = subprocess.run(
            self.words(command, as_person=as_person), capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        if bool(done.returncode) != fails:
            raise Failed(f"{command!r} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        return done.stdout + done.stderr

    def words(self, command: str, *, as_person: bool = True) -> list[str]:
        """The command line that runs a shell command in the root."""
        person = [f"--userspec={PERSON}"] if as_person else []
        home = HOME if as_person else "/root"
        clean = ["env", "-i", f"HOME={home}", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "DISPLAY=:77"]
        return ["chroot", *person, str(self.folder), *clean, "sh", "-c", f"cd; {command}"]

    def path(self, name: str) -> Path:
        """A file of the person."""
        return self.folder / HOME.lstrip("/") / name


def main() -> int:
    """Runs all checks, prints a line for each, and returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path)
    parser.add_argument("--suite", default="bookworm", help="Debian release for debootstrap (default: bookworm)")
    parser.add_argument("--root", type=Path, help="an existing root instead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gptdesk-deb-") as temporary:
        root = Root(options.root or bootstrap(Path(temporary) / "root", options.suite))
        with mounted(root):
            prepare(root)
            for check in CHECKS:
                print(f"{(check.__doc__ or '').splitlines()[0]} ...", flush=True)
                try:
                    check(root, options.package)
                except Failed as error:
                    print(error, file=sys.stderr)
                    return 1
    print("The package does what it should.")
    return 0


def bootstrap(folder: Path, suite: str) -> Path:
    """Makes a minimal Debian in ``folder``."""
    subprocess.run(["debootstrap", "--variant=minbase", suite, str(folder)], check=True)
    for command in ("apt-get update", f"apt-get install -y --no-install-recommends {_EXTRA.replace(',', ' ')}"):
        subprocess.run(["chroot", str(folder), "sh", "-c", command], check=True)
    return folder


@contextlib.contextmanager
def mounted(root: Root) -> Iterator[None]:
    """Mounts ``/proc``, ``/dev`` and shared memory in it."""
    places = [("proc", "proc", "proc"), ("/dev", "dev", ""), ("tmpfs", "dev/shm", "tmpfs")]
    for source, place, kind in places:
        target = root.folder / place
        target.mkdir(exist_ok=True, parents=True)
        subprocess.run(["mount", *(["-t", kind] if kind else ["--bind"]), source, str(target)], check=True)
    try:
        yield
    finally:
        for _, place, _ in reversed(places):
            subprocess.run(["umount", "--lazy", str(root.folder / place)], check=False)


def prepare(root: Root) -> None:
    """Makes a person, and makes sure that there is neither Python nor a compiler."""
    root.run(f"id {PERSON} >/dev/null 2>&1 || useradd --create-home {PERSON}", as_person=False)
    for name in ("python3", "python", "gcc", "g++", "cc", "clang"):
        root.run(f"command -v {name}", fails=True)


def installs(root: Root, package: Path) -> None:
    """Installs with apt, or with dpkg where the dependencies are there"""
    shutil.copy2(package, root.folder / "tmp" / "gptdesk.deb")
    root.run("dpkg -i /tmp/gptdesk.deb || apt-get install -y -f /tmp/gptdesk.deb", as_person=False)
    if "gptdesk" not in root.run("gptdesk-cli --version"):
        raise Failed("gptdesk-cli --version says nothing")
    if "GPTDESK" not in root.run("zcat /usr/share/man/man1/gptdesk-cli.1.gz"):
        raise Failed("there is no manual page")


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
    with background(root, "Xvfb :77 -screen 0 1400x900x24"):
        wait_for(lambda: (root.folder / "tmp/.X11-unix/X77").exists(), "the screen")
        with background(root, "gptdesk") as window:
            log = ".cache/gptdesk/log/gptdesk.log"
            wait_for(
                lambda: "painted after" in _read(root.path(".local/state/gptdesk/log/gptdesk.log"), root.path(log)),
                "the window",
            )
            number = root.run("xdotool search --class gptdesk").split()[0]
            properties = root.run(f"xprop -id {number} WM_CLASS WM_NAME _NET_WM_ICON")
            for expected in ('"gptdesk"', "WM_NAME", "Icon"):
                if expected not in properties:
                    raise Failed(f"the window has no {expected}:\n{properties[:2000]}")
            window.send_signal(signal.SIGTERM)
            if window.wait(PATIENCE):
                raise Failed(f"the window ended with {window.returncode}")


def trains(root: Root, package: Path) -> None:
    """Prepares Shakespeare, trains, is killed, resumes, and exports a GGUF"""
    root.run("gptdesk-cli trainer prepare shakespeare --out data")
    command = "gptdesk-cli trainer train --preset smoke --data data --out run --run.device cpu --run.compile off"
    with background(root, f"{command} --run.checkpoint_interval 1 --schedule.steps 200") as training:
        wait_for(lambda: any(root.path("run/checkpoints").glob("*")), "a checkpoint")
        os.killpg(training.pid, signal.SIGKILL)
        training.wait(PATIENCE)
    root.run("gptdesk-cli trainer train --preset smoke --data data --out short --run.compile off --schedule.steps 2")
    with background(root, "gptdesk-cli trainer resume run") as training:
        before = _read(root.path("run/events.jsonl"))
        wait_for(lambda: len(_read(root.path("run/events.jsonl"))) > len(before) + 500, "the resumed training")
        training.send_signal(signal.SIGINT)
        training.wait(PATIENCE)
    root.run("gptdesk-cli models export stories model.gguf")
    if root.path("model.gguf").read_bytes()[:4] != b"GGUF":
        raise Failed("the export is no GGUF")


def is_removed(root: Root, package: Path) -> None:
    """Is removed, and leaves what belongs to the person"""
    root.run("dpkg --remove gptdesk", as_person=False)
    root.run("command -v gptdesk", fails=True)
    if (root.folder / "usr/lib/gptdesk/versions").exists():
        raise Failed("a version was left behind")
    if not root.path("run/config.json").exists() or not root.path(".local/share/gptdesk").is_dir():
        raise Failed("the person's data is gone")


CHECKS: Final[tuple[Callable[[Root, Path], None], ...]] = (installs, writes, opens, trains, is_removed)


@contextlib.contextmanager
def background(root: Root, command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a command in the root meanwhile, and ends it."""
    process = subprocess.Popen(root.words(f"exec {command}"), start_new_session=True)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Waits until the condition holds.

    Raises:
        Failed: after `PATIENCE`.
    """
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"{what} did not come within {PATIENCE} s")
        time.sleep(0.2)


def _read(*places: Path) -> str:
    """Text of the first of the files that is there."""
    for place in places:
        with contextlib.suppress(OSError):
            return place.read_text(encoding="utf-8", errors="replace")
    return ""


if __name__ == "__main__":
    sys.exit(main())
