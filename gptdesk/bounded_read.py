"""Reads JSON and TOML that anybody may have written, bounded in size, depth and numbers."""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any, Final, TypeVar, overload

import msgspec

LARGEST: Final = 16 << 20
"""Bytes of a file of ours; what is larger is none."""

LARGEST_TOML: Final = 128 << 10
"""Bytes of a configuration: `tomllib` takes time with the square of a key's length."""

DEEPEST: Final = 64
"""Lists and objects within each other; ours have five."""

LARGEST_WHOLE: Final = 2**53
"""Up to which a float tells whole numbers apart."""

_NESTED: Final = (list, dict)
"""What holds other values; a large vocabulary has tens of thousands of values to ask."""

_LARGEST_NUMBER: Final = 1e300

_WHOLE_DIGITS: Final = 19
"""Of the largest whole number that 64 bits hold; longer ones become real numbers."""

_NOT_TEXT: Final = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
"""Escapes for half a character, and for NUL, which no path may hold."""


T = TypeVar("T")


class ContentError(ValueError):
    """The contents cannot be used; ``str(error)`` is a clause, such as "it is nested more than 64 deep"."""


@overload
def convert(value: Any, kind: type[T]) -> T: ...
@overload
def convert(value: Any, kind: Any) -> Any: ...
def convert(value: Any, kind: Any) -> Any:
    """`msgspec.convert`, which raises UnicodeEncodeError where it would name a text with half a character in it.

    Raises:
        msgspec.ValidationError: when the value is not of that kind.
    """
    try:
        return msgspec.convert(value, kind)
    except UnicodeEncodeError:
        raise msgspec.ValidationError("Unexpected text with half a character") from None


def read_bytes(path: Path, *, largest: int = LARGEST) -> bytes:
    """The contents of a regular file.

    Raises:
        OSError: when there is none, or it cannot be read.
        ContentError: when it is larger than ``largest`` bytes, or a pipe or device, which may never end.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except ValueError:  # a NUL in its name
        raise ContentError("its name cannot be that of a file") from None
    with open(handle, "rb") as file:
        if stat.S_ISDIR(mode := os.fstat(handle).st_mode):
            raise IsADirectoryError(21, os.strerror(21), str(path))
        if not stat.S_ISREG(mode):
            raise ContentError("it is no regular file")
        data = file.read(largest + 1)
    if len(data) > largest:
        raise ContentError(f"it is larger than {largest >> 20 or 1} MB")
    return data


def parse_json(data: bytes | str) -> Any:
    """The value that JSON text stands for, ready to be checked by type and written again.

    NaN, infinities and numbers beyond the range of a float become None, whole numbers beyond 64 bits real ones, and
    NUL and half a surrogate pair U+FFFD.

    Raises:
        ContentError: when it is not JSON, or nested too deeply.
    """
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
        value = _DECODER.decode(text)
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError:
        raise ContentError("it is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise ContentError(f"it is not JSON: line {error.lineno}, column {error.colno}") from None
    except ValueError:
        raise ContentError("it is not JSON") from None
    if text.count("[") + text.count("{") > DEEPEST:
        require_shallow(value)
    return _as_text(value) if _NOT_TEXT.search(text) else value


def read_json(path: Path, *, largest: int = LARGEST) -> Any:
    """`parse_json` of a file.

    Raises:
        OSError: when there is no file, or it cannot be read.
        ContentError: when it is too large, not JSON, or nested too deeply.
    """
    return parse_json(read_bytes(path, largest=largest))


def read_object(path: Path, *, largest: int = LARGEST) -> dict[str, Any]:
    """`read_json` of a file that holds an object.

    Raises:
        OSError: when there is no file, or it cannot be read.
        ContentError: as `read_json`, and when it holds something else.
    """
    value = read_json(path, largest=largest)
    if not isinstance(value, dict):
        raise ContentError("it holds no JSON object")
    return value


def parse_toml(text: str) -> dict[str, Any]:
    """The nested values of TOML text.

    Raises:
        ContentError: when it is not TOML, too long, or nested too deeply.
    """
    if len(text) > LARGEST_TOML:
        raise ContentError(f"it is larger than {LARGEST_TOML >> 10} KB")
    import tomllib  # the window reads none before it is painted

    try:
        values = tomllib.loads(text)
    except RecursionError:
        raise _too_deep() from None
    except tomllib.TOMLDecodeError as error:
        raise ContentError(f"it is not TOML: {_short(str(error))}") from None
    except ValueError:  # a number or a date that Python cannot hold
        raise ContentError("it is not TOML: a number or a date in it is out of range") from None
    require_shallow(values)
    if _has_long_number(values):
        raise ContentError("a number in it needs more than 64 bits")
    return values


def require_shallow(value: Any) -> None:
    """Refuses lists and objects that are more than `DEEPEST` within each other.

    Raises:
        ContentError: when they are.
    """
    level = [value]
    for _ in range(DEEPEST):
        level = [child for child in chain.from_iterable(map(_children, level)) if isinstance(child, _NESTED)]
        if not level:
            return
    raise _too_deep()


def number(value: object, otherwise: T) -> float | T:
    """A number that is finite and can be reckoned with, or something else in its place."""
    fits = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST_NUMBER
    return float(value) if fits else otherwise  # type: ignore[arg-type]


def whole(value: object) -> int | None:
    """A count, such as a step; None for anything else."""
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_WHOLE
    return value if fits else None  # type: ignore[return-value]


def _has_long_number(value: Any) -> bool:
    if isinstance(value, int):
        return not -(2**63) <= value < 2**63
    return any(map(_has_long_number, _children(value)))


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _as_text(value: Any) -> Any:
    """The value without what is no text; it is known to be shallow."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")
    if isinstance(value, list):
        return [_as_text(child) for child in value]
    if isinstance(value, dict):
        return {_as_text(key): _as_text(child) for key, child in value.items()}
    return value


def _real(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


def _whole(digits: str) -> int | float | None:
    return int(digits) if len(digits.lstrip("-")) <= _WHOLE_DIGITS else _real(digits)


def _too_deep() -> ContentError:
    return ContentError(f"it is nested more than {DEEPEST} deep")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 120 else f"{line[:119]}…"


_DECODER: Final = json.JSONDecoder(parse_int=_whole, parse_float=_real, parse_constant=lambda _: None)
