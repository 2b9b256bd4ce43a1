"""LLVM intrinsics for products of int8 in the matrix registers of Intel's AMX, in assembly.

A matrix register has 16 rows of 64 bytes. One instruction multiplies 16 rows of weights, 64 columns of each, with as
many columns of 16 tokens, and adds to 256 sums in int32 (Intel 64 and IA-32 Architectures Software Developer's Manual,
volume 1, chapter 18). LLVM has no register of this kind to give away, so a loop is one piece of assembly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from llvmlite import binding, ir
from numba import types
from numba.core.typing import signature
from numba.extending import intrinsic

from gptdesk.inference.cpu.intrinsics.register_tile import MATRIX_ROWS as ROWS
from gptdesk.inference.cpu.intrinsics.register_tile import MATRIX_TOKENS as TOKENS
from gptdesk.inference.cpu.intrinsics.vectors import (
    FLOAT,
    FLOATS,
    INT8,
    INT64,
    INTS,
    call,
    load,
    splat,
    store,
    transpose,
)

COLUMNS: Final = 64
"""Of a step."""

REGISTER_BYTES: Final = 1024
STEP_BYTES: Final = 2 * REGISTER_BYTES
"""Of a step of a block's tokens: the upper halves of their numbers, and the lower ones."""

SUMS: Final = 4 * REGISTER_BYTES // 4
"""int32 elements of a block's sums: of the first 16 rows those of upper halves, of lower ones, and the same of the
other rows; each (16 rows, 16 tokens)."""

_LINE: Final = 64
"""Bytes of a cache line."""
_UPPER, _LOWER, _FIRST_ROWS, _OTHER_ROWS = "%tmm6", "%tmm7", "%tmm4", "%tmm5"


@intrinsic
def begin_tiles(typing: Any, address: Any) -> Any:
    """Makes all matrix registers of this thread 16 rows of 64 bytes; at the address is memory for 64 bytes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (address,) = arguments
        configuration = [1, *[0] * 15, *[64, 0] * 8, *[0] * 16, *[16] * 8, *[0] * 8]
        store(builder, address, 0, ir.Constant(ir.VectorType(INT8, 64), configuration))
        _assemble(builder, ["ldtilecfg ($0)"], "r", [address])
        return context.get_dummy_value()

    return signature(types.void, types.int64), generate


@intrinsic
def end_tiles(typing: Any) -> Any:
    """Gives the matrix registers back, so that the system need not keep them for this thread."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _assemble(builder, ["tilerelease"], "", [])
        return context.get_dummy_value()

    return signature(types.void), generate


