#!/usr/bin/env python3
"""Sets up gptdesk at the first start, then runs it; needs only Python's standard library."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

USAGE = """\
Usage: python3 run.py [--torch-index URL] [COMMAND ...]

  (no command)          opens the window
  complete "TEXT"       continues a text in the terminal
  trainer ...           trains a model; `python3 run.py trainer --help` says how
  test [PYTEST ...]     runs all tests on several cores, or those that the arguments of pytest select
  doctor, tokenize ...  every other command of gptdesk; `--help` after a command says more

The first start installs the requirements into .venv beside this file.

  --torch-index URL     installs PyTorch from this package index, for a build without CUDA or for another CUDA version;
                        kept until .venv is removed or another index is given
"""

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LOG = VENV / "setup.log"

# Written last: shows an interrupted set-up, and is all that a later start reads.
STAMP = VENV / "gptdesk-setup.json"

OLDEST_PYTHON = (3, 11)

# Libraries that PySide6's wheels link against (`readelf -d`), and their Debian packages.
# fmt: off
QT_LIBRARIES = {
    "libEGL.so.1": "libegl1", "libGL.so.1": "libgl1", "libX11.so.6": "libx11-6", "libbrotlidec.so.1": "libbrotli1",
    "libdbus-1.so.3": "libdbus-1-3", "libfontconfig.so.1": "libfontconfig1", "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0", "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    "libgthread-2.0.so.0": "libglib2.0-0", "libxkbcommon.so.0": "libxkbcommon0", "libzstd.so.1": "libzstd1",
}
X11_LIBRARIES = {
    "libX11-xcb.so.1": "libx11-xcb1", "libxcb-cursor.so.0": "libxcb-cursor0", "libxcb-glx.so.0": "libxcb-glx0",
    "libxcb-icccm.so.4": "libxcb-icccm4", "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1", "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0", "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0", "libxcb-shm.so.0": "libxcb-shm0", "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1", "libxcb-xfixes.so.0": "libxcb-xfixes0", "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
# fmt: on
# A virtual screen, a keyboard for it, and fonts: the tests drive the real window.
TEST_PROGRAMS = {"Xvfb": "xvfb", "xdotool": "xdotool"}
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts")
FONT_PACKAGE = "fonts-dejavu-core"


class SetupError(Exception):
    """The set-up failed; ``str(error)`` is a sentence for the person."""


def main(arguments: Sequence[str]) -> int:
    """Sets up what ``arguments`` need and starts it; on POSIX the started program takes this process over.

    Returns:
        Exit status: 2 for wrong arguments, 1 if the set-up fails, 130 if it is interrupted.
    """
    if sys.version_info < OLDEST_PYTHON:
        return refuse(
            f"gptdesk needs Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer; this is {sys.version.split()[0]}."
        )
    torch_index = None
    command = list(arguments)
    while command and command[0].partition("=")[0] == "--torch-index":
        flag, joined, torch_index = command.pop(0).partition("=")
        if not joined:
            torch_index = command.pop(0) if command else ""
        if not torch_index:
            return refuse(f"{flag} needs the address of a package index.")
    if command[:1] in (["-h"], ["--help"]):
        print(USAGE, end="")
        return 0
    testing = command[:1] == ["test"]
    if not command and not has_display():
        return refuse('There is no display to open a window on; try: python3 run.py complete "Once upon a time"')
    try:
        if testing:
            provide_test_tools()
        elif not command:
            provide_qt_libraries()
        set_up(testing=testing, torch_index=torch_index)
    except SetupError as error:
        return refuse(str(error), status=1)
    except OSError as error:
        return refuse(f"Setting up failed: {error}.", status=1)
    except KeyboardInterrupt:
        return refuse("Interrupted; the same command starts over.", status=130)
    if testing:
        os.chdir(ROOT)
        return start("pytest", *(command[1:] or whole_suite()))
    # A torch.py or random.py beside the person's own files must not be imported in place of ours.
    os.environ["PYTHONSAFEPATH"] = "1"
    return start(*command) if command[:1] == ["trainer"] else start("gptdesk", *command)


def refuse(sentence: str, status: int = 2) -> int:
    """Prints why nothing is started, and returns the exit status."""
    say(sentence)
    return status


def say(line: str) -> None:
    """Prints a line about the set-up to standard error; standard output belongs to the started program."""
    print(line, file=sys.stderr, flush=True)


def start(module: str, *arguments: str) -> NoReturn:
    """Replaces this process by a module of ``.venv``; on Windows, runs it as a child."""
    command = [str(PYTHON), "-m", module, *arguments]
    if os.name == "nt":
        os.environ["PYTHONUTF8"] = "1"
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the child as well, and is the child's to answer
        sys.exit(subprocess.call(command))
    os.execv(command[0], command)


def whole_suite() -> list[str]:
    """Arguments of pytest for all tests: one process more than there are cores, a test file in one process.

    Tests wait for other processes, for disks and for timers; while one does, another has its core. Four processes at
    most, because each of them loads PyTorch.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return ["-n", str(min(cores + 1, 4)), "--dist", "loadfile"] if cores > 1 else []


