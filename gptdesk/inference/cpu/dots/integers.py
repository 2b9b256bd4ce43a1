"""Dot products of quantised weights with vectors of int16, in integers.

Half as many instructions as with weights made float32: 16 of them become int16 with one, and are multiplied and added
up in pairs with another (``vpmaddwd`` and an addition, or ``vpdpwssd``). Sums are exact, in `_SUMS` lanes of int32.
"""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir

from gptdesk.inference.cpu.dots.blocks import (
    LANES,
    Block,
    Operands,
    add_blocks,
    loop,
    make_dots,
    multiply_add,
    place,
    whole,
)
from gptdesk.inference.cpu.group_size import GROUP
from gptdesk.inference.cpu.intrinsics.register_tile import TILE
from gptdesk.inference.cpu.intrinsics.vectors import (
    FLOAT,
    INT8,
    INT16,
    INT32,
    add_pairs,
    load,
    shuffle,
    splat,
)

_SUMS: Final = 8
_TOTALS: Final = ir.VectorType(INT32, _SUMS)
_FLOATS: Final = ir.VectorType(FLOAT, _SUMS)
_NUMBERS: Final = ir.VectorType(INT16, LANES)
_BYTES: Final = ir.VectorType(INT8, LANES)
_ZERO: Final = ir.Constant(_FLOATS, [0.0] * _SUMS)
_GROUP_BYTES: Final = GROUP // 2

_SPAN: Final = 256
"""Blocks whose sum fits: a lane has 2 products of each, and 512 * 127 * 32767 < 2**31."""


def make_int8_dots(rows: int, tokens: int) -> Any:
    """As `make_dots` says, of weights from -127 to 127 and vectors of int16: exact sums of `_SPAN` blocks."""

    def add_up(builder: ir.IRBuilder, operands: Operands) -> list[Any]:
        def load_row(row: int, at: Any) -> Any:
            return builder.sext(load(builder, place(builder, operands.rows[row], at, LANES), 0, _BYTES), _NUMBERS)

        block = Block(
            load_x=lambda token, at: load(builder, place(builder, operands.x[token], at, 2 * LANES), 0, _NUMBERS),
            load_row=load_row,
            add=lambda total, x, values: _add_products(builder, total, x, values),
            bytes=LANES,
        )

        def add_span(first: Any, totals: list[Any]) -> list[Any]:
            following = builder.add(first, whole(_SPAN))
            end = builder.select(builder.icmp_signed("<", following, operands.blocks), following, operands.blocks)
            sums = add_blocks(builder, operands, block, first, end, ir.Constant(_TOTALS, [0] * _SUMS))
            return [builder.fadd(total, builder.sitofp(own, _FLOATS)) for total, own in zip(totals, sums, strict=True)]

        whole_spans = builder.and_(builder.add(operands.blocks, whole(_SPAN - 1)), whole(-_SPAN))
        zeros = [_ZERO] * (len(operands.rows) * tokens)
        return loop(builder, whole(0), whole_spans, _SPAN, zeros, add_span)[1]

    return make_dots(rows, tokens, add_up)


def make_int4_dots(rows: int, tokens: int) -> Any:
    """As `make_dots` says, of weights in groups, stored as numbers from 0 to 15, and vectors of int16; exact in a
    group."""

    def add_up(builder: ir.IRBuilder, operands: Operands) -> list[Any]:
        def load_x(token: int, at: Any) -> Any:
            start = place(builder, operands.x[token], at, 2 * GROUP)
            halves = [load(builder, start, offset, _NUMBERS) for offset in (0, GROUP)]
            return halves, _splat_number(builder, operands.offsets[token], at, INT32)

        def load_row(row: int, at: Any) -> Any:
            halves = _load_group(builder, place(builder, operands.rows[row], at, _GROUP_BYTES))
            return halves, _splat_number(builder, operands.scales[row], at, FLOAT)

        def add(total: Any, x: Any, values: Any) -> Any:
            (numbers, sums), (halves, scale) = x, values
            for own, half in zip(numbers, halves, strict=True):
                sums = _add_products(builder, sums, own, half)
            return multiply_add(builder, builder.sitofp(sums, _FLOATS), scale, total)

        block = Block(load_x, load_row, add, _GROUP_BYTES)
        return add_blocks(builder, operands, block, whole(0), operands.blocks, _ZERO)

    return make_dots(rows, tokens, add_up)


def _load_group(builder: ir.IRBuilder, address: Any) -> list[Any]:
    """Values 0 to 15 of an int4 group: its first half from the lower bits of its bytes, the second from the upper."""
    both = builder.zext(load(builder, address, 0, _BYTES), _NUMBERS)
    return [builder.and_(both, _constant(15)), builder.lshr(both, _constant(4))]


def _constant(value: int) -> Any:
    return ir.Constant(_NUMBERS, [value] * LANES)


def _splat_number(builder: ir.IRBuilder, numbers: Any, at: Any, kind: Any) -> Any:
    return splat(builder, load(builder, place(builder, numbers, at, 4), 0, kind), _SUMS)


def _add_products(builder: ir.IRBuilder, sums: Any, x: Any, values: Any) -> Any:
    """``sums`` plus two of the products of 16 numbers in each lane."""
    if TILE.pairs != "generic":
        return add_pairs(builder, sums, *(builder.bitcast(part, _TOTALS) for part in (x, values)))
    for lanes in (range(_SUMS), range(_SUMS, LANES)):  # a form that compilers turn into NEON's multiply and add
        parts = [builder.sext(shuffle(builder, part, part, [*lanes]), _TOTALS) for part in (x, values)]
        sums = builder.add(sums, builder.mul(*parts))
    return sums
