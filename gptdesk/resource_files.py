"""Finds the files that ship beside the code."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource(*parts: str) -> Path:
    """Path of a file or folder of ``resources/``: inside the package when installed, beside it in a source tree."""
    installed = _PACKAGE / "resources"
    root = installed if installed.is_dir() else _PACKAGE.parent / "resources"
    return root.joinpath(*parts)


def documentation(*parts: str) -> Path:
    """Path of a file of ``docs/``, found in the same way; it may be missing."""
    installed = _PACKAGE / "docs"
    root = installed if installed.is_dir() else _PACKAGE.parent / "docs"
    return root.joinpath(*parts)
