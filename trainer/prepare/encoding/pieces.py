"""A hash table from pieces of text to tokens, looked up in batches with numpy."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.gpt2.tokenizers.openai import RANKS_SHA256

Int64s = npt.NDArray[np.int64]
UInt64s = npt.NDArray[np.uint64]
Tokens = npt.NDArray[Any]

KEY_BYTES: Final = 16
"""Pieces of up to so many bytes are in the table, padded with NUL: two integers of 64 bits, compared exactly."""

_SLOT_BITS: Final = 19
_SLOTS: Final = 1 << _SLOT_BITS
_MOST_ENTRIES: Final = _SLOTS // 2
"""A fuller table makes for long searches. At this number it starts anew: 13 MB in all, whatever the input."""

_LONG_BYTES, _MOST_LONG = 64, 1 << 16
"""Longer pieces than the table takes are kept in a dictionary, up to this length and number."""

_LOW_MASK: Final = np.array([(1 << 8 * min(n, 8)) - 1 for n in range(KEY_BYTES + 1)], np.uint64)
_HIGH_MASK: Final = np.array([(1 << 8 * max(n - 8, 0)) - 1 for n in range(KEY_BYTES + 1)], np.uint64)
_MIX_LOW, _MIX_HIGH = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
_MIX_SHIFT, _SLOT_SHIFT = np.uint64(29), np.uint64(64 - _SLOT_BITS)


class PieceTable:
    """Tokens of pieces, remembered: open addressing with linear probing, all pieces of a batch in step.

    Args:
        tokenizer: encodes pieces that are met for the first time.
        fixed: pieces that are no text, and their tokens.
        dtype: of the tokens, unsigned.
    """

    def __init__(self, tokenizer: Tokenizer, fixed: Mapping[bytes, Sequence[int]], dtype: np.dtype[Any]) -> None:
        self._tokenizer, self._dtype = tokenizer, dtype
        self._known = dict(fixed)
        if tokenizer.sha256 == RANKS_SHA256:
            self._known |= _whole_pieces(tokenizer)
        self._start_anew()

    def _start_anew(self) -> None:
        self._low, self._high = np.zeros(_SLOTS, np.uint64), np.zeros(_SLOTS, np.uint64)
        self._first = np.zeros(_SLOTS, self._dtype)  # a piece's first token
        self._count = np.zeros(_SLOTS, np.uint8)  # how many it has
        self._offset = np.zeros(_SLOTS, np.uint32)  # where in _all its tokens begin
        self._all, self._used = np.zeros(1 << 16, self._dtype), 0
        self._entries = 0
        self._long: dict[bytes, Sequence[int]] = {}
        self._insert(self._known)

    def look_up(self, data: bytes, starts: Int64s) -> tuple[Tokens, Int64s]:
        """The tokens of all pieces of ``data``, which begin at ``starts``.

        Returns:
            tokens (n), and (pieces) int64, where each piece's begin.
        """
        sizes = np.diff(starts, append=len(data))
        words = np.ndarray(
            (len(data) + 8,), "<u8", data + bytes(KEY_BYTES), strides=(1,)
        )  # 8 bytes from every position
        fitting = np.minimum(sizes, KEY_BYTES)
        low = words[starts]
        low &= _LOW_MASK[fitting]
        high = words[starts + 8]
        high &= _HIGH_MASK[fitting]
        slots, missing = self._find(low, high)
        long = np.flatnonzero(sizes > KEY_BYTES)
        others: dict[int, Sequence[int]] = {}  # pieces (by index) that are not in the table
        if missing.size:
            missing = missing[sizes[missing] <= KEY_BYTES]
            new = self._encode_new(data, starts, sizes, missing)
            if self._entries + len(new) > _MOST_ENTRIES:
                self._start_anew()
            self._insert(dict(islice(new.items(), _MOST_ENTRIES - self._entries)))
            slots, missing = self._find(low, high)
            # The table started anew, or one document has more pieces than it takes.
            missing = missing[sizes[missing] <= KEY_BYTES]
            new |= self._encode_new(data, starts, sizes, missing, new)
            for i in missing.tolist():
                others[i] = new[data[starts[i] : starts[i] + sizes[i]]]
        for i in long.tolist():
            others[i] = self._encode_long(data[starts[i] : starts[i] + sizes[i]])

        counts = self._count[slots].astype(np.int64)
        apart = np.fromiter(others, np.int64, len(others))
        counts[apart] = [len(ids) for ids in others.values()]
        at = np.cumsum(counts)
        tokens = np.empty(at[-1], self._dtype)
        at -= counts
        tokens[at] = self._first[slots]
        in_table = np.ones(len(counts), np.bool_)
        in_table[apart] = False
        several = np.flatnonzero((counts > 1) & in_table)
        self._copy_all(tokens, at[several], self._offset[slots[several]], counts[several])
        for i, ids in others.items():
            tokens[at[i] : at[i] + len(ids)] = ids
        return tokens, at

    def _copy_all(self, tokens: Tokens, to: Int64s, source: npt.NDArray[np.uint32], counts: Int64s) -> None:
        """Copies ``counts[i]`` tokens from ``source[i]`` of the table to ``to[i]``, for all i."""
        ends = np.cumsum(counts)
        within = np.arange(counts.sum()) - np.repeat(ends - counts, counts)
        tokens[np.repeat(to, counts) + within] = self._all[np.repeat(source.astype(np.int64), counts) + within]

    def _find(self, low: UInt64s, high: UInt64s) -> tuple[Int64s, Int64s]:
        """The slot of each key, and the indices of keys that are not there."""
        slots = _home(low, high)
        left = np.flatnonzero((self._low[slots] != low) | (self._high[slots] != high))
        missing = []
        while left.size:
            there = slots[left]
            empty = self._low[there] == 0
            missing.append(left[empty])
            wrong = (self._low[there] != low[left]) | (self._high[there] != high[left])
            left = left[wrong & ~empty]
            slots[left] = (slots[left] + 1) & (_SLOTS - 1)
        return slots, np.concatenate(missing) if missing else np.empty(0, np.int64)

    def _encode_new(
        self, data: bytes, starts: Int64s, sizes: Int64s, which: Int64s, known: Collection[bytes] = ()
    ) -> dict[bytes, Sequence[int]]:
        begins, ends = starts[which].tolist(), (starts[which] + sizes[which]).tolist()
        pieces = dict.fromkeys(data[begin:end] for begin, end in zip(begins, ends, strict=True))
        encode = self._tokenizer.encode
        return {piece: encode(piece.decode()) for piece in pieces if piece not in known}

    def _encode_long(self, piece: bytes) -> Sequence[int]:
        ids = self._long.get(piece)
        if ids is None:
            ids = self._tokenizer.encode(piece.decode())
            if len(piece) <= _LONG_BYTES:
                if len(self._long) == _MOST_LONG:
                    self._long.clear()
                self._long[piece] = ids
        return ids

    def _insert(self, entries: Mapping[bytes, Sequence[int]]) -> None:
        """Adds pieces that are not in the table."""
        count = len(entries)
        keys = np.frombuffer(b"".join(piece.ljust(KEY_BYTES, b"\0") for piece in entries), "<u8").reshape(count, 2)
        low, high = keys[:, 0].copy(), keys[:, 1].copy()
        counts = np.fromiter(map(len, entries.values()), np.int64, count)
        total = int(counts.sum())
        while self._used + total > self._all.size:
            self._all = np.concatenate([self._all, np.zeros_like(self._all)])
        self._all[self._used : self._used + total] = [id for ids in entries.values() for id in ids]
        offsets = self._used + np.cumsum(counts) - counts

        slots, left = _home(low, high), np.arange(count)
        placed = np.empty(_SLOTS, np.int64)
        while left.size:
            free = left[self._low[slots[left]] == 0]
            placed[slots[free]] = free  # of several that want one slot, the last gets it
            winners = free[placed[slots[free]] == free]
            self._low[slots[winners]], self._high[slots[winners]] = low[winners], high[winners]
            left = left[(self._low[slots[left]] != low[left]) | (self._high[slots[left]] != high[left])]
            slots[left] = (slots[left] + 1) & (_SLOTS - 1)
        self._first[slots] = self._all[offsets]
        self._count[slots] = counts
        self._offset[slots] = offsets
        self._used += total
        self._entries += count


def _whole_pieces(tokenizer: Tokenizer) -> dict[bytes, Sequence[int]]:
    """Pieces that are one token because they are in the vocabulary, as tiktoken looks first; those of ASCII suffice.

    Merges alone do not promise that, so it holds of OpenAI's tokenizer only.
    """
    ends = set(tokenizer.special_tokens.values())
    vocabulary = ((tokenizer.token_bytes(id), id) for id in range(tokenizer.vocab_size) if id not in ends)
    return {
        piece: [id] for piece, id in vocabulary if len(piece) <= KEY_BYTES and piece.isascii() and b"\0" not in piece
    }


def _home(low: UInt64s, high: UInt64s) -> Int64s:
    """The slot at which the search for each key begins."""
    mixed = low * _MIX_LOW
    mixed ^= high * _MIX_HIGH
    mixed ^= mixed >> _MIX_SHIFT
    mixed *= _MIX_LOW
    mixed >>= _SLOT_SHIFT
    return mixed.astype(np.int64)
