"""Rows of weights times a few vectors, in compiled code: each row is read once for all tokens.

Quantised weights are multiplied as integers: a token's numbers are rounded to 16 bits before.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import carray, njit

from gptdesk.inference.cpu.dots.blocks import LANES
from gptdesk.inference.cpu.dots.floats import make_float_dots
from gptdesk.inference.cpu.dots.integers import make_int4_dots, make_int8_dots
from gptdesk.inference.cpu.group_size import GROUP, ZERO
from gptdesk.inference.cpu.intrinsics.scalars import bfloat16_pointer, float32_pointer, int8_pointer, wide
from gptdesk.inference.cpu.layer_kernels import round_numbers
from gptdesk.inference.cpu.step_tables import Format, Phase

_ROWS: Final = int(Phase.ROWS)
_COLUMNS: Final = int(Phase.COLUMNS)
_FORMAT: Final = int(Phase.FORMAT)
_WEIGHTS: Final = int(Phase.WEIGHTS)
_SCALES: Final = int(Phase.SCALES)
_FLOAT32: Final = int(Format.FLOAT32)
_BFLOAT16: Final = int(Format.BFLOAT16)
_INT8: Final = int(Format.INT8)
_INT4: Final = int(Format.INT4)

_OFFSET: Final = ZERO // 8


def _make_products(kind: str) -> Any:
    """Rows ``first`` ... ``last`` of ``weights`` times the vectors at ``x``, into y, (tokens, 4 or more past ``last``).

    Rows are computed in fours; where fewer than four are left, the last one is repeated and its results are unused.
    """
    shapes = ((4, 1), (4, 2), (2, 4))
    if kind in ("float32", "bfloat16"):
        one, two, four = (make_float_dots(kind, *shape) for shape in shapes)
    else:
        one, two, four = ((make_int8_dots if kind == "int8" else make_int4_dots)(*shape) for shape in shapes)
    grouped = kind == "int4"
    width = GROUP if grouped else LANES
    block_bytes = {"float32": 4 * LANES, "bfloat16": 2 * LANES, "int8": LANES, "int4": GROUP // 2}[kind]
    weight_bytes = block_bytes // width

    @njit
    def products(weights, scales, columns, first, last, x, x_stride, tokens, y, y_stride, offsets, offsets_stride):
        blocks = -(-columns // width) if grouped else columns // width
        stride = blocks * block_bytes if grouped else columns * weight_bytes
        scales_stride = 4 * blocks
        for row in range(first, last, 4):
            r1, r2, r3 = min(row + 1, last - 1), min(row + 2, last - 1), min(row + 3, last - 1)
            w0, w1, w2, w3 = weights + row * stride, weights + r1 * stride, weights + r2 * stride, weights + r3 * stride
            s0, s1, s2, s3 = (
                scales + row * scales_stride,
                scales + r1 * scales_stride,
                scales + r2 * scales_stride,
                scales + r3 * scales_stride,
            )
            to = y + (row - first) * 4
            token = 0
            while tokens - token >= 4:
                at, out, o = x + token * x_stride, to + token * y_stride, offsets + token * offsets_stride
                four(w0, w1, w0, w0, s0, s1, s0, s0, at, x_stride, blocks, out, y_stride, o, offsets_stride)
                four(w2, w3, w0, w0, s2, s3, s0, s0, at, x_stride, blocks, out + 8, y_stride, o, offsets_stride)
                token += 4
            if tokens - token >= 2:
                at, out, o = x + token * x_stride, to + token * y_stride, offsets + token * offsets_stride
                two(w0, w1, w2, w3, s0, s1, s2, s3, at, x_stride, blocks, out, y_stride, o, offsets_stride)
                token += 2
            if tokens - token >= 1:
                at, out, o = x + token * x_stride, to + token * y_stride, offsets + token * offsets_stride
                one(w0, w1, w2, w3, s0, s1, s2, s3, at, x_stride, blocks, out, y_stride, o, offsets_stride)

    return products


_products_float32: Final = _make_products("float32")
_products_bfloat16: Final = _make_products("bfloat16")
_products_int8: Final = _make_products("int8")
_products_int4: Final = _make_products("int4")


@njit
def _address(numbers):
    return np.int64(numbers.ctypes.data)


@njit
def _add_last_columns(weights, first, last, x, y):
    """Adds the products of the columns after the last whole block."""
    columns = weights.shape[1]
    for token in range(len(y)):
        for row in range(first, last):
            total = np.float32(0)
            for i in range(columns // LANES * LANES, columns):
                total += wide(weights[row, i]) * np.float32(x[token, i])
            y[token, row - first] += total


@njit
def _add_columns_left(phase, first, last, x, rounded, y):
    """`_add_last_columns` of weights in any format without groups."""
    kind, shape = phase[_FORMAT], (phase[_ROWS], phase[_COLUMNS])
    if kind == _FLOAT32:
        _add_last_columns(carray(float32_pointer(phase[_WEIGHTS]), shape), first, last, x, y)
    elif kind == _BFLOAT16:
        _add_last_columns(carray(bfloat16_pointer(phase[_WEIGHTS]), shape), first, last, x, y)
    elif kind == _INT8:
        _add_last_columns(carray(int8_pointer(phase[_WEIGHTS]), shape), first, last, rounded, y)


@njit
def round_input(phase, x, rounded, factors, offsets):
    """Rounds x, (tokens, C), where the weights of the phase are quantised: x = factors[token] * rounded[token].

    Args:
        phase: of the product.
        x: the vectors.
        rounded: (tokens, C or more) int16; what follows C up to a whole group becomes 0.
        factors: (tokens) float32.
        offsets: (tokens, groups) int32, of int4: an eighth of minus `ZERO` times the sum of each group.
    """
    kind, columns = phase[_FORMAT], phase[_COLUMNS]
    if kind != _INT8 and kind != _INT4:
        return
    groups = -(-columns // GROUP)
    for token in range(len(x)):
        factors[token] = round_numbers(_address(x[token]), columns, rounded[token])
        for i in range(columns, groups * GROUP):
            rounded[token, i] = np.int16(0)
        if kind == _INT4:
            for group in range(groups):
                total = np.int32(0)
                for i in range(group * GROUP, (group + 1) * GROUP):
                    total += np.int32(rounded[token, i])
                offsets[token, group] = -_OFFSET * total


@njit
def multiply_rows(phase, first, last, x, rounded, factors, offsets, y):
    """y[token, i] = weights[first + i] @ x[token], scaled; the rest is what `round_input` made of x."""
    columns, weights, scales, kind = phase[_COLUMNS], phase[_WEIGHTS], phase[_SCALES], phase[_FORMAT]
    tokens, to, to_stride = len(x), _address(y), y.strides[0]
    if kind == _FLOAT32:
        _products_float32(weights, 0, columns, first, last, _address(x), x.strides[0], tokens, to, to_stride, 0, 0)
    elif kind == _BFLOAT16:
        _products_bfloat16(weights, 0, columns, first, last, _address(x), x.strides[0], tokens, to, to_stride, 0, 0)
    else:
        at, stride = _address(rounded), rounded.strides[0]
        corrections, apart = _address(offsets), offsets.strides[0]
        if kind == _INT8:
            _products_int8(weights, 0, columns, first, last, at, stride, tokens, to, to_stride, 0, 0)
        else:
            _products_int4(weights, scales, columns, first, last, at, stride, tokens, to, to_stride, corrections, apart)
    if columns % LANES:
        _add_columns_left(phase, first, last, x, rounded, y)
    if kind == _INT8:
        scale = carray(float32_pointer(scales), (phase[_ROWS],))
        for token in range(tokens):
            for i in range(last - first):
                y[token, i] *= factors[token] * scale[first + i]
    elif kind == _INT4:
        for token in range(tokens):
            for i in range(last - first):
                y[token, i] *= factors[token]


@njit
def multiply_keys(keys, length, query, scores):
    """scores[0, i] = keys[i] @ query[0] of the first ``length`` keys, (positions, hs) float32; up to 3 more are set."""
    size = keys.shape[1]
    _products_float32(_address(keys), 0, size, 0, length, _address(query), 0, 1, _address(scores), 0, 0, 0)
    if size % LANES:
        _add_last_columns(keys, 0, length, query, scores)