def has_display() -> bool:
    """Whether the environment names a display for Qt."""
    if os.name == "nt" or sys.platform == "darwin":
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


# ---- The virtual environment


def set_up(*, testing: bool, torch_index: str | None) -> None:
    """Makes or updates ``.venv``; returns at once if its stamp says that nothing has changed.

    Args:
        testing: whether to install the tools for tests and lint, too.
        torch_index: package index for torch; ``None`` keeps the last one.

    Raises:
        SetupError: when something cannot be installed.
    """
    if is_set_up(testing, torch_index):
        return
    with one_at_a_time():
        if is_set_up(testing, torch_index):  # another start has done it while this one waited
            return
        old, wanted = read_stamp(), wanted_stamp(testing, torch_index)
        # A .venv without a stamp was made by hand: added to, as long as it works, rather than removed.
        changed = [name for name in ("python", "place", "torch_index") if old.get(name, wanted[name]) != wanted[name]]
        if "unfinished" in old or changed:
            shutil.rmtree(VENV, ignore_errors=True)
        VENV.mkdir(exist_ok=True)
        STAMP.write_text(json.dumps({**wanted, "unfinished": True}))
        if not PYTHON.exists():
            make_venv()
        install_packages(testing=bool(wanted["testing"]), torch_index=wanted["torch_index"])
        replacement = STAMP.with_suffix(".new")
        replacement.write_text(json.dumps(wanted, indent=2) + "\n")
        os.replace(replacement, STAMP)
        compile_decoder()
        say("Set up.")


def is_set_up(testing: bool, torch_index: str | None) -> bool:
    """Whether ``.venv`` is up to date according to its stamp."""
    return read_stamp() == wanted_stamp(testing, torch_index) and PYTHON.exists()


def wanted_stamp(testing: bool, torch_index: str | None) -> dict[str, Any]:
    """The stamp of an up-to-date ``.venv``. It includes the folder, because scripts in a .venv contain its path."""
    old = read_stamp()
    requirements = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        requirements.update((ROOT / name).read_bytes() + b"\0")
    return {
        "python": f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor}",
        "place": os.fsencode(ROOT).decode("utf-8", "surrogateescape"),  # the same in every locale
        "requirements": requirements.hexdigest(),
        "testing": testing or bool(old.get("testing")),
        "torch_index": torch_index or old.get("torch_index"),
    }


def read_stamp() -> dict[str, Any]:
    """The contents of the stamp; empty if there is none."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Holds a lock, so that two first starts do not interfere; the system frees it when this process ends."""
    with open(__file__, "rb") as file:
        # Windows has no fcntl, and some network file systems no locks: there two first starts at once may fail.
        with contextlib.suppress(ImportError, OSError):
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make_venv() -> None:
    """Makes ``.venv`` with the Python that runs this file, or the one below it when that is ``.venv``'s own."""
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        # Debian and Ubuntu split these modules off.
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        provide([package], f"Python's {' and '.join(missing)} module is missing")
    say("Making a virtual environment in .venv")
    python = str(getattr(sys, "_base_executable", None) or sys.executable)
    run_logged([python, "-m", "venv", str(VENV)], "Making the virtual environment failed")


