"""Finds with numpy where GPT-2's pattern begins a new piece in a batch of texts, and the texts that need more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from trainer.prepare.encoding.pieces import KEY_BYTES

Int64s = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

END_OF_DOCUMENT: Final = b"\xff"
END_OF_SEGMENT: Final = b"\xfe"
"""Bytes that UTF-8 never contains: they stand between texts, so that a batch is one string of bytes."""

_SPACE, _END, _LETTER, _DIGIT, _SIGN, _FOREIGN = range(6)
"""Classes of bytes. Foreign: part of a character beyond ASCII, whose own class numpy does not look up."""


def _classes() -> bytes:
    table = bytearray([_SIGN]) * 256
    for low, high, kind in (("a", "z", _LETTER), ("A", "Z", _LETTER), ("0", "9", _DIGIT), ("\t", "\r", _SPACE)):
        table[ord(low) : ord(high) + 1] = bytes([kind]) * (ord(high) - ord(low) + 1)
    table[ord(" ")] = _SPACE
    table[0x80:] = bytes([_FOREIGN]) * 0x80
    table[END_OF_SEGMENT[0]] = table[END_OF_DOCUMENT[0]] = _END
    return bytes(table)


_CLASSES: Final = _classes()

_PADDING: Final = bytes(KEY_BYTES)

_FOREIGN_SHARE: Final = 8
"""A document with more than one foreign byte in so many goes to the tokenizer whole, which is faster there."""


def hard_documents(joined: Sequence[bytes]) -> npt.NDArray[np.bool_]:
    """Which documents the passes below do not cut right or not fast: (documents) bool.

    They hold a NUL (which pads the table's keys), white space beyond ASCII (whose neighbours would have to know of it),
    or are largely not ASCII.
    """
    sizes = np.array([len(text) for text in joined], np.int64)
    hard = np.array([b"\0" in text for text in joined], np.bool_)
    data = np.frombuffer(b"".join(joined) + b"\xff\xff", np.uint8)
    foreign = np.flatnonzero(data[:-2] >= 0x80)
    foreign = foreign[data[foreign] < END_OF_SEGMENT[0]]
    if foreign.size:
        owner = np.searchsorted(np.cumsum(sizes), foreign, side="right")
        hard |= np.bincount(owner, minlength=sizes.size) * _FOREIGN_SHARE > sizes
        hard[owner[_is_foreign_space(data[foreign], data[foreign + 1], data[foreign + 2])]] = True
    return hard


def _is_foreign_space(first: Bytes, second: Bytes, third: Bytes) -> Any:
    """Where UTF-8's bytes begin U+0085, U+00A0, U+1680, U+2000-200A, U+2028, U+2029, U+202F, U+205F or U+3000."""
    general = (third <= 0x8A) | (third == 0xA8) | (third == 0xA9) | (third == 0xAF)
    return (
        ((first == 0xC2) & ((second == 0x85) | (second == 0xA0)))
        | ((first == 0xE1) & (second == 0x9A) & (third == 0x80))
        | ((first == 0xE2) & (((second == 0x80) & general) | ((second == 0x81) & (third == 0x9F))))
        | ((first == 0xE3) & (second == 0x80) & (third == 0x80))
    )


def piece_starts(data: bytes) -> Int64s:
    r"""Where the tokenizer's pattern begins a new piece in ``data``, which ends with `END_OF_DOCUMENT`: (pieces) int64.

    The pattern is ``'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s``. A stretch
    without white space that holds foreign bytes is left in one piece: its ends are borders whatever it holds.
    """
    n = len(data)
    raw = np.frombuffer(data + _PADDING, np.uint8)
    kind = np.frombuffer(data.translate(_CLASSES), np.uint8)
    blank = raw[:n] == ord(" ")
    space = kind == _SPACE

    start = np.empty(n, np.bool_)
    start[0] = True
    np.not_equal(kind[1:], kind[:-1], out=start[1:])
    start[1:] &= ~blank[:-1]  # one blank belongs to what follows it
    # Of a run of white space the last character stands alone (or goes with what follows), unless the text ends there.
    start |= space
    start[1:-1] &= ~(space[1:-1] & space[:-2] & (kind[2:] <= _END))
    start |= kind == _END

    quotes = np.flatnonzero(raw[:n] == ord("'"))
    if quotes.size:
        quotes = quotes[start[quotes]]
        one, two = raw[quotes + 1], raw[quotes + 2]
        short = (one == ord("s")) | (one == ord("t")) | (one == ord("d")) | (one == ord("m"))
        long = (one == ord("l")) & (two == ord("l")) | ((one == ord("v")) | (one == ord("r"))) & (two == ord("e"))
        for these, length in ((quotes[short], 2), (quotes[long], 3)):
            start[these + 1] = False
            start[these + length] = True

    starts = np.flatnonzero(start)
    foreign = np.flatnonzero(kind == _FOREIGN)
    if foreign.size:
        begins = kind[starts] <= _END  # a stretch without white space begins here, or its blank does
        begins[1:] |= kind[starts[1:] - 1] <= _END
        begins[0] = True
        stretch = np.cumsum(begins)
        mixed = np.zeros(stretch[-1] + 1, np.bool_)
        mixed[stretch[np.searchsorted(starts, foreign, side="right") - 1]] = True
        starts = starts[begins | ~mixed[stretch]]
    return starts
