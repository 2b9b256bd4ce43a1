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

from gptdesk.inference.cpu.group_size import GROUP, ZERO
from gptdesk.inference.cpu.intrinsics.register_tile import TILE
from gptdesk.inference.cpu.intrinsics.vectors import (
    FLOAT,
    FLOATS,
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

STEPS: Final = {"float32": 1, "bfloat16": 2, "int8": 2, "int4": 8}
"""Steps that a word of 4 bytes holds: columns, or int8's pairs of columns."""


def make_weight_packer(kind: str) -> Any:
    """Makes a function for compiled code that packs `TILE.lanes` rows of weights.

    Args:
        kind: "int8" (packed as int16), or "float32", "bfloat16" or "int4" (packed as float32).

    Returns:
        ``pack(rows, stride, count, blocks, out, scales, scales_stride, groups)``, all int64: the address of the first
        row, the bytes from one to the next, how many there are (the last one is repeated), the number of blocks of
        `TILE.lanes` words in a row, and the address of the result, whose steps lie ``4 * TILE.rows`` bytes apart. Of
        int4: the address of the first row's first scale, the bytes from one row's to the next one's, and how many a row
        has.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows, stride, count, blocks, out, scales, scales_stride, groups = arguments
        last = builder.sub(count, ir.Constant(INT64, 1))
        numbers = [_at_most(builder, ir.Constant(INT64, number), last) for number in range(TILE.lanes)]
        addresses = [builder.add(rows, builder.mul(number, stride)) for number in numbers]
        scales_at = [builder.add(scales, builder.mul(number, scales_stride)) for number in numbers]
        with _for(builder, blocks) as block:
            offset = builder.mul(block, ir.Constant(INT64, 4 * TILE.lanes))
            square = [load(builder, builder.add(address, offset), 0, INTS) for address in addresses]
            words = transpose(builder, square)
            step_bytes = 4 * TILE.rows
            steps = TILE.lanes * STEPS[kind]
            to = builder.add(out, builder.mul(block, ir.Constant(INT64, steps * step_bytes)))
            if kind == "int4":
                last_group = builder.sub(groups, ir.Constant(INT64, 1))
                parts = _dequantize(builder, words, block, scales_at, last_group)
            else:
                parts = [part for word in words for part in _widen(builder, kind, word)]
            for step, part in enumerate(parts):
                store(builder, to, step * step_bytes, part)
        return context.get_dummy_value()

    @intrinsic
    def pack(
        typing: Any, rows: Any, stride: Any, count: Any, blocks: Any, out: Any, scales: Any, apart: Any, groups: Any
    ) -> Any:
        return signature(types.void, *[types.int64] * 8), generate

    return pack


def make_token_packer(tokens: int, block_bytes: int) -> Any:
    """Makes a function for compiled code that packs the words of a tile of tokens.

    Args:
        tokens: of the tile, a power of two.
        block_bytes: from one block of ``tokens`` words of each token to the next one, where they are packed.

    Returns:
        ``pack(rows, stride, blocks, out)``, all int64: the addresses of the words and of the result, the bytes from one
        token to the next, and the number of blocks.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows, stride, blocks, out = arguments
        kind = ir.VectorType(INT32, tokens)
        addresses = [builder.add(rows, builder.mul(stride, ir.Constant(INT64, token))) for token in range(tokens)]
        with _for(builder, blocks) as block:
            offset = builder.mul(block, ir.Constant(INT64, 4 * tokens))
            square = [load(builder, builder.add(address, offset), 0, kind) for address in addresses]
            to = builder.add(out, builder.mul(block, ir.Constant(INT64, block_bytes)))
            for number, word in enumerate(transpose(builder, square)):
                store(builder, to, 4 * tokens * number, word)
        return context.get_dummy_value()

    @intrinsic
    def pack(typing: Any, rows: Any, stride: Any, blocks: Any, out: Any) -> Any:
        return signature(types.void, *[types.int64] * 4), generate

    return pack


pack_tokens: Final = make_token_packer(TILE.tokens, 4 * TILE.tokens**2)
"""Of tiles of the registers' size, block after block."""


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


def _at_most(builder: Any, number: Any, most: Any) -> Any:
    return builder.select(builder.icmp_signed("<", number, most), number, most)


def _dequantize(builder: Any, words: list[Any], block: Any, scales: list[Any], last_group: Any) -> list[Any]:
    """The columns that are in a block of int4 words: `group_size` says where. ``scales`` are the rows' addresses."""
    columns = []
    words_of_group = GROUP // STEPS["int4"]
    for group in range(TILE.lanes // words_of_group):
        first = builder.add(
            builder.mul(block, ir.Constant(INT64, TILE.lanes // words_of_group)), ir.Constant(INT64, group)
        )
        offset = builder.mul(_at_most(builder, first, last_group), ir.Constant(INT64, 4))
        scale = ir.Constant(FLOATS, ir.Undefined)
        for lane, address in enumerate(scales):
            own = load(builder, builder.add(address, offset), 0, FLOAT)
            scale = builder.insert_element(scale, own, ir.Constant(INT32, lane))
        for half in (0, 4):
            for word in words[words_of_group * group : words_of_group * (group + 1)]:
                for byte in range(4):
                    number = builder.and_(builder.lshr(word, constant(8 * byte + half)), constant(15))
                    value = builder.sitofp(builder.sub(number, constant(ZERO)), FLOATS)
                    columns.append(builder.fmul(value, scale))
    return columns


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
