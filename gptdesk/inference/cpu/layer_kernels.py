"""Layer norm, embedding and rounding in compiled code, the same for one token and for many.

Where weights are multiplied as integers, a token's numbers are rounded to 16 bits, x = scale * q, because GPT-2's
activations have columns many times as large as the others, for which 8 bits are too coarse.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import carray, njit

from gptdesk.inference.cpu.intrinsics.scalars import (
    bfloat16_pointer,
    float32_of_bits,
    float32_pointer,
    int8_pointer,
    int32_pointer,
    round_to_int16,
    wide,
)
from gptdesk.inference.cpu.step_tables import Format, Phase, TokenRow

_ID: Final = int(TokenRow.ID)
_POSITION: Final = int(TokenRow.POSITION)
_COLUMNS: Final = int(Phase.COLUMNS)
_FORMAT: Final = int(Phase.FORMAT)
_WEIGHTS: Final = int(Phase.WEIGHTS)
_SCALES: Final = int(Phase.SCALES)
_BIAS: Final = int(Phase.BIAS)
_OUTPUT: Final = int(Phase.OUTPUT)
_FLOAT32: Final = int(Format.FLOAT32)
_BFLOAT16: Final = int(Format.BFLOAT16)

_LARGEST: Final = 32767
_INFINITY_BITS: Final = 0x7F800000
_SMALLEST: Final = np.float32(1e-30)
"""Numbers of a token that are all smaller are 0: so that no factor overflows."""

_SUMS: Final = {"reassoc", "contract", "nsz"}


@njit(fastmath=_SUMS)
def normalise(x, weight, bias, biased, epsilon, out):
    """Layer norm (Ba et al. 2016) of x, (C); ``bias`` counts if ``biased``."""
    width = len(x)
    total = np.float32(0)
    for i in range(width):
        total += x[i]
    mean = total / np.float32(width)
    squares = np.float32(0)
    for i in range(width):
        squares += (x[i] - mean) * (x[i] - mean)
    factor = np.float32(1) / np.sqrt(squares / np.float32(width) + epsilon)
    if biased:
        for i in range(width):
            out[i] = (x[i] - mean) * factor * weight[i] + bias[i]
    else:
        for i in range(width):
            out[i] = (x[i] - mean) * factor * weight[i]


@njit
def embed(phase, token_rows, work):
    """The sum of a token's embedding and its position's, of each row of the table of tokens, into ``work``."""
    width, kind = phase[_COLUMNS], phase[_FORMAT]
    for token in range(len(token_rows)):
        id, position = token_rows[token, _ID], token_rows[token, _POSITION]
        wpe = carray(float32_pointer(phase[_BIAS] + 4 * width * position), (width,))
        x = work[token, phase[_OUTPUT] : phase[_OUTPUT] + width]
        if kind == _FLOAT32:
            wte = carray(float32_pointer(phase[_WEIGHTS] + 4 * width * id), (width,))
            for i in range(width):
                x[i] = wte[i] + wpe[i]
        elif kind == _BFLOAT16:
            halves = carray(bfloat16_pointer(phase[_WEIGHTS] + 2 * width * id), (width,))
            for i in range(width):
                x[i] = wide(halves[i]) + wpe[i]
        else:
            numbers = carray(int8_pointer(phase[_WEIGHTS] + width * id), (width,))
            scale = carray(float32_pointer(phase[_SCALES] + 4 * id), (1,))[0]
            for i in range(width):
                x[i] = wide(numbers[i]) * scale + wpe[i]


@njit
def _largest_bits(bits):
    """The bits of the largest absolute value of float32 numbers, given as int32: integers have vector maxima."""
    largest = np.int32(0)
    for i in range(len(bits)):
        size = bits[i] & np.int32(0x7FFFFFFF)
        largest = max(largest, size)
    return largest


@njit
def round_numbers(x, columns, numbers):
    """Rounds the numbers at the address x to int16 ``numbers``; returns their scale, NaN if one is not finite."""
    bits = _largest_bits(carray(int32_pointer(x), (columns,)))
    if bits >= _INFINITY_BITS:
        for i in range(columns):
            numbers[i] = np.int16(0)
        return np.float32(np.nan)
    largest = float32_of_bits(bits)
    factor = np.float32(_LARGEST) / largest if largest > _SMALLEST else np.float32(0)
    values = carray(float32_pointer(x), (columns,))
    for i in range(columns):
        numbers[i] = round_to_int16(values[i] * factor)
    return largest / np.float32(_LARGEST)
