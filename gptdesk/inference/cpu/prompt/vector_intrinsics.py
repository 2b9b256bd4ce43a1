"""LLVM vectors as wide as the processor's registers: what the other intrinsics of this folder are made of."""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir
from numba.core import cgutils

from gptdesk.inference.cpu.prompt.register_tile import TILE

FLOAT: Final = ir.FloatType()
INT8: Final = ir.IntType(8)
INT16: Final = ir.IntType(16)
INT32: Final = ir.IntType(32)
INT64: Final = ir.IntType(64)
FLOATS: Final = ir.VectorType(FLOAT, TILE.lanes)
INTS: Final = ir.VectorType(INT32, TILE.lanes)


def load(builder: ir.IRBuilder, address: Any, offset: int, kind: Any) -> Any:
    """Loads a value of that type at an int64 address and a constant offset in bytes."""
    place = builder.add(address, ir.Constant(INT64, offset))
    return builder.load(builder.inttoptr(place, kind.as_pointer()), align=1)


def store(builder: ir.IRBuilder, address: Any, offset: int, value: Any) -> None:
    """Stores a value at an int64 address and a constant offset in bytes."""
    place = builder.add(address, ir.Constant(INT64, offset))
    builder.store(value, builder.inttoptr(place, value.type.as_pointer()), align=1)


def splat(builder: ir.IRBuilder, number: Any) -> Any:
    """A vector with the same number in all lanes."""
    kind = ir.VectorType(number.type, TILE.lanes)
    vector = builder.insert_element(ir.Constant(kind, ir.Undefined), number, ir.Constant(INT32, 0))
    return builder.shuffle_vector(vector, vector, ir.Constant(INTS, [0] * TILE.lanes))


def constant(value: int) -> Any:
    """An int32 in all lanes."""
    return ir.Constant(INTS, [value] * TILE.lanes)


def shuffle(builder: ir.IRBuilder, first: Any, second: Any, lanes: list[int]) -> Any:
    """Lanes of two vectors that follow each other, in that order."""
    return builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(INT32, len(lanes)), lanes))


def transpose(builder: ir.IRBuilder, rows: list[Any]) -> list[Any]:
    """Transposes a square of n vectors of n lanes, n a power of two."""
    size, distance = len(rows), 1
    while distance < size:
        swapped = list(rows)
        for i in range(size):
            if not i & distance:
                low = [lane if not lane & distance else size + lane - distance for lane in range(size)]
                high = [lane + distance if not lane & distance else size + lane for lane in range(size)]
                swapped[i] = shuffle(builder, rows[i], rows[i + distance], low)
                swapped[i + distance] = shuffle(builder, rows[i], rows[i + distance], high)
        rows, distance = swapped, 2 * distance
    return rows


def call(builder: ir.IRBuilder, name: str, result: Any, arguments: list[Any]) -> Any:
    """Calls an LLVM intrinsic."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)
