"""Text in which special tokens stand, and its token ids. Imports no torch."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer


PLACEHOLDER: Final = "\ufffc"
"""Unicode's OBJECT REPLACEMENT CHARACTER: stands for a special token. Plain text never contains it."""

_LONGEST_NAME: Final = 200
_DELIMITED: Final = re.compile(f"{PLACEHOLDER}([^{PLACEHOLDER}\n]{{1,{_LONGEST_NAME}}}){PLACEHOLDER}")


class MixedText(msgspec.Struct, frozen=True):
    """Characters and special tokens.

    Attributes:
        text: its characters; a `PLACEHOLDER` stands for each special token.
        names: of the special tokens, in the order of the text.
    """

    text: str = ""
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert self.text.count(PLACEHOLDER) == len(self.names), "every special token has a name"

    def __len__(self) -> int:
        return len(self.text)

    def __getitem__(self, part: slice) -> MixedText:
        start, stop, step = part.indices(len(self.text))
        assert step == 1, "a text is cut into stretches"
        return MixedText(self.text[start:stop], names_between(self.text, self.names, start, stop))

    def __add__(self, other: MixedText) -> MixedText:
        return MixedText(self.text + other.text, self.names + other.names)

    @property
    def spelled(self) -> str:
        """The text with the names of special tokens written out."""
        return _filled(self.text, self.names)

    @property
    def delimited(self) -> str:
        """The text with each name between two placeholders; `parse_delimited` reads it."""
        return _filled(self.text, [f"{PLACEHOLDER}{name}{PLACEHOLDER}" for name in self.names])


def parse_delimited(text: str) -> MixedText:
    """Reads what `MixedText.delimited` wrote; single placeholders become U+FFFD."""
    if PLACEHOLDER not in text:
        return MixedText(text)
    parts = _DELIMITED.split(text)  # text and names alternate
    plain, names = [parts[0]], []
    for name, part in zip(parts[1::2], parts[2::2], strict=True):
        if can_stand_in_text(name):
            names.append(name)
            plain.append(part)
        else:
            plain[-1] += f"{PLACEHOLDER}{name}{PLACEHOLDER}{part}"
    return MixedText(PLACEHOLDER.join(part.replace(PLACEHOLDER, "\ufffd") for part in plain), tuple(names))


def can_stand_in_text(name: str) -> bool:
    """Whether `MixedText` can hold the special token of that name: a short one that can be printed."""
    return 0 < len(name) <= _LONGEST_NAME and name.isprintable() and PLACEHOLDER not in name


def names_between(text: str, names: Sequence[str], start: int, end: int) -> tuple[str, ...]:
    """Names of the special tokens among the characters from ``start`` to ``end`` of ``text``."""
    if not names:
        return ()
    first = text.count(PLACEHOLDER, 0, start)
    return tuple(names[first : first + text.count(PLACEHOLDER, start, end)])


def encode_mixed(tokenizer: Tokenizer, mixed: MixedText | str) -> list[int]:
    """Token ids of a text. Special tokens that the tokenizer lacks are read as the text of their names.

    Raises:
        UserError: when the vocabulary has no token for a part of the text.
    """
    if isinstance(mixed, str) or not mixed.names:
        return tokenizer.encode(mixed if isinstance(mixed, str) else mixed.text)
    ids, parts = _encode(tokenizer, mixed)
    for part, id in parts:
        ids += tokenizer.encode(part) if id is None else [id]
    return ids


def spans_mixed(tokenizer: Tokenizer, mixed: MixedText | str) -> list[tuple[int, int]]:
    """The characters of each token of `encode_mixed`, as `Tokenizer.spans`; those of a special token are one character.

    Raises:
        UserError: as `encode_mixed`.
    """
    if isinstance(mixed, str) or not mixed.names:
        return tokenizer.spans(mixed if isinstance(mixed, str) else mixed.text)
    whole, parts = _encode(tokenizer, mixed)
    spans = tokenizer.spans(mixed.spelled, allow_special=True) if whole else []
    start = 0
    for part, id in parts:
        found = tokenizer.spans(part) if id is None else [(0, len(part))]
        spans += [(start + first, start + last) for first, last in found]
        start += len(part)
    return _in_mixed(mixed, spans)


def _encode(tokenizer: Tokenizer, mixed: MixedText) -> tuple[list[int], list[tuple[str, int | None]]]:
    """Either the ids of the whole text, or its parts: plain text, and names of special tokens with their ids."""
    known = {name: tokenizer.special_tokens[name] for name in mixed.names if name in tokenizer.special_tokens}
    wanted = [known[name] for name in mixed.names if name in known]
    special = set(tokenizer.special_tokens.values())
    # As `transformers` encodes it, which may treat the text around a special token in its own way. The plain text may
    # contain names of special tokens, too, or unknown characters, for which some tokenizers have a special token.
    ids = tokenizer.encode(mixed.spelled, allow_special=True)
    if ids and [id for id in ids if id in special] == wanted:
        return ids, []
    return [], _parts(mixed, known)


def _parts(mixed: MixedText, known: Mapping[str, int]) -> list[tuple[str, int | None]]:
    """Plain text, and the names of ``known`` special tokens with their ids; the names of others are text."""
    first, *rest = mixed.text.split(PLACEHOLDER)
    parts: list[tuple[str, int | None]] = [(first, None)]
    for name, text in zip(mixed.names, rest, strict=True):
        if name in known:
            parts += [(name, known[name]), (text, None)]
        else:
            parts[-1] = parts[-1][0] + name + text, None
    return [(part, id) for part, id in parts if part]


def _in_mixed(mixed: MixedText, spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans of the spelled text as spans of ``mixed.text``."""
    places: list[int] = []  # of the characters of ``mixed.text`` in the spelled text, and its end
    names, place = iter(mixed.names), 0
    for letter in mixed.text:
        places.append(place)
        place += len(next(names)) if letter == PLACEHOLDER else 1
    places.append(place)
    return [(bisect_right(places, first) - 1, bisect_left(places, last)) for first, last in spans]


def _filled(text: str, values: Sequence[str]) -> str:
    """``text`` with ``values`` in the place of its placeholders."""
    if not values:
        return text
    first, *rest = text.split(PLACEHOLDER)
    return first + "".join(value + part for value, part in zip(values, rest, strict=True))
