"""Names of models in the models folder: valid on every system, and unique."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from gptdesk.errors import UserError
from gptdesk.library.catalogue import BUNDLED

LONGEST: Final = 100
"""Characters; file systems allow 255 bytes, and temporary names add to the name."""

_FORBIDDEN: Final = re.compile(r'[<>:"/\\|?*]')
_DEVICES: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Device names of Windows, with any suffix."""


def check_name(name: str) -> str:
    """Returns the name if it is valid as a folder name on every system and stays inside the models folder.

    Raises:
        UserError: when it is not.
    """
    shown = ascii(name[:LONGEST])
    if not name.strip():
        raise UserError("A model needs a name.")
    if len(name) > LONGEST or len(name.encode("utf-8", "replace")) > 2 * LONGEST:
        raise UserError(f"The name {shown}… is too long; take one of at most {LONGEST} letters.")
    if _FORBIDDEN.search(name) or not name.isprintable() or _DEVICES.fullmatch(name):
        raise UserError(
            f"A model cannot be called {shown}: take letters, digits, spaces, dots, hyphens and underscores."
        )
    if name[0] in ". " or name[-1] in ". ":
        raise UserError(f"A model cannot be called {shown}: names neither begin nor end with a dot or a space.")
    return name


def free_name(wanted: str, *folders: Path) -> str:
    """A valid name like the one wanted that is free in all folders: the same, or with a number after it."""
    cleaned = _FORBIDDEN.sub("-", "".join(char for char in wanted if char.isprintable())).strip(". ")
    cleaned = cleaned[: LONGEST // 2].rstrip(". ")
    if not cleaned or _DEVICES.fullmatch(cleaned):
        cleaned = "model"
    name, number = cleaned, 1
    while any(taken(folder, name) for folder in folders):
        number += 1
        name = f"{cleaned} {number}"
    return check_name(name)


def taken(folder: Path, name: str) -> bool:
    """Whether a folder holds that name, or the bundled model has it; case does not count, as on Windows and macOS."""
    if name.casefold() == BUNDLED:
        return True
    try:
        return any(path.name.casefold() == name.casefold() for path in folder.iterdir())
    except OSError:  # not made yet
        return False
