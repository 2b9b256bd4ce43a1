"""Which names a run may have."""

from __future__ import annotations

from typing import Final

from gptdesk.errors import UserError

_LONGEST: Final = 80


def check_run_name(name: str) -> None:
    """Refuses names that a list cannot show.

    Raises:
        UserError: when the name cannot be used.
    """
    if not name.isprintable():
        raise UserError("A run needs a name of printable characters.")
    if len(name) > _LONGEST:
        raise UserError(f"A run's name may have at most {_LONGEST} characters.")
