"""Checks the installation: versions, devices, folders, Qt, bundled model. Imports torch and Qt late."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from importlib import metadata
from pathlib import Path
from typing import Final

import gptdesk
from gptdesk import number_format
from gptdesk.child_process import child_environment, python_command
from gptdesk.devices import choose_device, choose_precision, choose_quantization, physical_cores
from gptdesk.errors import UserError
from gptdesk.folders import HOME_VARIABLE, SETTINGS_FILE, Folders
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.cpu.compile_process import describe_code
from gptdesk.inference.cpu.compiling import can_compile
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.library.catalogue import BUNDLED, find_model
from gptdesk.program.installation import KINDS, NO_WINDOW, WINDOW, has_window, kind, required_packages, window_packages

LEAST_FREE_DISK: Final = 100 * 2**20
"""Free bytes below which a disk counts as full."""

# In a process of its own: where Qt finds no display it aborts instead of raising.
_QT_SECONDS: Final = 30


@dataclass(frozen=True)
class Finding:
    """Result of one check.

    Attributes:
        section: "versions", "devices", "folders", "qt" or "models".
        name: what was checked.
        value: what was found.
        problem: a sentence with what is wrong and what to do; ``None`` if nothing is.
    """

    section: str
    name: str
    value: str
    problem: str | None = None


def examine(folders: Folders, *, updates: bool = False) -> Iterator[Finding]:
    """Runs all checks; takes some seconds, because it loads torch, Qt and the bundled model.

    Args:
        folders: of the person.
        updates: ask for the newest version, too.
    """
    yield from _versions()
    if updates:
        yield _newest_version(folders)
    yield from _devices()
    yield from _folders(folders)
    yield from _qt()
    yield _found("models", "tokenizer", _tokenizer)
    yield _found("models", BUNDLED, lambda: _bundled_model(folders))


def _found(section: str, name: str, look: Callable[[], str]) -> Finding:
    """What ``look`` returns, or its error as the problem."""
    try:
        return Finding(section, name, look())
    except Exception as error:  # any exception is a finding
        return Finding(section, name, "not usable", " ".join(str(error).splitlines()) or type(error).__name__)


def _versions() -> Iterator[Finding]:
    yield Finding("versions", "gptdesk", gptdesk.__version__)
    yield Finding("versions", "installation", KINDS[kind()])
    yield Finding("versions", "python", f"{platform.python_version()} ({sys.executable})")
    yield Finding("versions", "system", platform.platform())
    for package in sorted([*required_packages(), *window_packages()], key=str.lower):
        try:
            version = metadata.version(package)
        except metadata.PackageNotFoundError:
            yield _missing(package)
            continue
        problem = None
        if package.lower().startswith("pyside6") and version.startswith("6.12.") and sys.version_info < (3, 12):
            problem = "PySide6 6.12 crashes on this Python; install PySide6-Essentials 6.11 or Python 3.12."
        yield Finding("versions", package, version, problem)


def _newest_version(folders: Folders) -> Finding:
    """Asks the address of the settings whether there is a newer version; being offline is no problem of this one."""
    from gptdesk.program.updates import newest_release
    from gptdesk.store.settings_file import SettingsFile

    settings, _ = SettingsFile(folders.config / SETTINGS_FILE).load()
    try:
        return Finding("versions", "newest version", newest_release(settings.update_address).describe())
    except UserError as error:
        return Finding("versions", "newest version", f"not known: {error}")


def _missing(package: str) -> Finding:
    if package == "numba":  # has no wheel for every system, and torch does what it does
        return Finding("versions", package, "missing: decoding on a CPU takes several times as long")
    if package in window_packages() and not has_window():
        return Finding("versions", package, f"missing: no window without the extra {WINDOW}")
    return Finding("versions", package, "missing", f"{package} is not installed; install gptdesk again.")


def _devices() -> Iterator[Finding]:
    def torch_threads() -> str:
        import torch

        return f"{torch.get_num_threads()} threads on {physical_cores()} cores"

    def chosen() -> str:
        device = choose_device("auto")
        precision = choose_quantization("auto", device) or str(choose_precision("auto", device)).removeprefix("torch.")
        return f"{device} in {precision}"

    cpu = _found("devices", "cpu", torch_threads)
    yield cpu
    if cpu.problem is not None:  # no torch
        return
    import torch

    for index in range(torch.cuda.device_count()):
        card = torch.cuda.get_device_properties(index)
        yield Finding("devices", f"cuda:{index}", f"{card.name}, {number_format.size(card.total_memory)}")
    if torch.backends.mps.is_available():
        yield Finding("devices", "mps", "Apple silicon")
    yield _found("devices", "auto", chosen)
    if can_compile():
        yield _found("devices", "compiled code", describe_code)


def _folders(folders: Folders) -> Iterator[Finding]:
    for field in fields(folders):
        path: Path = getattr(folders, field.name)
        yield Finding("folders", field.name, str(path), _folder_problem(path))


def _folder_problem(path: Path) -> str | None:
    """Why the folder could not be written; it is not made."""
    nearest = next((place for place in (path, *path.parents) if os.path.lexists(place)), path)
    advice = f"free its place or set {HOME_VARIABLE} to another folder."
    if not nearest.is_dir():
        return f"{nearest} is not a folder; {advice}"
    try:
        with tempfile.TemporaryFile(dir=nearest):
            free = shutil.disk_usage(nearest).free
    except OSError as error:
        return f"{nearest} cannot be written ({error.strerror}); {advice}"
    if free < LEAST_FREE_DISK:
        return f"The disk of {path} is full: {number_format.size(free)} are free."
    return None


def _qt() -> Iterator[Finding]:
    if not has_window():
        yield Finding("qt", "platform", "none: " + NO_WINDOW)
        return
    try:
        probe = subprocess.run(
            python_command("gptdesk.ui.platform_probe"),
            env=child_environment(),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_QT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        yield Finding("qt", "platform", "not usable", f"Qt did not start ({type(error).__name__}).")
        return
    if probe.returncode == 0:
        yield Finding("qt", "platform", probe.stdout.strip())
        return
    lines = [line.strip() for line in probe.stderr.splitlines()]
    reason = next((line for line in lines if "could not" in line.lower() or "Error" in line), "no reason given")
    advice = 'the window cannot open, but gptdesk complete "…" works.'
    yield Finding("qt", "platform", "not usable", f"Qt does not start here ({reason}): {advice}")


def _tokenizer() -> str:
    return f"{gpt2_tokenizer().vocab_size:,} tokens, sha256 {gpt2_tokenizer().sha256[:12]}…"


def _bundled_model(folders: Folders) -> str:
    """Loads it and generates a token."""
    from gptdesk.inference.engine import Engine

    entry = find_model(BUNDLED, folders)
    engine = Engine.load(entry.path)
    for _ in engine.generate("Once upon a time", DecodingSettings(temperature=0, max_tokens=1)):
        pass
    return f"{number_format.parameters(entry.parameters)} parameters, {number_format.size(entry.size)}, {entry.path}"