def install_packages(*, testing: bool, torch_index: str | None) -> None:
    """Installs this project, editable, and its dependencies in pinned versions."""
    say(f"Installing gptdesk's packages; most of it is PyTorch, a few minutes at first. Log: {LOG}")
    pip = [str(PYTHON), "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    pip += ["--constraint", "constraints.txt"]
    indices: list[str] = []
    if torch_index:
        # torch comes from that index alone; what it needs in turn may come from there or from pip's own index.
        indices = ["--extra-index-url", torch_index]
        run_logged([*pip, "--no-deps", "--index-url", torch_index, "torch"], "Installing PyTorch failed")
    project = ".[window,data,documents,test,dev]" if testing else ".[window,data,documents]"
    run_logged([*pip, *indices, "--editable", project], "Installing gptdesk's packages failed")
    # Up to Python 3.12 the locale decides how a .pth file is read; one that cannot be read stops Python from starting.
    path_file = Path(sysconfig.get_path("purelib", "venv", {"base": str(VENV)}), "_gptdesk.pth")
    path_file.write_text(f"import os, sys; sys.path.append(os.fsdecode({os.fsencode(ROOT)!r}))\n")


def compile_decoder() -> None:
    """Compiles the decoder for this processor; if that fails, the first completion tries again in the background."""
    say("Compiling the decoder for this processor; this may take half a minute")
    with contextlib.suppress(SetupError):
        run_logged([str(PYTHON), "-m", "gptdesk", "compile"], "Compiling the decoder failed")


def run_logged(command: Sequence[str], failure: str) -> None:
    """Runs a command in the project's folder; writes its output to the log and prints pip's large downloads.

    Raises:
        SetupError: if it fails, with the last error that it printed.
    """
    environment = {**os.environ, "PIP_USER": "0", "PYTHONUTF8": "1", "DEBIAN_FRONTEND": "noninteractive"}
    error = ""
    VENV.mkdir(exist_ok=True)
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"$ {' '.join(command)}\n")
        with subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            for line in process.stdout or ():
                log.write(line)
                log.flush()
                if line.startswith(("ERROR: ", "E: ")):
                    error = line.partition(": ")[2].strip().rstrip(".")
                progress = describe_progress(line)
                if progress:
                    say(progress)
    if process.returncode:
        reason = error or f"exit status {process.returncode}"
        raise SetupError(f"{failure}: {reason}. Check network and disk and try again; the whole log is in {LOG}.")


def describe_progress(line: str) -> str:
    """The progress to print for a line of pip: a large download, or that unpacking begins; else empty."""
    download = re.search(r"Downloading (?:\S*/)?([^\s/-]+)-(\d[^\s-]*)-\S+ \(([\d.]+) ([MG]B)\)", line)
    if download and (download[4] == "GB" or float(download[3]) >= 5):
        return f"  downloading {download[1]} {download[2]}, {download[3]} {download[4]}"
    return "  unpacking" if line.startswith("Installing collected packages") else ""


# ---- The system's packages


def provide_qt_libraries() -> None:
    """Installs missing system libraries of Qt, or says how to.

    Raises:
        SetupError: when some are missing and may not be installed from here.
    """
    if not sys.platform.startswith("linux"):
        return
    x11 = os.environ.get("QT_QPA_PLATFORM", "xcb").startswith("xcb")
    libraries = {**QT_LIBRARIES, **(X11_LIBRARIES if x11 else {})}
    missing = [name for name in libraries if not loads(name)]
    provide((libraries[name] for name in missing), f"The window needs {', '.join(missing)}")


def provide_test_tools() -> None:
    """Installs what tests of the window need; if it may not, says how to, and the tests run without it."""
    if not sys.platform.startswith("linux"):
        return
    packages = [package for program, package in TEST_PROGRAMS.items() if not shutil.which(program)]
    if not any(any(Path(folder).rglob("*.[to]tf")) for folder in FONT_FOLDERS):
        packages.append(FONT_PACKAGE)
    for attempt in (provide_qt_libraries, lambda: provide(packages, "Some tests fall back to no screen at all")):
        try:
            attempt()
        except SetupError as error:
            say(str(error))


def loads(library: str) -> bool:
    """Whether the loader finds a shared library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def provide(packages: Iterable[str], reason: str) -> None:
    """Installs Debian packages as root; otherwise raises an error with the command that does.

    Raises:
        SetupError: with the reason and what to do.
    """
    names = sorted(set(packages))
    if not names:
        return
    if not shutil.which("apt-get"):
        raise SetupError(f"{reason}; install it with your system's package manager (on Debian: {' '.join(names)}).")
    install = ["apt-get", "install", "-y", "--no-install-recommends", *names]
    advice = f"{reason}; install it with: {'' if is_root() else 'sudo '}{' '.join(install)}"
    if not is_root():
        raise SetupError(advice)
    say(f"Installing {' '.join(names)}")
    install[1:1] = ["-o", "DPkg::Lock::Timeout=300"]
    if any(Path("/var/lib/apt/lists").glob("*_Packages*")):
        with contextlib.suppress(SetupError):  # the lists may be too old to find the files they name
            run_logged(install, advice)
            return
    with contextlib.suppress(SetupError):  # one unreachable source is no reason not to try
        run_logged(["apt-get", "update"], advice)
    run_logged(install, advice)


def is_root() -> bool:
    """Whether packages may be installed without asking anyone."""
    return os.name == "posix" and os.geteuid() == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
