"""File names made of titles."""

from __future__ import annotations

import re
from typing import Final

_LONGEST: Final = 80


def file_name(title: str) -> str:
    """Returns a name that every system accepts, of at most 80 characters."""
    return re.sub(r'[\\/:*?"<>|\x00-\x1f]+', " ", title)[:_LONGEST].strip(" .") or "text"
