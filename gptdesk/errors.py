"""The one exception that is meant for the person at the keyboard, and how it shows what was given."""

from __future__ import annotations

from typing import Final

_LONGEST: Final = 60
"""Characters of a value in a sentence."""


class UserError(ValueError):
    """Something the person gave us cannot be used; ``str(error)`` is one sentence saying what is wrong and what to do.

    The command line prints it and exits with code 2, the window shows it in a dialog. Anything else that escapes is a
    bug of ours.
    """


def brief(value: object) -> str:
    """A value as a sentence shows it: its ``repr``, or the beginning of it."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, or lists without end
        return "something that cannot be shown"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
