"""Products of many tokens in matrix registers (AMX), a panel of rows at a time, in compiled code.

Weights are read as they lie in memory. With int8 a token's numbers are rounded to 16 bits, q = 256 * upper + lower, and
the sums of both are taken in int32, exactly, and put together in float32. With bfloat16 they are a sum of three
bfloat16, which has all bits of a float32, and sums are taken in float32.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import carray, njit

from gptdesk.inference.cpu.intrinsics.register_tile import MATRIX_BLOCKS
from gptdesk.inference.cpu.intrinsics.scalars import (
    bfloat16_pointer,
    bits_of_float32,
    float32_of_bits,
    float32_pointer,
    int8_pointer,
    int16_pointer,
    int32_pointer,
)
from gptdesk.inference.cpu.layer_kernels import round_numbers
from gptdesk.inference.cpu.prompt.matrix_intrinsics import (
    OPERANDS,
    REGISTER_BYTES,
    ROW_BYTES,
    SIDE,
    SUMS,
    begin_tiles,
    end_tiles,
    make_combine_sums,
    make_multiply_tiles,
)
from gptdesk.inference.cpu.prompt.packing_intrinsics import make_token_packer
from gptdesk.inference.cpu.prompt.results import make_finish, pad_factors
from gptdesk.inference.cpu.step_tables import Phase

_STEPS: Final = 12
"""Steps after which the next tokens' follow: 24 KB of weights stay in the first cache, of at least 48 KB."""

_ROW_COUNT: Final = int(Phase.ROWS)
_COLUMNS: Final = int(Phase.COLUMNS)
_WEIGHTS: Final = int(Phase.WEIGHTS)
_ROW_BYTES: Final = int(Phase.ROW_BYTES)


