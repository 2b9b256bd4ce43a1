"""LLVM intrinsics for the decode kernel that Numba lacks: dot products of vectors of weights, conversions, prefetch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing import signature
from numba.extending import intrinsic

LANES: Final = 16
"""Elements of a vector: one AVX-512 register, two of AVX2, four of NEON. The compiler splits it as needed."""

AHEAD: Final = 8192
"""Prefetch distance in bytes: the processor's own prefetching ends with a row, but the next rows follow in memory.
With it int8 was decoded 1.3 times as fast; from 4 to 16 KB there was little difference."""

_BLOCK_BYTES: Final = {"float32": 64, "bfloat16": 32, "int8": 16, "int4": 16}
"""Bytes of a block of a row."""

_FLOAT: Final = ir.FloatType()
_INT8: Final = ir.IntType(8)
_INT16: Final = ir.IntType(16)
_INT32: Final = ir.IntType(32)
_INT64: Final = ir.IntType(64)
_VECTOR: Final = ir.VectorType(_FLOAT, LANES)


# --- Sums of products ---


def make_dots(kind: str, rows: int, tokens: int) -> Any:
    """Makes a function for compiled code: dot products of rows of weights with vectors, each row read once.

    A sum is always taken in the same order, whatever ``rows`` and ``tokens`` are: `LANES` sums of every 16th product,
    then those in pairs. So a token's result has the same bits alone and beside others.

    Args:
        kind: "float32", "bfloat16", "int8" or "int4".
        rows: 2 or 4.
        tokens: vectors; rows * tokens is a multiple of 4.

    Returns:
        ``dots(row0, ..., row3, scales0, ..., scales3, x, x_stride, blocks, y, y_stride, offsets, offsets_stride)``, all
        int64: addresses of the rows and (int4) of their scales, float32, one for each group of weights; of the first
        vector, float32, and the bytes from one to the next; the number of blocks of 16 (int4: 32) columns; of the first
        result, and the bytes from one token's to the next; and (int4) of float32 numbers, one for each group of a
        vector, and the bytes from one vector's to the next: 16 times a number is added to its group's products before
        they are scaled, because there the weights count as numbers from 0 to 15.
    """
    at_once = 64 // _BLOCK_BYTES[kind]  # blocks in a line of the processor's cache

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        weights, scales = arguments[:rows], arguments[4 : 4 + rows]
        x, x_stride, blocks, y, y_stride, offsets, offsets_stride = arguments[8:]
        sums: list[Any] = [ir.Constant(_VECTOR, [0.0] * LANES)] * (rows * tokens)
        first: Any = ir.Constant(_INT64, 0)
        for step in sorted({at_once, 1}, reverse=True):
            xs = [(x, x_stride), (offsets, offsets_stride)]
            first, sums = _add_blocks(builder, kind, tokens, weights, scales, xs, first, blocks, step, sums)
        for token in range(0, tokens, 4 // rows):  # so many tokens' results make a vector of four
            several = [sums[row * tokens + token + t] for t in range(4 // rows) for row in range(rows)]
            four = _add_up(builder, several)
            for t in range(4 // rows):
                place = builder.add(y, builder.mul(y_stride, ir.Constant(_INT64, token + t)))
                own = four if rows == 4 else _shuffle(builder, four, four, [2 * t, 2 * t + 1])
                builder.store(own, builder.inttoptr(place, own.type.as_pointer()), align=4)
        return context.get_dummy_value()

    @intrinsic
    def dots(
        typing: Any, a0: Any, a1: Any, a2: Any, a3: Any, s0: Any, s1: Any, s2: Any, s3: Any, x: Any, xs: Any, n: Any,
        y: Any, ys: Any, o: Any, os: Any,
    ) -> Any:  # fmt: skip
        return signature(types.void, *[types.int64] * 15), generate

    return dots


def _add_blocks(
    builder: ir.IRBuilder,
    kind: str,
    tokens: int,
    weights: list[Any],
    scales: list[Any],
    vectors: list[tuple[Any, Any]],
    first: Any,
    blocks: Any,
    step: int,
    sums: list[Any],
) -> tuple[Any, list[Any]]:
    """A loop over the blocks from ``first`` on, ``step`` of them in a round, that adds their products to ``sums``.

    ``vectors`` are address and stride of the x, and of int4's offsets.

    Returns the first block that was not done, and the sums.
    """
    multiply_add = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
    multiply = cgutils.get_or_insert_function(builder.module, multiply_add, f"llvm.fmuladd.v{LANES}f32")
    parts_of_x = 2 if kind == "int4" else 1
    before = builder.block
    head, body, after = (builder.append_basic_block(name) for name in ("dots", "dots_block", "dots_end"))
    builder.branch(head)

    builder.position_at_end(head)
    block = builder.phi(_INT64)
    block.add_incoming(first, before)
    totals = [builder.phi(_VECTOR) for _ in sums]
    for total, start in zip(totals, sums, strict=True):
        total.add_incoming(start, before)
    end = builder.add(block, ir.Constant(_INT64, step))
    builder.cbranch(builder.icmp_signed("<=", end, blocks), body, after)

    builder.position_at_end(body)
    added = list(totals)
    for row in weights:
        _prefetch(builder, row, block, _BLOCK_BYTES[kind])
    for number in range(step):
        current = builder.add(block, ir.Constant(_INT64, number))
        from_x = builder.mul(current, ir.Constant(_INT64, 4 * LANES * parts_of_x))
        xs, offsets = [], []
        for token in range(tokens):
            start, offset = (builder.add(at, builder.mul(by, ir.Constant(_INT64, token))) for at, by in vectors)
            start = builder.add(start, from_x)
            xs.append([_load_vector(builder, start, part * 4 * LANES, _VECTOR) for part in range(parts_of_x)])
            offsets.append(_splat(builder, offset, current) if kind == "int4" else None)
        for row, address in enumerate(weights):
            parts = _WIDENING[kind](builder, address, current)
            scale = _splat(builder, scales[row], current) if kind == "int4" else None
            for token in range(tokens):
                place = row * tokens + token
                if scale is None:
                    added[place] = builder.call(multiply, [parts[0], xs[token][0], added[place]])
                else:
                    product = builder.call(multiply, [parts[0], xs[token][0], offsets[token]])
                    product = builder.call(multiply, [parts[1], xs[token][1], product])
                    added[place] = builder.call(multiply, [product, scale, added[place]])
    done = builder.block
    block.add_incoming(end, done)
    for total, new in zip(totals, added, strict=True):
        total.add_incoming(new, done)
    builder.branch(head)

    builder.position_at_end(after)
    return block, totals


def _prefetch(builder: ir.IRBuilder, row: Any, block: Any, size: int) -> None:
    """Prefetches the memory `AHEAD` bytes after block ``block`` of ``size`` bytes."""
    _prefetch_line(
        builder,
        builder.add(builder.add(row, builder.mul(block, ir.Constant(_INT64, size))), ir.Constant(_INT64, AHEAD)),
    )


def _prefetch_line(builder: ir.IRBuilder, address: Any) -> None:
    pointer = builder.inttoptr(address, _INT8.as_pointer())
    kind = ir.FunctionType(ir.VoidType(), [_INT8.as_pointer(), _INT32, _INT32, _INT32])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    reading, keeping, data = 0, 3, 1
    builder.call(function, [pointer, *(ir.Constant(_INT32, number) for number in (reading, keeping, data))])


def _load_vector(builder: ir.IRBuilder, address: Any, offset: int, kind: Any) -> Any:
    place = builder.add(address, ir.Constant(_INT64, offset))
    return builder.load(builder.inttoptr(place, kind.as_pointer()), align=1)


def _at_block(builder: ir.IRBuilder, row: Any, block: Any, size: int, kind: Any) -> Any:
    """Loads vector ``block`` of a row, whose blocks have ``size`` bytes."""
    return _load_vector(builder, builder.add(row, builder.mul(block, ir.Constant(_INT64, size))), 0, kind)


def _constant(kind: Any, value: int) -> Any:
    return ir.Constant(ir.VectorType(kind, LANES), [value] * LANES)


def _float32_block(builder: ir.IRBuilder, row: Any, block: Any) -> list[Any]:
    return [_at_block(builder, row, block, 4 * LANES, _VECTOR)]


def _bfloat16_block(builder: ir.IRBuilder, row: Any, block: Any) -> list[Any]:
    """A bfloat16 is the upper half of a float32."""
    halves = _at_block(builder, row, block, 2 * LANES, ir.VectorType(_INT16, LANES))
    wide = builder.zext(halves, ir.VectorType(_INT32, LANES))
    return [builder.bitcast(builder.shl(wide, _constant(_INT32, 16)), _VECTOR)]


def _int8_block(builder: ir.IRBuilder, row: Any, block: Any) -> list[Any]:
    numbers = _at_block(builder, row, block, LANES, ir.VectorType(_INT8, LANES))
    return [builder.sitofp(builder.sext(numbers, ir.VectorType(_INT32, LANES)), _VECTOR)]


def _int4_block(builder: ir.IRBuilder, row: Any, block: Any) -> list[Any]:
    """Values 0 to 15 of an int4 group: its first half from the lower bits of its bytes, the second from the upper."""
    both = _at_block(builder, row, block, LANES, ir.VectorType(_INT8, LANES))
    wide = builder.zext(both, ir.VectorType(_INT32, LANES))
    parts = builder.and_(wide, _constant(_INT32, 15)), builder.lshr(wide, _constant(_INT32, 4))
    return [builder.sitofp(part, _VECTOR) for part in parts]


_WIDENING: Final[dict[str, Callable[..., list[Any]]]] = {
    "float32": _float32_block,
    "bfloat16": _bfloat16_block,
    "int8": _int8_block,
    "int4": _int4_block,
}


def _splat(builder: ir.IRBuilder, numbers: Any, block: Any) -> Any:
    """Broadcasts a group's float32 value to all lanes."""
    number = _at_block(builder, numbers, block, 4, _FLOAT)
    vector = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), number, ir.Constant(_INT32, 0))
    return _shuffle(builder, vector, vector, [0] * LANES)


