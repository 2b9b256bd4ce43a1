"""Products of many tokens with int8 weights in matrix registers (AMX), a panel of rows at a time, in compiled code.

Weights are read as they lie in memory. A token's numbers, rounded to 16 bits, are an upper half with a sign and a lower
one without: q = 256 * upper + lower. The sums of both are taken in int32, exactly, and put together in float32.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import carray, njit

from gptdesk.inference.cpu.intrinsics.register_tile import MATRIX_ROWS as ROWS
from gptdesk.inference.cpu.intrinsics.register_tile import MATRIX_TOKENS as TOKENS
from gptdesk.inference.cpu.intrinsics.scalars import int8_pointer, int16_pointer
from gptdesk.inference.cpu.layer_kernels import round_numbers
from gptdesk.inference.cpu.prompt.matrix_intrinsics import (
    COLUMNS,
    REGISTER_BYTES,
    STEP_BYTES,
    SUMS,
    begin_tiles,
    combine_sums,
    end_tiles,
    make_multiply_tiles,
)
from gptdesk.inference.cpu.prompt.packing_intrinsics import make_token_packer
from gptdesk.inference.cpu.prompt.results import make_finish, pad_factors
from gptdesk.inference.cpu.step_tables import Phase

_STEPS: Final = 12
"""Steps after which the next tokens' follow: 24 KB of weights stay in the first cache, of at least 48 KB."""

_LINE: Final = 64
"""Bytes of a cache line."""
_RESULTS: Final = TOKENS * ROWS
_ROW_COUNT: Final = int(Phase.ROWS)
_COLUMNS: Final = int(Phase.COLUMNS)
_WEIGHTS: Final = int(Phase.WEIGHTS)
_ROW_BYTES: Final = int(Phase.ROW_BYTES)

_finish: Final = make_finish(TOKENS, ROWS)
_multiply_and_prefetch_32: Final = make_multiply_tiles(32)
_multiply_and_prefetch_16: Final = make_multiply_tiles(16)
_multiply_and_prefetch_8: Final = make_multiply_tiles(8)
_multiply_and_prefetch_4: Final = make_multiply_tiles(4)
_pack_halves: Final = make_token_packer(TOKENS, STEP_BYTES)


@njit
def pack_matrix_input(phase, tile, tokens, x, x_bytes, packed, token_scales, scratch):
    """Packs a tile of the input of a product; as `products.pack_input`, with `TOKENS` tokens a tile."""
    columns, steps = phase[_COLUMNS], -(-phase[_COLUMNS] // COLUMNS)
    width = steps * COLUMNS
    upper_at, lower_at = scratch, scratch + TOKENS * width
    numbers = carray(int16_pointer(lower_at + TOKENS * width), (columns,))
    for token in range(TOKENS):
        upper = carray(int8_pointer(upper_at + token * width), (width,))
        lower = carray(int8_pointer(lower_at + token * width), (width,))
        there = columns if tile * TOKENS + token < tokens else 0
        if there:
            token_scales[tile * TOKENS + token] = round_numbers(x + token * x_bytes, columns, numbers)
        for i in range(there):
            upper[i] = np.int8(numbers[i] >> 8)
        for i in range(there):
            lower[i] = np.int8(numbers[i])
        for i in range(there, width):
            upper[i] = np.int8(0)
            lower[i] = np.int8(0)
    to = packed + tile * steps * STEP_BYTES
    _pack_halves(upper_at, width, steps, to)
    _pack_halves(lower_at, width, steps, to + REGISTER_BYTES)


@njit
def multiply_matrix_panel(phase, number, following, tokens, packed, token_scales, out, out_bytes, panel, scratch):
    """Multiplies panel ``number`` of a product's rows; as `products.multiply_panel`, with `ROWS` rows a panel."""
    first, columns, steps = number * ROWS, phase[_COLUMNS], -(-phase[_COLUMNS] // COLUMNS)
    count = min(ROWS, phase[_ROW_COUNT] - first)
    rows, stride = phase[_WEIGHTS] + first * phase[_ROW_BYTES], phase[_ROW_BYTES]
    if first + ROWS >= phase[_ROW_COUNT] and (count < ROWS or columns % COLUMNS):  # behind it is other memory
        _copy_rows(rows, stride, count, columns, panel, steps * COLUMNS)
        rows, stride = panel, steps * COLUMNS
    factors, bias = scratch, scratch + 4 * ROWS
    results = bias + 4 * ROWS
    activated = results + 4 * _RESULTS
    sums = activated + 4 * _RESULTS
    tiles, scales = -(-tokens // TOKENS), np.int64(token_scales.ctypes.data)
    ahead = phase[_WEIGHTS] + following * ROWS * phase[_ROW_BYTES]
    begin_tiles(scratch)
    for step in range(0, steps, _STEPS):
        some = min(_STEPS, steps - step)
        for tile in range(tiles):
            x, own = packed + (tile * steps + step) * STEP_BYTES, sums + 4 * SUMS * tile
            ahead += _multiply(tiles, rows + step * COLUMNS, stride, x, some, own, step, ahead)
    end_tiles()
    pad_factors(phase, first, count, ROWS, factors, bias)
    for tile in range(tiles):
        combine_sums(sums + 4 * SUMS * tile, scales + 4 * TOKENS * tile, factors, bias, results)
        there, to = min(TOKENS, tokens - tile * TOKENS), out + 4 * first + tile * TOKENS * out_bytes
        _finish(phase, results, there, count, activated, to, out_bytes)


@njit
def _multiply(tiles, rows, stride, x, steps, sums, add, ahead):
    """Multiplies a panel with one of ``tiles`` and prefetches as much of the next one's rows; returns its bytes."""
    if tiles == 1:
        _multiply_and_prefetch_32(rows, stride, x, steps, sums, add, ahead)
        return 32 * _LINE * steps
    if tiles == 2:
        _multiply_and_prefetch_16(rows, stride, x, steps, sums, add, ahead)
        return 16 * _LINE * steps
    if tiles <= 4:
        _multiply_and_prefetch_8(rows, stride, x, steps, sums, add, ahead)
        return 8 * _LINE * steps
    _multiply_and_prefetch_4(rows, stride, x, steps, sums, add, ahead)
    return 4 * _LINE * steps


@njit
def _copy_rows(rows, stride, count, columns, out, out_stride):
    """Copies rows of int8 to where there is memory for 32 of whole steps; what the rest is does not matter."""
    for row in range(count):
        source = carray(int8_pointer(rows + row * stride), (columns,))
        target = carray(int8_pointer(out + row * out_stride), (columns,))
        for i in range(columns):
            target[i] = source[i]
