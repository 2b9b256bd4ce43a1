"""LLVM intrinsics for a row of results: a token's outputs of one panel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.typing import signature
from numba.extending import intrinsic

from gptdesk.inference.cpu.intrinsics.register_tile import TILE
from gptdesk.inference.cpu.intrinsics.vectors import FLOATS, load, store


def make_copy_row(rows: int) -> Any:
    """Makes ``copy_row(y, out)`` for compiled code, which copies ``rows`` float32 from one address to another."""
    return _make_row_function(rows, lambda builder, own, there: own)


def make_add_row(rows: int) -> Any:
    """Makes ``add_row(y, out)`` for compiled code, which adds ``rows`` float32 at one address to those at another."""
    return _make_row_function(rows, lambda builder, own, there: builder.fadd(there, own))


def _make_row_function(rows: int, result: Callable[[ir.IRBuilder, Any, Any], Any]) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        y, out = arguments
        for offset in range(0, 4 * rows, 4 * TILE.lanes):
            own, there = (load(builder, address, offset, FLOATS) for address in (y, out))
            store(builder, out, offset, result(builder, own, there))
        return context.get_dummy_value()

    @intrinsic
    def function(typing: Any, y: Any, out: Any) -> Any:
        return signature(types.void, types.int64, types.int64), generate

    return function
