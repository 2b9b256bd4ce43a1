"""What dot products have in common: loops over the blocks of a row, loads, prefetches, and horizontal sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from llvmlite import ir
from numba import types
from numba.core.typing import signature
from numba.extending import intrinsic

from gptdesk.inference.cpu.intrinsics.register_tile import TILE
from gptdesk.inference.cpu.intrinsics.vectors import INT64, call, prefetch_line, shuffle

LANES: Final = 16
"""Weights of a block, but those of int4, which has groups."""

NEAR, FAR = 1536, 8192
"""Prefetch distances in bytes."""

_AHEAD: Final = FAR if TILE.lanes == 16 else NEAR
"""With AVX-512 (an Intel Emerald Rapids) int8 was decoded 1.08 times as fast as with the near one, int4 1.2 times; with
4096 they were at 1.1 and 1.12. On a Zen 3 int8 was decoded 1.2 times as fast with the near one, and as fast with 1024;
512 and none were slower."""

_LINE: Final = 64
"""Bytes of a line of the processor's cache."""


class Operands(NamedTuple):
    """What a function for dot products gets, all int64; see `make_dots`."""

    rows: list[Any]
    scales: list[Any]
    x: list[Any]
    blocks: Any
    y: list[Any]
    offsets: list[Any]


def make_dots(rows: int, tokens: int, sums: Callable[[ir.IRBuilder, Operands], list[Any]]) -> Any:
    """Makes a function for compiled code: dot products of rows of weights with vectors, each row read once.

    A token's result has the same bits alone and beside others, if ``sums`` does the same for each: lanes are added in
    pairs, then those sums in pairs, whatever ``rows`` and ``tokens`` are.

    Args:
        rows: 2 or 4.
        tokens: vectors; rows * tokens is a multiple of 4.
        sums: writes the code for some or one of the rows; returns a vector of float32 for each row and token,
            [row * tokens + token], whose lanes add up to the result.

    Returns:
        ``dots(row0, ..., row3, scales0, ..., scales3, x, x_stride, blocks, y, y_stride, offsets, offsets_stride)``, all
        int64: addresses of the rows and (int4) of their scales, float32, one for each group of weights; of the first
        vector, and the bytes from one to the next; the number of blocks, or groups, of columns; of the first token's
        results, float32, one for each row, and the bytes to the next token's; and (int4) of int32 numbers, one for each
        group of a vector, and the bytes from one vector's to the next one's: an eighth of what is added to the group's
        products before they are scaled.
    """

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        x, x_stride, blocks, y, y_stride, offsets, offsets_stride = arguments[8:]

        def of_tokens(first: Any, stride: Any) -> list[Any]:
            return [builder.add(first, builder.mul(stride, whole(token))) for token in range(tokens)]

        found = Operands(
            arguments[:rows],
            arguments[4 : 4 + rows],
            of_tokens(x, x_stride),
            blocks,
            of_tokens(y, y_stride),
            of_tokens(offsets, offsets_stride),
        )
        if tokens == 1:  # one row after the other, so that memory is read in order
            each = zip(found.rows, found.scales, strict=True)
            found_sums = [sums(builder, found._replace(rows=[row], scales=[scale]))[0] for row, scale in each]
        else:
            found_sums = sums(builder, found)
        _store_sums(builder, found_sums, rows, found.y)
        return context.get_dummy_value()

    @intrinsic
    def dots(
        typing: Any, a0: Any, a1: Any, a2: Any, a3: Any, s0: Any, s1: Any, s2: Any, s3: Any, x: Any, xs: Any, n: Any,
        y: Any, ys: Any, o: Any, os: Any,
    ) -> Any:  # fmt: skip
        return signature(types.void, *[types.int64] * 15), generate

    return dots


Body = Callable[[Any, list[Any]], list[Any]]
"""Adds to the loop the code for the blocks from the one whose number it gets on; returns the new sums."""


def loop(builder: ir.IRBuilder, first: Any, end: Any, step: int, sums: list[Any], body: Body) -> tuple[Any, list[Any]]:
    """A loop from block ``first`` on, ``step`` blocks in a round, while all of them are before ``end``.

    Returns the first block that was not done, and the sums.
    """
    before = builder.block
    head, inside, after = (builder.append_basic_block(name) for name in ("dots", "dots_block", "dots_end"))
    builder.branch(head)

    builder.position_at_end(head)
    block = builder.phi(INT64)
    block.add_incoming(first, before)
    totals = [builder.phi(value.type) for value in sums]
    for total, start in zip(totals, sums, strict=True):
        total.add_incoming(start, before)
    following = builder.add(block, whole(step))
    builder.cbranch(builder.icmp_signed("<=", following, end), inside, after)

    builder.position_at_end(inside)
    added = body(block, list(totals))
    done = builder.block
    block.add_incoming(following, done)
    for total, new in zip(totals, added, strict=True):
        total.add_incoming(new, done)
    builder.branch(head)

    builder.position_at_end(after)
    return block, totals


