"""How this program was installed, and the packages that it declares."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gptdesk import __version__
from gptdesk.child_process import is_frozen

KINDS: Final = {
    "source": "source tree",
    "wheel": "Python package",
    "archive": "archive",
    "deb": "Debian package",
    "appimage": "AppImage",
    "flatpak": "Flatpak",
    "windows": "Windows installer",
    "macos": "macOS app",
}
"""What people install, by the word that packaging/ writes into `MARK`."""

MARK: Final = "installation.txt"
"""File in the package of a bundle that names its kind; a bundle without it is an archive, or a macOS app."""

WINDOW: Final = "window"
"""The extra with what the window needs and the command line does not."""

NO_WINDOW: Final = "The window is not installed; install it with: pip install 'gptdesk[window]'"

_QT: Final = "PySide6"
_PACKAGE: Final = Path(__file__).parents[1]
_PROJECT: Final = _PACKAGE.parent / "pyproject.toml"
"""In a source tree."""

PACKAGE_NAME: Final = re.compile(r"[\w.-]+")
"""At the beginning of a requirement."""

_EXTRA: Final = re.compile(r";.*\bextra\b\s*==\s*['\"]([\w-]+)")
"""In a requirement that only an extra has."""

_FOR_DEVELOPMENT: Final = ("dev", "peers", "test")
"""Extras that the program itself never imports."""


def kind() -> str:
    """How the program was installed, as a key of `KINDS`."""
    if not is_frozen():
        return "source" if _PROJECT.is_file() else "wheel"
    try:
        mark = (_PACKAGE / MARK).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        mark = ""
    if mark in KINDS:
        return mark
    return "macos" if sys.platform == "darwin" else "archive"


def has_window() -> bool:
    """Whether Qt, which the command line does not need, is installed; it is not imported."""
    try:
        return importlib.util.find_spec(_QT) is not None
    except ValueError:  # its place in `sys.modules` is taken by something that was not imported
        return False


def describe_version() -> str:
    """Version and kind for people: "0.1.0 (Debian package)"."""
    return f"{__version__} ({KINDS[kind()]})"


def required_packages() -> list[str]:
    """Names of the packages that gptdesk depends on in any case."""
    return _names({""})


def window_packages() -> list[str]:
    """Names of the packages that the window needs beside `required_packages`."""
    return _names({WINDOW})


def declared_packages() -> list[str]:
    """Names of all packages that the program imports where they are installed, those of extras too."""
    extras = {extra for extra, _ in _requirements()} - set(_FOR_DEVELOPMENT)
    return _names(extras)


def _names(extras: set[str]) -> list[str]:
    return sorted({name for extra, name in _requirements() if extra in extras}, key=str.lower)


def _requirements() -> Sequence[tuple[str, str]]:
    """Extra, "" for none, and name of each requirement: of a source tree, else as gptdesk was installed."""
    project = _project()  # a source tree that was installed once keeps the metadata of that day
    if project is not None:
        texts = [("", text) for text in project["dependencies"]]
        texts += [(extra, text) for extra, ours in project["optional-dependencies"].items() for text in ours]
    else:
        from importlib import metadata  # late: its import takes as long as that of the whole command line

        try:
            listed = metadata.requires("gptdesk") or ()
        except metadata.PackageNotFoundError:
            listed = ()
        texts = [(match[1] if (match := _EXTRA.search(text)) else "", text) for text in listed]
    names = ((extra, PACKAGE_NAME.match(str(text))) for extra, text in texts)
    return [(extra, match[0]) for extra, match in names if match]


def _project() -> dict[str, dict[str, list[str]]] | None:
    """The project table of the source tree that this module is in, if it is in one."""
    from gptdesk.bounded_read import parse_toml  # late: packaging imports this module with Python's library alone

    try:
        project = parse_toml(_PROJECT.read_text(encoding="utf-8"))["project"]
        return project if project["name"] == "gptdesk" else None
    except (OSError, ValueError, LookupError):
        return None