def make_pack(weights: str) -> Any:
    """Makes a function for compiled code that packs a tile of the input of a product with weights of that format; as
    `products.pack_input`, with the tokens of `MATRIX_BLOCKS`."""
    split = {"int8": _split_for_int8, "bfloat16": _split_for_bfloat16}[weights]
    parts, groups, _ = operands = OPERANDS[weights]
    size, step_bytes = SIDE * groups, operands.step_bytes
    pack_words = make_token_packer(SIDE, step_bytes)

    @njit
    def pack(phase, tile, tokens, x, x_bytes, packed, token_scales, scratch):
        steps = -(-phase[_ROW_BYTES] // ROW_BYTES)
        width, to = steps * ROW_BYTES, packed + tile * steps * step_bytes
        spare = scratch + parts * SIDE * width
        for group in range(groups):
            for token in range(SIDE):
                number = tile * size + group * SIDE + token
                columns = phase[_COLUMNS] if number < tokens else 0
                scale = split(x + (group * SIDE + token) * x_bytes, columns, scratch + token * width, width, spare)
                if columns:
                    token_scales[number] = scale
            for part in range(parts):
                own = to + (part * groups + group) * REGISTER_BYTES
                pack_words(scratch + part * SIDE * width, width, steps, own)

    return pack


@njit
def _split_for_int8(x, columns, out, width, spare):
    """Rounds a token's numbers to 16 bits and stores upper and lower halves, ``width`` bytes of each, the lower ones 16
    rows further on; what is behind the columns becomes 0. Returns their scale. ``spare`` has memory for the 16 bits."""
    upper = carray(int8_pointer(out), (width,))
    lower = carray(int8_pointer(out + SIDE * width), (width,))
    numbers = carray(int16_pointer(spare), (columns,))
    scale = round_numbers(x, columns, numbers)
    for i in range(columns):
        upper[i] = np.int8(numbers[i] >> 8)
    for i in range(columns):
        lower[i] = np.int8(numbers[i])
    for i in range(columns, width):
        upper[i] = np.int8(0)
        lower[i] = np.int8(0)
    return scale


@njit
def _split_for_bfloat16(x, columns, out, width, spare):
    """Stores the three bfloat16 whose sum a token's numbers are, as `_split_for_int8` does its halves; returns 1."""
    count = width // 2
    first = carray(bfloat16_pointer(out), (count,))
    second = carray(bfloat16_pointer(out + SIDE * width), (count,))
    third = carray(bfloat16_pointer(out + 2 * SIDE * width), (count,))
    values, bits = carray(float32_pointer(x), (columns,)), carray(int32_pointer(x), (columns,))
    upper = np.int32(-65536)  # a bfloat16 is the upper half of a float32
    for i in range(columns):
        rest = values[i] - float32_of_bits(bits[i] & upper)
        rest_bits = bits_of_float32(rest)
        last = rest - float32_of_bits(rest_bits & upper)
        first[i] = np.uint16(bits[i] >> 16)
        second[i] = np.uint16(rest_bits >> 16)
        third[i] = np.uint16(bits_of_float32(last) >> 16)
    for i in range(columns, count):
        first[i] = np.uint16(0)
        second[i] = np.uint16(0)
        third[i] = np.uint16(0)
    return np.float32(1)


def make_multiply_panel(weights: str) -> Any:
    """Makes a function for compiled code that multiplies a panel of rows of that format; as
    `products.multiply_panel`, with the rows of `MATRIX_BLOCKS`."""
    size, panel_rows = MATRIX_BLOCKS[weights]
    step_bytes = OPERANDS[weights].step_bytes
    finish = make_finish(size, panel_rows)
    combine_sums = make_combine_sums(weights)
    multiply_32, multiply_16, multiply_8, multiply_4 = (make_multiply_tiles(weights, lines) for lines in (32, 16, 8, 4))

    @njit
    def multiply(tiles, rows, stride, x, steps, sums, add, ahead):
        """Multiplies a panel with one of ``tiles`` and prefetches as much of the next one's rows; returns its bytes."""
        if tiles == 1:
            multiply_32(rows, stride, x, steps, sums, add, ahead)
            return 32 * ROW_BYTES * steps
        if tiles == 2:
            multiply_16(rows, stride, x, steps, sums, add, ahead)
            return 16 * ROW_BYTES * steps
        if tiles <= 4:
            multiply_8(rows, stride, x, steps, sums, add, ahead)
            return 8 * ROW_BYTES * steps
        multiply_4(rows, stride, x, steps, sums, add, ahead)
        return 4 * ROW_BYTES * steps

    @njit
    def multiply_panel(phase, number, following, tokens, packed, token_scales, out, out_bytes, panel, scratch):
        first, row_bytes = number * panel_rows, phase[_ROW_BYTES]
        steps, count = -(-row_bytes // ROW_BYTES), min(panel_rows, phase[_ROW_COUNT] - first)
        rows, stride = phase[_WEIGHTS] + first * row_bytes, row_bytes
        if first + panel_rows >= phase[_ROW_COUNT] and (count < panel_rows or row_bytes % ROW_BYTES):
            _copy_rows(rows, row_bytes, count, panel, steps * ROW_BYTES)  # behind them is other memory
            rows, stride = panel, steps * ROW_BYTES
        factors, bias = scratch, scratch + 4 * panel_rows
        results = bias + 4 * panel_rows
        activated = results + 4 * size * panel_rows
        sums = activated + 4 * size * panel_rows
        tiles, scales = -(-tokens // size), np.int64(token_scales.ctypes.data)
        ahead = phase[_WEIGHTS] + following * panel_rows * row_bytes
        begin_tiles(scratch)
        for step in range(0, steps, _STEPS):
            some = min(_STEPS, steps - step)
            for tile in range(tiles):
                x, own = packed + (tile * steps + step) * step_bytes, sums + 4 * SUMS * tile
                ahead += multiply(tiles, rows + step * ROW_BYTES, stride, x, some, own, step, ahead)
        end_tiles()
        pad_factors(phase, first, count, panel_rows, factors, bias)
        for tile in range(tiles):
            combine_sums(sums + 4 * SUMS * tile, scales + 4 * size * tile, factors, bias, results)
            there, to = min(size, tokens - tile * size), out + 4 * first + tile * size * out_bytes
            finish(phase, results, there, count, activated, to, out_bytes)

    return multiply_panel


@njit
def _copy_rows(rows, row_bytes, count, out, stride):
    """Copies rows to where there is memory for a whole panel of whole steps, and fills the steps up with 0."""
    for row in range(count):
        source = carray(int8_pointer(rows + row * row_bytes), (row_bytes,))
        target = carray(int8_pointer(out + row * stride), (stride,))
        for i in range(row_bytes):
            target[i] = source[i]
        for i in range(row_bytes, stride):
            target[i] = np.int8(0)
