"""Lets long words wrap, such as paths, which would otherwise widen a label."""

from __future__ import annotations

import re
from typing import Final

_LONG: Final = re.compile(r"\S{21,}")
_MAY_WRAP: Final = "\u200b"  # zero-width space


def wrappable(text: str) -> str:
    """Adds places where a line may end to words of more than 20 letters: after hyphens, dots and slashes."""
    return _LONG.sub(lambda word: _wrapped(word[0]), text)


def _wrapped(word: str) -> str:
    parts = re.split(r"(?<=[-_./\\])(?=[^-_./\\])", word)
    pieces = [part[start : start + 20] for part in parts for start in range(0, len(part), 20)]
    return _MAY_WRAP.join(pieces)
