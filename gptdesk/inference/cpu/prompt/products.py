"""Products of many tokens with the weights of a layer, a panel of rows at a time, in compiled code.

int8 weights are multiplied as integers, with a token's numbers rounded to 16 bits. A sum of 512 products with
weights up to 127 fits into an int32, so it is exact, and the same with any instructions. Other weights are multiplied
in float32.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import carray, njit

from gptdesk.inference.cpu.group_size import GROUP
from gptdesk.inference.cpu.intrinsics.register_tile import TILE
from gptdesk.inference.cpu.intrinsics.scalars import (
    float32_pointer,
    int8_pointer,
    int16_pointer,
)
from gptdesk.inference.cpu.layer_kernels import round_numbers
from gptdesk.inference.cpu.prompt.packing_intrinsics import STEPS, make_weight_packer, pack_tokens, prefetch
from gptdesk.inference.cpu.prompt.product_intrinsics import make_block, scale_row
from gptdesk.inference.cpu.prompt.results import make_finish, pad_factors
from gptdesk.inference.cpu.step_tables import Format, Phase

_TOKENS: Final = TILE.tokens
_ROWS: Final = TILE.rows
_PANEL_BYTES: Final = 16 * 1024
"""Of a panel's rows that all tiles are multiplied with before the next steps are: they stay in the first cache, of
at least 32 KB, beside the tiles that pass by. On a Zen 3 (AVX2) 12 and 24 KB are some percent slower, on an Emerald
Rapids (AVX-512) 24 and 36."""

_STEPS: Final = min(256, _PANEL_BYTES // (4 * TILE.rows) // TILE.tokens * TILE.tokens)
"""Steps of a product whose sums are added up in float32: at most 512 columns in int16, as 512 * 127 * 32767 < 2**31."""

_RESULTS: Final = TILE.tokens * TILE.rows
_VECTORS: Final = TILE.vectors
_LANES: Final = TILE.lanes
_GROUP_BYTES: Final = GROUP // 2
_LINE: Final = 64
"""Bytes of a cache line."""
_STEP_BYTES: Final = 4 * TILE.tokens
_BLOCK_BYTES: Final = 4 * TILE.lanes
_FLOAT32: Final = int(Format.FLOAT32)
_BFLOAT16: Final = int(Format.BFLOAT16)
_INT8: Final = int(Format.INT8)
_FORMAT: Final = int(Phase.FORMAT)
_ROW_COUNT: Final = int(Phase.ROWS)
_COLUMNS: Final = int(Phase.COLUMNS)
_WEIGHTS: Final = int(Phase.WEIGHTS)
_SCALES: Final = int(Phase.SCALES)
_ROW_BYTES: Final = int(Phase.ROW_BYTES)

_block_int16: Final = make_block("int16", TILE.vectors, 4 * TILE.tokens, 4)
block_float32: Final = make_block("float32", TILE.vectors, 4 * TILE.tokens, 4)
"""As `make_block` says, of tokens that `pack_tokens` packed and `TILE.vectors` vectors of rows."""

_finish: Final = make_finish(TILE.tokens, TILE.rows)
_pack_float32: Final = make_weight_packer("float32")
_pack_bfloat16: Final = make_weight_packer("bfloat16")
_pack_int8: Final = make_weight_packer("int8")
_pack_int4: Final = make_weight_packer("int4")
_STEPS_OF_WORD: Final = tuple(STEPS[kind.name.lower()] for kind in Format)


@njit
def steps_of(phase):
    """Steps of a product, those included that fill up its rows to whole blocks."""
    blocks = -(-phase[_ROW_BYTES] // _BLOCK_BYTES)
    steps = blocks * _LANES * _STEPS_OF_WORD[phase[_FORMAT]]
    return -(-steps // _TOKENS) * _TOKENS


# --- Tokens ---


@njit
def pack_input(phase, tile, tokens, x, x_bytes, packed, token_scales, scratch):
    """Packs a tile of the input of a product.

    Args:
        phase: of the product.
        tile: number of the tile.
        tokens: in all.
        x: address of the tile's numbers, float32.
        x_bytes: from one token's to the next one's.
        packed: address of the result of all tiles.
        token_scales: (tokens) float32, output of int8's products.
        scratch: address of memory for the tile, 4 bytes a step and token.
    """
    columns, steps, exact = phase[_COLUMNS], steps_of(phase), phase[_FORMAT] == _INT8
    for token in range(_TOKENS):
        there = columns if tile * _TOKENS + token < tokens else 0
        if exact:
            numbers = carray(int16_pointer(scratch + 4 * token * steps), (2 * steps,))
            if there:
                token_scales[tile * _TOKENS + token] = round_numbers(x + token * x_bytes, columns, numbers)
            for i in range(there, 2 * steps):
                numbers[i] = np.int16(0)
        else:
            values = carray(float32_pointer(scratch + 4 * token * steps), (steps,))
            row = carray(float32_pointer(x + token * x_bytes), (columns,))
            for i in range(there):
                values[i] = row[i]
            for i in range(there, steps):
                values[i] = np.float32(0)
    pack_tokens(scratch, 4 * steps, steps // _TOKENS, packed + tile * steps * _STEP_BYTES)


# --- Rows ---


@njit
def _pack_rows(kind, rows, stride, count, blocks, out, scales, scales_stride, groups):
    """Packs `TILE.lanes` rows, as `make_weight_packer` says."""
    if kind == _FLOAT32:
        _pack_float32(rows, stride, count, blocks, out, 0, 0, 0)
    elif kind == _BFLOAT16:
        _pack_bfloat16(rows, stride, count, blocks, out, 0, 0, 0)
    elif kind == _INT8:
        _pack_int8(rows, stride, count, blocks, out, 0, 0, 0)
    else:
        _pack_int4(rows, stride, count, blocks, out, scales, scales_stride, groups)


@njit
def _pack_panel(phase, first, panel, scratch):
    """Packs the rows from ``first`` on into ``panel``; ``scratch`` has memory for a block. Both are addresses."""
    kind, stride, steps = phase[_FORMAT], phase[_ROW_BYTES], steps_of(phase)
    blocks = stride // _BLOCK_BYTES
    rest = stride - blocks * _BLOCK_BYTES
    done = blocks * _LANES * _STEPS_OF_WORD[kind]
    groups = stride // _GROUP_BYTES  # of int4
    for vector in range(_VECTORS):
        row = min(first + vector * _LANES, phase[_ROW_COUNT] - 1)
        count = min(_LANES, phase[_ROW_COUNT] - row)
        rows, out = phase[_WEIGHTS] + row * stride, panel + vector * _BLOCK_BYTES
        scales = phase[_SCALES] + 4 * row * groups
        _pack_rows(kind, rows, stride, count, blocks, out, scales, 4 * groups, groups)
        if rest:
            filled = carray(int8_pointer(scratch), (_LANES, _BLOCK_BYTES))
            for i in range(_LANES):
                end = carray(int8_pointer(rows + min(i, count - 1) * stride + blocks * _BLOCK_BYTES), (rest,))
                for byte in range(rest):
                    filled[i, byte] = end[byte]
                for byte in range(rest, _BLOCK_BYTES):
                    filled[i, byte] = np.int8(0)
            ready = blocks * _BLOCK_BYTES // _GROUP_BYTES
            to, more = out + done * 4 * _ROWS, scales + 4 * ready
            _pack_rows(kind, scratch, _BLOCK_BYTES, count, 1, to, more, 4 * groups, groups - ready)
            done_now = done + _LANES * _STEPS_OF_WORD[kind]
        else:
            done_now = done
        if done_now < steps:
            for step in range(done_now, steps):
                zeros = carray(float32_pointer(out + step * 4 * _ROWS), (_LANES,))
                for i in range(_LANES):
                    zeros[i] = np.float32(0)


@njit
def multiply_panel(phase, number, following, tokens, packed, token_scales, out, out_bytes, panel, scratch):
    """Multiplies panel ``number`` of a product's rows with all tokens, and stores, adds or activates the results.

    Args:
        phase: of the product.
        number: of the panel.
        following: number of the panel that this thread probably gets next, which is prefetched meanwhile.
        tokens: in all.
        packed: address of the input that `pack_input` packed.
        token_scales: (tokens) float32.
        out: address of the first token's outputs, float32.
        out_bytes: from one token's to the next one's.
        panel: address of memory for a panel, 4 bytes a step and row.
        scratch: address of `thread_memory.results_size` elements.
    """
    first = number * _ROWS
    count = min(_ROWS, phase[_ROW_COUNT] - first)
    _pack_panel(phase, first, panel, scratch)
    tiles, sums = -(-tokens // _TOKENS), scratch + 4 * (_RESULTS + 2 * _ROWS)
    _sum_products(phase, phase[_WEIGHTS] + following * _ROWS * phase[_ROW_BYTES], tiles, packed, panel, sums)
    factors, bias = scratch + 4 * _RESULTS, scratch + 4 * (_RESULTS + _ROWS)
    pad_factors(phase, first, count, _ROWS, factors, bias)
    for tile in range(tiles):
        results, there = sums + 4 * tile * _RESULTS, min(_TOKENS, tokens - tile * _TOKENS)
        for token in range(there):
            scale = token_scales[tile * _TOKENS + token] if phase[_FORMAT] == _INT8 else np.float32(1)
            scale_row(results + 4 * token * _ROWS, scale, factors, bias)
        _finish(phase, results, there, count, scratch, out + 4 * first + tile * _TOKENS * out_bytes, out_bytes)


@njit
def _sum_products(phase, following, tiles, packed, panel, sums):
    """Multiplies a packed panel with all tiles, `_STEPS` steps after the other, and prefetches the rows at an address
    meanwhile. ``sums`` is the address of the results, (tiles, `TILE.tokens`, `TILE.rows`) float32."""
    steps = steps_of(phase)
    lines, turns, turn = _ROWS * phase[_ROW_BYTES] // _LINE, -(-steps // _STEPS) * tiles, 0
    for step in range(0, steps, _STEPS):
        rows, some = panel + step * 4 * _ROWS, min(_STEPS, steps - step)
        for tile in range(tiles):
            for line in range(turn * lines // turns, (turn + 1) * lines // turns):
                prefetch(following + _LINE * line)
            turn += 1
            x, own = packed + (tile * steps + step) * _STEP_BYTES, sums + 4 * tile * _RESULTS
            if phase[_FORMAT] == _INT8:
                _block_int16(x, rows, some, own, step)
            else:
                block_float32(x, rows, some, own, step)