class Block(NamedTuple):
    """The code for a block of columns: loads what is multiplied, and adds the products to a sum.

    Attributes:
        load_x: of a token and a block, by their numbers.
        load_row: of a row and a block, by their numbers.
        add: returns the sum with the products of what both have loaded.
        bytes: of a row.
        ahead: bytes from what is read to what is prefetched; 0 to prefetch nothing.
    """

    load_x: Callable[[int, Any], Any]
    load_row: Callable[[int, Any], Any]
    add: Callable[[Any, Any, Any], Any]
    bytes: int
    ahead: int = _AHEAD


def add_blocks(builder: ir.IRBuilder, operands: Operands, block: Block, first: Any, end: Any, zero: Any) -> list[Any]:
    """The sums of each row's and token's products in blocks ``first`` to ``end``, from ``zero`` on: as many blocks as
    fill a line in a round, then one by one."""
    rows, tokens = range(len(operands.rows)), range(len(operands.x))

    def bodies(step: int) -> Body:
        def body(start: Any, sums: list[Any]) -> list[Any]:
            if block.ahead:
                _prefetch_ahead(builder, operands.rows, start, block)
            for number in range(step):
                current = builder.add(start, whole(number))
                xs = [block.load_x(token, current) for token in tokens]
                for row in rows:
                    values = block.load_row(row, current)
                    for token in tokens:
                        at = row * len(tokens) + token
                        sums[at] = block.add(sums[at], xs[token], values)
            return sums

        return body

    sums = [zero] * (len(rows) * len(tokens))
    for step in sorted({_LINE // block.bytes, 1}, reverse=True):
        first, sums = loop(builder, first, end, step, sums, bodies(step))
    return sums


def whole(number: int) -> Any:
    """An int64."""
    return ir.Constant(INT64, number)


def _prefetch_ahead(builder: ir.IRBuilder, rows: list[Any], number: Any, block: Block) -> None:
    """Prefetches a line for each of the rows, which follow each other in memory: in order, that far after what has been
    read when all are at the block of that number."""
    start = builder.add(place(builder, rows[0], number, block.bytes * len(rows)), whole(block.ahead))
    for row in range(len(rows)):
        prefetch_line(builder, builder.add(start, whole(row * _LINE)))


def place(builder: ir.IRBuilder, start: Any, number: Any, size: int) -> Any:
    """The address of an element by its number, of those that have ``size`` bytes and begin at ``start``."""
    return builder.add(start, builder.mul(number, whole(size)))


def multiply_add(builder: ir.IRBuilder, first: Any, second: Any, total: Any) -> Any:
    """first * second + total of vectors of float32."""
    return call(builder, f"llvm.fmuladd.v{total.type.count}f32", total.type, [first, second, total])


def _store_sums(builder: ir.IRBuilder, sums: list[Any], rows: int, y: list[Any]) -> None:
    """Stores the horizontal sums of each row's and token's vector; ``y`` are the addresses of the tokens' results."""
    tokens = len(y)
    for token in range(0, tokens, 4 // rows):  # so many tokens' results make a vector of four
        several = [sums[row * tokens + token + t] for t in range(4 // rows) for row in range(rows)]
        four = _add_up(builder, several)
        for t in range(4 // rows):
            own = four if rows == 4 else shuffle(builder, four, four, [2 * t, 2 * t + 1])
            builder.store(own, builder.inttoptr(y[token + t], own.type.as_pointer()), align=4)


def _add_up(builder: ir.IRBuilder, sums: list[Any]) -> Any:
    """Horizontal sums of four vectors, as a vector of four, by pairwise addition."""
    pairs = [_add_neighbours(builder, sums[0], sums[1]), _add_neighbours(builder, sums[2], sums[3])]
    total = _add_neighbours(builder, *pairs)
    while total.type.count > 4:
        lanes = range(0, total.type.count, 2)
        total = builder.fadd(
            shuffle(builder, total, total, [*lanes]), shuffle(builder, total, total, [i + 1 for i in lanes])
        )
    return total


def _add_neighbours(builder: ir.IRBuilder, first: Any, second: Any) -> Any:
    lanes = range(0, 2 * first.type.count, 2)
    return builder.fadd(
        shuffle(builder, first, second, [*lanes]), shuffle(builder, first, second, [i + 1 for i in lanes])
    )
