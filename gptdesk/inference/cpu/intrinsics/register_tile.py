"""The block of results that a product keeps in registers, and how pairs of int16 are multiplied, by instruction set."""

from __future__ import annotations

import platform
from typing import Final, NamedTuple

from gptdesk.inference.cpu.native_code import processor


class RegisterTile(NamedTuple):
    """How products are computed.

    Attributes:
        tokens: whose results a block holds; a power of two.
        vectors: of rows whose results it holds.
        lanes: 32-bit elements of a vector.
        pairs: what multiplies two int16 by two and adds the products to an int32: "vnni" (``vpdpwssd``), "madd"
            (``vpmaddwd`` and an addition), or "generic": what the compiler chooses.
    """

    tokens: int
    vectors: int
    lanes: int
    pairs: str

    @property
    def rows(self) -> int:
        """Rows of weights in a block."""
        return self.vectors * self.lanes


def _choose_tile() -> RegisterTile:
    """The tile for the processor that code is compiled for: results fill its registers but those for operands."""
    has = processor().has()
    if {"avx512bw", "avx512f"} <= has:
        return RegisterTile(8, 3, 16, "vnni" if "avx512vnni" in has else "madd")
    if "avx2" in has:
        return RegisterTile(4, 3, 8, "vnni" if "avxvnni" in has else "madd")
    if platform.machine().lower() in ("arm64", "aarch64"):  # 32 registers
        return RegisterTile(8, 3, 4, "generic")
    return RegisterTile(4, 3, 4, "generic")


TILE: Final = _choose_tile()


def in_assembly() -> bool:
    """Whether blocks are summed by `block_assembly`: AVX2 has too few registers for the code that LLVM makes.

    The assembly needs FMA, too, which some virtual machines hide; LLVM does without.
    """
    return TILE.lanes == 8 and "fma" in processor().has()


def _find_matrix_weights() -> frozenset[str]:
    has = processor().has()
    if TILE.lanes != 16 or "amx-tile" not in has:
        return frozenset()
    return frozenset(kind for kind, needed in (("int8", "amx-int8"), ("bfloat16", "amx-bf16")) if needed in has)


MATRIX_WEIGHTS: Final = _find_matrix_weights()
"""Formats of weights with which products of many tokens are computed in matrix registers (AMX)."""


class Block(NamedTuple):
    """Tokens and rows of weights whose products are computed at a time."""

    tokens: int
    rows: int


MATRIX_BLOCKS: Final = {"int8": Block(16, 32), "bfloat16": Block(32, 32)}
"""In matrix registers; `prompt.matrix_intrinsics` says why."""


def block_of(weights: str) -> Block:
    """Of a product with weights in that format."""
    return MATRIX_BLOCKS[weights] if weights in MATRIX_WEIGHTS else Block(TILE.tokens, TILE.rows)
