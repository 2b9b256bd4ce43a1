"""Interprets the name of a source: a path, a bundled text, or a data set on the hub."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Final

from trainer.prepare.sources.bundled import BUNDLED_TEXTS, BundledText
from trainer.prepare.sources.hub import looks_like_hub_name

_NEAR_NAMES: Final = 3
_ALIKE: Final = 0.6
"""How much of two names must agree, as `difflib` measures it, for one to be a misspelling of the other."""


def absolute_source(source: str) -> str:
    """A source so that it means the same from any folder: an absolute path, or a name that is none."""
    path = Path(source).expanduser()
    if not path.exists() and (source in BUNDLED_TEXTS or looks_like_hub_name(source)):
        return source
    return str(path.absolute())


def bundled_text(source: str) -> BundledText | None:
    """The bundled text of that name, unless there is a file or folder of that name."""
    return None if Path(source).exists() else BUNDLED_TEXTS.get(source)


def missing(source: str) -> str:
    """Says that there is no such file or folder, and which name was perhaps meant."""
    path = Path(source).expanduser()
    parent = path.parent
    if not parent.is_dir():
        gone = next((each for each in reversed(path.parents) if not each.exists()), parent)
        return f"There is no file or folder {source}: there is no folder {gone}."
    try:
        others = {other.name.lower(): other.name for other in parent.iterdir() if not other.name.startswith(".")}
    except OSError:
        others = {}
    alike = difflib.get_close_matches(path.name.lower(), others, n=_NEAR_NAMES, cutoff=_ALIKE)
    near = " or ".join(others[name] for name in alike)
    return f"There is no file or folder {source}" + (f"; perhaps {near} is meant." if near else ".")
