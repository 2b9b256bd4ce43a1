"""LLVM vectors as wide as the processor's registers: what the other intrinsics of this folder are made of."""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir
from numba.core import cgutils

from gptdesk.inference.cpu.intrinsics.register_tile import TILE

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


def splat(builder: ir.IRBuilder, number: Any, lanes: int = TILE.lanes) -> Any:
    """A vector with the same number in all lanes."""
    kind = ir.VectorType(number.type, lanes)
    vector = builder.insert_element(ir.Constant(kind, ir.Undefined), number, ir.Constant(INT32, 0))
    return shuffle(builder, vector, vector, [0] * lanes)


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


def add_pairs(builder: ir.IRBuilder, total: Any, x: Any, row: Any) -> Any:
    """total + x0 row0 + x1 row1 of the two int16 in each int32 of x and row: vectors of `TILE.lanes` int32, or of 8."""
    lanes = total.type.count
    if TILE.pairs == "vnni":
        return call(builder, f"llvm.x86.avx512.vpdpwssd.{32 * lanes}", total.type, [total, x, row])
    if TILE.pairs == "madd":
        name = "llvm.x86.avx512.pmaddw.d.512" if lanes == 16 else "llvm.x86.avx2.pmadd.wd"
        halves = ir.VectorType(INT16, 2 * lanes)
        products = call(builder, name, total.type, [builder.bitcast(value, halves) for value in (x, row)])
        return builder.add(total, products)
    sixteen = ir.Constant(total.type, [16] * lanes)
    high = builder.mul(builder.ashr(x, sixteen), builder.ashr(row, sixteen))
    low = builder.mul(*(builder.ashr(builder.shl(value, sixteen), sixteen) for value in (x, row)))
    return builder.add(builder.add(total, high), low)


def call(builder: ir.IRBuilder, name: str, result: Any, arguments: list[Any]) -> Any:
    """Calls an LLVM intrinsic."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


def prefetch_line(builder: ir.IRBuilder, address: Any) -> None:
    """Prefetches the cache line at an int64 address, which need not be valid."""
    pointer = builder.inttoptr(address, INT8.as_pointer())
    reading, keeping, data = 0, 3, 1
    numbers = [ir.Constant(INT32, number) for number in (reading, keeping, data)]
    call(builder, "llvm.prefetch.p0", ir.VoidType(), [pointer, *numbers])
