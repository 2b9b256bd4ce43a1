"""LLVM intrinsics that bring weights and activations into the order in which products read them.

What is read together lies together: the numbers of one step (a column in float32, a pair of columns in int16) of all
rows, or tokens, of a block. So squares of 4-byte words are transposed in registers, and int8 weights become int16
meanwhile, others float32.
"""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.core.typing import signature
from numba.extending import intrinsic

from gptdesk.inference.cpu.prompt.register_tile import TILE
from gptdesk.inference.cpu.prompt.vector_intrinsics import (
    INT8,
    INT16,
    INT32,
    INT64,
    INTS,
    call,
    constant,
    load,
    shuffle,
    store,
    transpose,
)

WORD_COLUMNS: Final = {"float32": 1, "bfloat16": 2, "int8": 4, "int4": 8}
"""Columns of weights in a word of 4 bytes."""


def make_weight_packer(kind: str) -> Any:
    """Makes a function for compiled code that packs `TILE.lanes` rows of weights.

    Args:
        kind: "float32", "bfloat16" (packed as float32) or "int8" (as int16).

    Returns:
        ``pack(rows, stride, count, blocks, out)``, all int64: the address of the first row, the bytes from one to the
        next, how many there are (the last one is repeated), the number of blocks of `TILE.lanes` words in a row, and
        the address of the result, whose steps lie ``4 * TILE.rows`` bytes apart.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows, stride, count, blocks, out = arguments
        last = builder.sub(count, ir.Constant(INT64, 1))
        addresses = []
        for number in range(TILE.lanes):
            row: Any = ir.Constant(INT64, number)
            row = builder.select(builder.icmp_signed("<", row, last), row, last)
            addresses.append(builder.add(rows, builder.mul(row, stride)))
        with _for(builder, blocks) as block:
            offset = builder.mul(block, ir.Constant(INT64, 4 * TILE.lanes))
            square = [load(builder, builder.add(address, offset), 0, INTS) for address in addresses]
            words = transpose(builder, square)
            step_bytes = 4 * TILE.rows
            steps = TILE.lanes * len(_widen(builder, kind, words[0]))
            to = builder.add(out, builder.mul(block, ir.Constant(INT64, steps * step_bytes)))
            step = 0
            for word in words:
                for part in _widen(builder, kind, word):
                    store(builder, to, step * step_bytes, part)
                    step += 1
        return context.get_dummy_value()

    @intrinsic
    def pack(typing: Any, rows: Any, stride: Any, count: Any, blocks: Any, out: Any) -> Any:
        return signature(types.void, *[types.int64] * 5), generate

    return pack


@intrinsic
def pack_tokens(typing: Any, rows: Any, stride: Any, blocks: Any, out: Any) -> Any:
    """Packs the words of `TILE.tokens` tokens: ``rows`` and ``out`` are addresses, ``stride`` the bytes from one token
    to the next, ``blocks`` the number of blocks of `TILE.tokens` words; all int64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows, stride, blocks, out = arguments
        size = TILE.tokens
        kind = ir.VectorType(INT32, size)
        addresses = [builder.add(rows, builder.mul(stride, ir.Constant(INT64, token))) for token in range(size)]
        with _for(builder, blocks) as block:
            offset = builder.mul(block, ir.Constant(INT64, 4 * size))
            square = [load(builder, builder.add(address, offset), 0, kind) for address in addresses]
            to = builder.add(out, builder.mul(block, ir.Constant(INT64, 4 * size * size)))
            for number, word in enumerate(transpose(builder, square)):
                store(builder, to, 4 * size * number, word)
        return context.get_dummy_value()

    return signature(types.void, *[types.int64] * 4), generate


@intrinsic
def prefetch(typing: Any, address: Any) -> Any:
    """Prefetches the cache line at an int64 address into the second level; the address need not be valid."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], INT8.as_pointer())
        reading, second_level, data = 0, 2, 1
        numbers = [ir.Constant(INT32, number) for number in (reading, second_level, data)]
        call(builder, "llvm.prefetch.p0", ir.VoidType(), [pointer, *numbers])
        return context.get_dummy_value()

    return signature(types.void, types.int64), generate


class _for:
    """A counted loop in LLVM's terms."""

    def __init__(self, builder: Any, count: Any) -> None:
        self._builder, self._count = builder, count

    def __enter__(self) -> Any:
        builder = self._builder
        before = builder.block
        self._head, body, self._after = (
            builder.append_basic_block(name) for name in ("pack", "pack_block", "pack_end")
        )
        builder.branch(self._head)
        builder.position_at_end(self._head)
        self._number = builder.phi(INT64)
        self._number.add_incoming(ir.Constant(INT64, 0), before)
        builder.cbranch(builder.icmp_signed("<", self._number, self._count), body, self._after)
        builder.position_at_end(body)
        return self._number

    def __exit__(self, *error: object) -> None:
        builder = self._builder
        self._number.add_incoming(builder.add(self._number, ir.Constant(INT64, 1)), builder.block)
        builder.branch(self._head)
        builder.position_at_end(self._after)


def _widen(builder: Any, kind: str, word: Any) -> list[Any]:
    """The steps that are in a vector of words."""
    if kind == "float32":
        return [word]
    if kind == "bfloat16":  # the upper half of a float32
        return [builder.shl(word, constant(16)), builder.and_(word, constant(-65536))]
    numbers = builder.bitcast(word, ir.VectorType(INT8, 4 * TILE.lanes))
    eight = ir.Constant(ir.VectorType(INT16, 2 * TILE.lanes), [8] * (2 * TILE.lanes))
    pairs = []
    for first in (0, 2):  # two neighbours into the upper bytes of two int16
        places = [4 * lane + first + half for lane in range(TILE.lanes) for half in (0, 0, 1, 1)]
        upper = builder.bitcast(shuffle(builder, numbers, numbers, places), eight.type)
        pairs.append(builder.bitcast(builder.ashr(upper, eight), INTS))
    return pairs