def _add_up(builder: ir.IRBuilder, sums: list[Any]) -> Any:
    """Horizontal sums of four vectors, as a vector of four, by pairwise addition."""
    pairs = [_add_neighbours(builder, sums[0], sums[1]), _add_neighbours(builder, sums[2], sums[3])]
    total = _add_neighbours(builder, *pairs)
    while total.type.count > 4:
        lanes = range(0, total.type.count, 2)
        total = builder.fadd(
            _shuffle(builder, total, total, [*lanes]), _shuffle(builder, total, total, [i + 1 for i in lanes])
        )
    return total


def _add_neighbours(builder: ir.IRBuilder, first: Any, second: Any) -> Any:
    lanes = range(0, 2 * LANES, 2)
    return builder.fadd(
        _shuffle(builder, first, second, [*lanes]), _shuffle(builder, first, second, [i + 1 for i in lanes])
    )


def _shuffle(builder: ir.IRBuilder, first: Any, second: Any, lanes: list[int]) -> Any:
    return builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(_INT32, len(lanes)), lanes))


# --- Scalars ---


@intrinsic
def wide(typing: Any, value: Any) -> Any:
    """A weight as float32: int8 by its value, uint16 as the upper half of a float32 (which is what bfloat16 is)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (number,) = arguments
        if value == types.int8:
            return builder.sitofp(number, _FLOAT)
        if value == types.uint16:
            return builder.bitcast(builder.shl(builder.zext(number, _INT32), ir.Constant(_INT32, 16)), _FLOAT)
        return number

    return signature(types.float32, value), generate


@intrinsic
def round_to_int16(typing: Any, value: Any) -> Any:
    """The nearest integer of a float32 that fits an int16, in a form that compilers turn into vectors."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(_FLOAT, [_FLOAT])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.rint.f32")
        return builder.trunc(builder.fptosi(builder.call(function, [arguments[0]]), _INT32), _INT16)

    return signature(types.int16, types.float32), generate


