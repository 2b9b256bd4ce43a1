"""A Debian system in a folder, in which `test_deb.py` tries the package."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

PATIENCE: Final = 600
"""Seconds that one step may take."""

PERSON: Final = "tester"
HOME: Final = f"/home/{PERSON}"
_TOOLS: Final = ("xvfb", "xdotool", "x11-utils")
"""Packages that the checks use and the program does not."""

_ABSENT: Final = ("python3", "python", "gcc", "g++", "cc", "clang")
"""Programs that the root must not have."""


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

    def read(self, name: str) -> str:
        """Text of a file of the person; empty where there is none."""
        try:
            return self.path(name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def installs(self, package: Path) -> None:
        """Installs a package, whose dependencies are there."""
        target = self.folder / "tmp" / "gptdesk.deb"
        shutil.copy2(package, target)
        self.run("dpkg -i /tmp/gptdesk.deb", as_person=False)
        target.unlink()

    @contextlib.contextmanager
    def background(self, command: str) -> Iterator[subprocess.Popen[bytes]]:
        """Runs a command of the person meanwhile, and ends it."""
        process = subprocess.Popen(self.words(f"exec {command}"), start_new_session=True, stdout=subprocess.DEVNULL)
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)

    @contextlib.contextmanager
    def screen(self) -> Iterator[None]:
        """A screen for the commands that are run meanwhile."""
        with self.background("Xvfb :77 -screen 0 1400x900x24"):
            wait_for(lambda: (self.folder / "tmp/.X11-unix/X77").exists(), "the screen")
            yield

    @contextlib.contextmanager
    def mounted(self) -> Iterator[None]:
        """Mounts ``/proc``, ``/dev`` and shared memory in it."""
        places = [("proc", "proc", "proc"), ("/dev", "dev", ""), ("tmpfs", "dev/shm", "tmpfs")]
        for source, place, kind in places:
            target = self.folder / place
            target.mkdir(exist_ok=True, parents=True)
            subprocess.run(["mount", *(["-t", kind] if kind else ["--bind"]), source, str(target)], check=True)
        try:
            yield
        finally:
            for _, place, _ in reversed(places):
                subprocess.run(["umount", "--lazy", str(self.folder / place)], check=False)

    def prepare(self) -> None:
        """Makes a person, and makes sure that there is neither Python nor a compiler.

        Raises:
            Failed: when there is.
        """
        self.run(f"id {PERSON} >/dev/null 2>&1 || useradd --create-home {PERSON}", as_person=False)
        self.run("mkdir -p -m 1777 /tmp/.X11-unix", as_person=False)
        for name in _ABSENT:
            self.run(f"command -v {name}", fails=True)


def bootstrap(folder: Path, suite: str, package: Path) -> Root:
    """Makes a minimal Debian of a release in ``folder``, with the package's dependencies and what the checks use."""
    command = ["dpkg-deb", "--field", str(package), "Depends"]
    depends = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    needed = [re.sub(r"\(.*?\)", "", one).strip() for one in depends.split(",")]
    include = f"--include={','.join((*needed, *_TOOLS))}"
    tool = "mmdebstrap" if shutil.which("mmdebstrap") else "debootstrap"
    subprocess.run([tool, "--variant=minbase", include, suite, str(folder)], check=True)
    return Root(folder)


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