def make_multiply_tiles(lines: int) -> Any:
    """Makes a function for compiled code that multiplies 32 rows of int8 weights with 16 tokens.

    It is called between `begin_tiles` and `end_tiles`.

    Args:
        lines: of the cache that are prefetched in each step.

    Returns:
        ``multiply_tiles(rows, stride, tokens, steps, sums, add, following)``, all int64: the address of the first row
        and the bytes from one to the next; the address of the tokens' steps, `STEP_BYTES` each; the number of steps,
        more than 0; the address of the `SUMS`; whether they are added to what is there; and the address of what is
        prefetched, line after line, into the second level.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows, stride, tokens, steps, sums, add, following = arguments
        others = builder.add(rows, builder.mul(stride, ir.Constant(INT64, 16)))
        operands = [rows, others, tokens, steps, following, stride, sums, ir.Constant(INT64, COLUMNS)]
        with builder.if_else(builder.icmp_signed("!=", add, ir.Constant(INT64, 0))) as (then, otherwise):
            for branch, begin in ((then, _load_sums), (otherwise, _clear_sums)):
                with branch:
                    _assemble(builder, [*begin(), *_loop(lines)], "0,1,2,3,4,r,r,r", operands, changed=5)
        return context.get_dummy_value()

    @intrinsic
    def multiply_tiles(
        typing: Any, rows: Any, stride: Any, tokens: Any, steps: Any, sums: Any, add: Any, following: Any
    ) -> Any:
        return signature(types.void, *[types.int64] * 7), generate

    return multiply_tiles


@intrinsic
def combine_sums(typing: Any, sums: Any, scales: Any, factors: Any, bias: Any, out: Any) -> Any:
    """Stores (256 * upper + lower) * (scale * factor) + bias of `SUMS`, (16 tokens, 32 rows) float32.

    All are addresses, int64: of the sums; of the tokens' scales; of the rows' factors and bias, float32; of the result.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        sums, scales, factors, bias, out = arguments
        scale, upper_factor = load(builder, scales, 0, FLOATS), splat(builder, ir.Constant(FLOAT, 256))
        for first in range(0, ROWS, TOKENS):
            results = []
            for row in range(TOKENS):
                offset = 2 * REGISTER_BYTES * (first // TOKENS) + COLUMNS * row
                halves = (load(builder, sums, offset + half * REGISTER_BYTES, INTS) for half in range(2))
                upper, lower = (builder.sitofp(half, FLOATS) for half in halves)
                total = call(builder, "llvm.fma.v16f32", FLOATS, [upper, upper_factor, lower])
                factor, added = (
                    splat(builder, load(builder, numbers, 4 * (first + row), FLOAT)) for numbers in (factors, bias)
                )
                results.append(builder.fadd(builder.fmul(total, builder.fmul(scale, factor)), added))
            for token, result in enumerate(transpose(builder, results)):
                store(builder, out, 4 * (ROWS * token + first), result)
        return context.get_dummy_value()

    return signature(types.void, *[types.int64] * 5), generate


def _load_sums() -> Iterator[str]:
    for number in range(4):
        yield f"tileloadd {number * REGISTER_BYTES}(${{11}},${{12}}), %tmm{number}"


def _clear_sums() -> Iterator[str]:
    for number in range(4):
        yield f"tilezero %tmm{number}"


def _loop(lines: int) -> Iterator[str]:
    """The first five operands change, and are 5 to 9 before; 10, 11 and 12 are the stride, the sums' address and 64."""
    prefetches = [f"prefetcht1 {_LINE * line}($4)" for line in range(lines)]
    quarter = -(-lines // 4)
    yield ".p2align 4"
    yield "1:"
    yield f"tileloadd ($0,${{10}}), {_FIRST_ROWS}"
    yield f"tileloadd ($2,${{12}}), {_UPPER}"
    yield f"tdpbssd {_UPPER}, {_FIRST_ROWS}, %tmm0"
    yield from prefetches[:quarter]
    yield f"tileloadd {REGISTER_BYTES}($2,${{12}}), {_LOWER}"
    yield f"tdpbsud {_LOWER}, {_FIRST_ROWS}, %tmm1"
    yield from prefetches[quarter : 2 * quarter]
    yield f"tileloadd ($1,${{10}}), {_OTHER_ROWS}"
    yield f"tdpbssd {_UPPER}, {_OTHER_ROWS}, %tmm2"
    yield from prefetches[2 * quarter : 3 * quarter]
    yield f"tdpbsud {_LOWER}, {_OTHER_ROWS}, %tmm3"
    yield from prefetches[3 * quarter :]
    yield f"addq $${COLUMNS}, $0"
    yield f"addq $${COLUMNS}, $1"
    yield f"addq $${STEP_BYTES}, $2"
    yield f"addq $${_LINE * lines}, $4"
    yield "decq $3"
    yield "jnz 1b"
    for number in range(4):
        yield f"tilestored %tmm{number}, {number * REGISTER_BYTES}(${{11}},${{12}})"


def _assemble(builder: ir.IRBuilder, lines: list[str], inputs: str, operands: list[Any], *, changed: int = 0) -> None:
    """Adds assembly, of which the first ``changed`` operands are other registers afterwards."""
    binding.initialize_native_asmparser()  # for when the code is compiled
    result = ir.LiteralStructType([INT64] * changed) if changed else ir.VoidType()
    constraints = ",".join(part for part in [*["=&r"] * changed, inputs, "~{memory}", "~{flags}"] if part)
    kind = ir.FunctionType(result, [operand.type for operand in operands])
    builder.asm(kind, "\\0A".join(lines), constraints, operands, side_effect=True)
