"""Dot products of weights in float32 or bfloat16 with vectors of float32."""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir

from gptdesk.inference.cpu.dots.blocks import (
    LANES,
    NEAR,
    Block,
    Operands,
    add_blocks,
    make_dots,
    multiply_add,
    place,
    whole,
)
from gptdesk.inference.cpu.intrinsics.register_tile import TILE
from gptdesk.inference.cpu.intrinsics.vectors import FLOAT, INT16, INT32, load

_VECTOR: Final = ir.VectorType(FLOAT, LANES)
"""One AVX-512 register, two of AVX2, four of NEON. The compiler splits it as needed."""

_FLOAT32_AHEAD: Final = NEAR if TILE.lanes == 16 else 0
"""Prefetch distance in bytes. On an Intel Emerald Rapids decoding is 1.08 times as fast with it; on a Zen 3 the
processor's own prefetching is enough for rows that are this long."""

_BLOCK_BYTES: Final = {"float32": 4 * LANES, "bfloat16": 2 * LANES}


def make_float_dots(kind: str, rows: int, tokens: int) -> Any:
    """As `make_dots` says, of weights in "float32" or "bfloat16" and vectors of float32: `LANES` sums of every 16th
    product."""
    size = _BLOCK_BYTES[kind]

    def add_up(builder: ir.IRBuilder, operands: Operands) -> list[Any]:
        block = Block(
            load_x=lambda token, at: load(builder, place(builder, operands.x[token], at, 4 * LANES), 0, _VECTOR),
            load_row=lambda row, at: _load_block(builder, kind, place(builder, operands.rows[row], at, size)),
            add=lambda total, x, values: multiply_add(builder, values, x, total),
            bytes=size,
        )
        if kind == "float32":
            block = block._replace(ahead=_FLOAT32_AHEAD)
        return add_blocks(builder, operands, block, whole(0), operands.blocks, ir.Constant(_VECTOR, [0.0] * LANES))

    return make_dots(rows, tokens, add_up)


def _load_block(builder: ir.IRBuilder, kind: str, address: Any) -> Any:
    """The weights at an address in float32."""
    if kind == "float32":
        return load(builder, address, 0, _VECTOR)
    halves = load(builder, address, 0, ir.VectorType(INT16, LANES))
    wide = ir.VectorType(INT32, LANES)
    upper = builder.shl(builder.zext(halves, wide), ir.Constant(wide, [16] * LANES))  # a bfloat16 is half a float32
    return builder.bitcast(upper, _VECTOR)
