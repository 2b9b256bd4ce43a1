r"""Escapes in stop strings: ``\n`` is a line end, ``\t`` a tab, ``\\`` a backslash. No Qt."""

from __future__ import annotations

import re

from gptdesk.errors import UserError

_MEANING = {"n": "\n", "t": "\t", "\\": "\\"}
_WRITTEN = {meaning: f"\\{letter}" for letter, meaning in _MEANING.items()}


def read_escapes(text: str) -> str:
    r"""The string that ``text`` stands for.

    Raises:
        UserError: for a backslash before any other character.
    """

    def meaning(match: re.Match[str]) -> str:
        if match[1] not in _MEANING:
            raise UserError(f"“\\{match[1]}” means nothing here; use \\n, \\t or \\\\ for a backslash.")
        return _MEANING[match[1]]

    return re.sub(r"\\(.?)", meaning, text, flags=re.DOTALL)


def write_escapes(text: str) -> str:
    """The string as a chip shows it, with leading and trailing spaces made visible."""
    written = "".join(_WRITTEN.get(character, character) for character in text)
    bare = written.strip(" ")
    left = len(written) - len(written.lstrip(" "))
    right = len(written) - left - len(bare)
    return "␣" * left + bare + "␣" * right
