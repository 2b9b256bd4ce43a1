"""Refuses links that lead out of a folder, so that a stranger's folder cannot have other files copied."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from gptdesk.errors import UserError


def check_inside(files: Iterable[Path], folder: Path) -> None:
    """Makes sure that files really lie in their folder, or in the blobs of the hub's cache, whose files are links.

    Raises:
        UserError: when one is a link to somewhere else.
    """
    home = Path(os.path.realpath(folder))
    allowed = [home]
    if home.parent.name == "snapshots":
        allowed.append(home.parent.parent / "blobs")
    for file in files:
        real = Path(os.path.realpath(file))
        if not any(real.is_relative_to(place) for place in allowed):
            raise UserError(
                f"{file} is a link to {real}, outside of the folder; import the folder where the file really is."
            )
