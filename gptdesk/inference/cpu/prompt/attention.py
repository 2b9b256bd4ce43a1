"""Attention of many tokens to all before them, for one head, in compiled code.

Scores, softmax and values are computed for a tile of tokens at a time. Keys and values are packed once for all tiles.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import carray, njit

from gptdesk.inference.cpu.activation_kernels import exp
from gptdesk.inference.cpu.intrinsics.register_tile import TILE
from gptdesk.inference.cpu.intrinsics.scalars import float32_pointer
from gptdesk.inference.cpu.prompt.packing_intrinsics import make_weight_packer, pack_tokens
from gptdesk.inference.cpu.prompt.product_intrinsics import largest_of, make_block
from gptdesk.inference.cpu.prompt.products import block_float32

_TOKENS: Final = TILE.tokens
_ROWS: Final = TILE.rows
_LANES: Final = TILE.lanes
_GROUP: Final = 2 * TILE.lanes
"""Columns of values that are summed at a time."""

_pack_keys: Final = make_weight_packer("float32")
_block_values: Final = make_block("float32", 2, 4, 4 * TILE.rows)
"""Reads the probabilities where the scores were, (tokens, rows)."""

_SUMS: Final = {"reassoc", "contract", "nsz"}
_SQUARE: Final = max(TILE.lanes, TILE.tokens)


@njit
def _padded_size(size):
    """The head size, filled up to whole blocks."""
    return -(-size // _SQUARE) * _SQUARE


@njit
def _pack_keys_and_values(keys, values, length, size, panels_at, values_at, scratch):
    """Packs keys for `block_float32` and values for `_block_values`; what fills them up is 0."""
    padded, panels = _padded_size(size), -(-length // _ROWS)
    for panel in range(panels):
        for vector in range(_ROWS // _LANES):
            first = panel * _ROWS + vector * _LANES
            count = max(0, min(_LANES, length - first))
            out = panels_at + 4 * (panel * padded * _ROWS + vector * _LANES)
            rows = carray(float32_pointer(scratch), (_LANES, padded))
            if count == _LANES and padded == size:
                _pack_keys(keys + 4 * first * size, 4 * size, count, padded // _LANES, out, 0, 0, 0)
                continue
            for i in range(_LANES):
                key = carray(float32_pointer(keys + 4 * (first + i) * size), (size,))
                for d in range(size if i < count else 0):
                    rows[i, d] = key[d]
                for d in range(size if i < count else 0, padded):
                    rows[i, d] = np.float32(0)
            _pack_keys(scratch, 4 * padded, _LANES, padded // _LANES, out, 0, 0, 0)
    whole = carray(float32_pointer(values), (length, size))
    for group in range(-(-size // _GROUP)):
        first = group * _GROUP
        count = min(_GROUP, size - first)
        packed = carray(float32_pointer(values_at + 4 * group * panels * _ROWS * _GROUP), (panels * _ROWS, _GROUP))
        for i in range(length):
            for d in range(count):
                packed[i, d] = whole[i, first + d]
            for d in range(count, _GROUP):
                packed[i, d] = np.float32(0)
        for i in range(length, panels * _ROWS):
            for d in range(_GROUP):
                packed[i, d] = np.float32(0)


@njit(fastmath=_SUMS)
def _exponentials(x, largest, scale):
    """Replaces x, (`TILE.rows`), by e**(scale * (x - largest)); returns their sum."""
    total = np.float32(0)
    for i in range(_ROWS):
        x[i] = exp((x[i] - largest) * scale)
        total += x[i]
    return total


@njit
def _softmax(scores, token, panels, length, scale):
    """Replaces a token's scores, of which ``length`` count, by numerators; returns their sum. The others become 0.

    ``scores`` is the address of (panels, `TILE.tokens`, `TILE.rows`) float32.
    """
    last = carray(float32_pointer(scores + 4 * ((panels - 1) * _TOKENS + token) * _ROWS), (_ROWS,))
    for i in range(length - (panels - 1) * _ROWS, _ROWS):
        last[i] = np.float32(-np.inf)
    largest = np.float32(-np.inf)
    for panel in range(panels):
        largest = max(largest, largest_of(scores + 4 * (panel * _TOKENS + token) * _ROWS))
    total = np.float32(0)
    for panel in range(panels):
        x = carray(float32_pointer(scores + 4 * (panel * _TOKENS + token) * _ROWS), (_ROWS,))
        total += _exponentials(x, largest, scale)
    for i in range(length - (panels - 1) * _ROWS, _ROWS):
        last[i] = np.float32(0)
    return total


@njit
def attend(keys, values, position, tokens, size, scale, queries, stride, out, memory):
    """Attention of ``tokens`` tokens from ``position`` on, whose keys and values are in the cache, for one head.

    Args:
        keys, values: addresses of (positions, size) float32.
        position: of the first token.
        tokens: number of them.
        size: of the head.
        scale: of the scores.
        queries: address of the first token's, float32.
        stride: bytes from one token's to the next one's, and from one token's output to the next one's.
        out: address of the first token's output.
        memory: address of `thread_memory.attention_size` elements.
    """
    padded, most = _padded_size(size), -(-(position + tokens) // _ROWS)
    groups = -(-size // _GROUP)
    panels_at = memory
    values_at = panels_at + 4 * most * _ROWS * padded
    scores = values_at + 4 * most * _ROWS * groups * _GROUP
    rows = scores + 4 * most * _ROWS * _TOKENS
    packed = rows + 4 * _TOKENS * padded
    result = packed + 4 * _TOKENS * padded
    scratch = result + 4 * _TOKENS * _GROUP
    _pack_keys_and_values(keys, values, position + tokens, size, panels_at, values_at, scratch)
    totals = carray(float32_pointer(scratch + 4 * _LANES * padded), (_TOKENS,))
    for first in range(0, tokens, _TOKENS):
        count = min(_TOKENS, tokens - first)
        for token in range(_TOKENS):
            q = carray(float32_pointer(queries + min(first + token, tokens - 1) * stride), (size,))
            row = carray(float32_pointer(rows + 4 * token * padded), (padded,))
            for d in range(size):
                row[d] = q[d]
            for d in range(size, padded):
                row[d] = np.float32(0)
        pack_tokens(rows, 4 * padded, padded // _TOKENS, packed)
        panels = -(-(position + first + count) // _ROWS)
        for panel in range(panels):
            at = panels_at + 4 * panel * padded * _ROWS
            block_float32(packed, at, padded, scores + 4 * panel * _TOKENS * _ROWS, 0)
        for token in range(_TOKENS):
            length = position + first + min(token, count - 1) + 1
            own = -(-length // _ROWS)
            totals[token] = _softmax(scores, token, own, length, scale)
            for panel in range(own, panels):
                rest = carray(float32_pointer(scores + 4 * (panel * _TOKENS + token) * _ROWS), (_ROWS,))
                for i in range(_ROWS):
                    rest[i] = np.float32(0)
        for group in range(groups):
            for panel in range(panels):
                at = values_at + 4 * (group * most + panel) * _ROWS * _GROUP
                _block_values(scores + 4 * panel * _TOKENS * _ROWS, at, _ROWS, result, panel)
            for token in range(count):
                y = carray(float32_pointer(out + (first + token) * stride + 4 * group * _GROUP), (_GROUP,))
                found = carray(float32_pointer(result + 4 * token * _GROUP), (_GROUP,))
                total = totals[token]
                for d in range(min(_GROUP, size - group * _GROUP)):
                    y[d] = found[d] / total
