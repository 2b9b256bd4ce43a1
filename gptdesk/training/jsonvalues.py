"""Numbers out of JSON that anybody may have written."""

from __future__ import annotations

from typing import Final, TypeVar

_LARGEST: Final = 1e300
LARGEST_WHOLE: Final = 2**53
"""Up to which a float tells whole numbers apart."""

T = TypeVar("T")


def number(value: object, otherwise: T) -> float | T:
    """A number that is finite and can be reckoned with, or something else in its place."""
    fits = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST
    return float(value) if fits else otherwise  # type: ignore[arg-type]


def whole(value: object) -> int | None:
    """A count, such as a step; None for anything else."""
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_WHOLE
    return value if fits else None  # type: ignore[return-value]