@intrinsic
def float32_of_bits(typing: Any, bits: Any) -> Any:
    """The float32 whose bits an int32 has."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], _FLOAT)

    return signature(types.float32, types.int32), generate


@intrinsic
def power_of_two(typing: Any, exponent: Any) -> Any:
    """2**exponent, float32; exponent int32, -126 to 127."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        biased = builder.add(arguments[0], ir.Constant(_INT32, 127))
        return builder.bitcast(builder.shl(biased, ir.Constant(_INT32, 23)), _FLOAT)

    return signature(types.float32, types.int32), generate


def _make_pointer(kind: Any) -> Any:
    result = types.CPointer(kind)

    @intrinsic
    def pointer(typing: Any, address: Any) -> Any:
        """An int64 address as a pointer."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(result))

        return signature(result, types.int64), generate

    return pointer


float32_pointer: Final = _make_pointer(types.float32)
bfloat16_pointer: Final = _make_pointer(types.uint16)
int8_pointer: Final = _make_pointer(types.int8)
int16_pointer: Final = _make_pointer(types.int16)
int32_pointer: Final = _make_pointer(types.int32)
int64_pointer: Final = _make_pointer(types.int64)


@intrinsic
def prefetch(typing: Any, address: Any) -> Any:
    """Prefetches the cache line at an int64 address; the address need not be valid."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _prefetch_line(builder, arguments[0])
        return context.get_dummy_value()

    return signature(types.void, types.int64), generate
