"""Checks the installation: versions, devices, folders, Qt, bundled model. Imports torch and Qt late."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from importlib import metadata
from pathlib import Path
from typing import Final

import gptdesk
from gptdesk import number_format
from gptdesk.bounded_read import parse_toml
from gptdesk.child_process import child_environment, python_command
from gptdesk.devices import choose_device, choose_precision, choose_quantization, physical_cores
from gptdesk.folders import HOME_VARIABLE, Folders
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.cpu.compile_process import describe_code
from gptdesk.inference.cpu.compiling import can_compile
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.library.catalogue import BUNDLED, find_model

_PACKAGE_NAME: Final = re.compile(r"[\w.-]+")
_EXTRA: Final = re.compile(r";.*\bextra\b")
"""In a requirement that only an extra has."""

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


def examine(folders: Folders) -> Iterator[Finding]:
    """Runs all checks; takes some seconds, because it loads torch, Qt and the bundled model."""
    yield from _versions()
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
    yield Finding("versions", "python", f"{platform.python_version()} ({sys.executable})")
    yield Finding("versions", "system", platform.platform())
    for package in required_packages():
        try:
            version = metadata.version(package)
        except metadata.PackageNotFoundError:
            yield _missing(package)
            continue
        problem = None
        if package.lower().startswith("pyside6") and version.startswith("6.12.") and sys.version_info < (3, 12):
            problem = "PySide6 6.12 crashes on this Python; install PySide6-Essentials 6.11 or Python 3.12."
        yield Finding("versions", package, version, problem)


def required_packages() -> list[str]:
    """Names of the packages that gptdesk depends on, by the project file of a source tree, else as it was installed."""
    needed = (_PACKAGE_NAME.match(text) for text in _requirements() if not _EXTRA.search(text))
    return sorted((match[0] for match in needed if match), key=str.lower)


def _requirements() -> Sequence[str]:
    try:  # a source tree that was installed once keeps the metadata of that day
        text = (Path(gptdesk.__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
        project = parse_toml(text)["project"]
        if project["name"] == "gptdesk":
            return [str(requirement) for requirement in project["dependencies"]]
    except (OSError, ValueError, LookupError):  # a wheel, or a frozen program
        pass
    try:
        return metadata.requires("gptdesk") or ()
    except metadata.PackageNotFoundError:
        return ()


def _missing(package: str) -> Finding:
    if package == "numba":  # has no wheel for every system, and torch does what it does
        return Finding("versions", package, "missing: decoding on a CPU takes several times as long")
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
