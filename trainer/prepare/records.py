"""How a record becomes a document: a text, or a prompt and its completion."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

PROMPT, COMPLETION = "prompt", "completion"


class Unusable(Exception):
    """Why a record holds no document."""


def knows_fields(names: Iterable[str], column: str) -> bool:
    """Whether a record with fields of these names makes a document."""
    return column in (fields := set(names)) or {PROMPT, COMPLETION} <= fields


def parse_record(values: Any, column: str) -> tuple[bytes, ...]:
    """The document in a record.

    Raises:
        Unusable: when there is none.
    """
    if not isinstance(values, dict):
        raise Unusable("a line is not a JSON object")
    texts = [values.get(name) for name in ((column,) if column in values else (PROMPT, COMPLETION))]
    if not all(isinstance(text, str) for text in texts):
        raise Unusable(f'a line lacks "{column}", or "{PROMPT}" and "{COMPLETION}", as text')
    return tuple(_to_utf8(text) for text in texts if text is not None)


def _to_utf8(text: str) -> bytes:
    """UTF-8 of a text, with U+FFFD for lone surrogates, which JSON can spell and UTF-8 cannot."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
