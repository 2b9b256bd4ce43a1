"""LLVM intrinsics for products in the matrix registers of Intel's AMX, in assembly.

A matrix register has 16 rows of 64 bytes. One instruction multiplies 16 rows of weights, 64 bytes of each, with as many
columns of 16 tokens, and adds to 256 sums of 32 bits (Intel 64 and IA-32 Architectures Software Developer's Manual,
volume 1, chapter 18). A token's numbers are a sum of parts, each of which is multiplied: an int16 of two int8, of which
the upper one has a sign, and whose products are summed apart; a float32 of three bfloat16.

Eight registers hold two times 16 rows, two operands of tokens, and the four sums of these: in int8 of 16 tokens' upper
and lower parts, in bfloat16 of 32 tokens. LLVM has no register of this kind to give away, so a loop is one piece of
assembly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from llvmlite import binding, ir
from numba import types
from numba.core.typing import signature
from numba.extending import intrinsic

from gptdesk.inference.cpu.intrinsics.register_tile import MATRIX_BLOCKS
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

SIDE: Final = 16
"""Rows of a register, and tokens."""

ROW_BYTES: Final = 64
"""Of a register: of a row of weights what a step multiplies."""

REGISTER_BYTES: Final = SIDE * ROW_BYTES
SUMS: Final = 4 * SIDE * SIDE
"""Elements of a block's sums, (2 times 16 rows, operands of tokens, 16 rows, 16 tokens)."""

_ROWS: Final = ("%tmm4", "%tmm5")
_TOKENS: Final = ("%tmm6", "%tmm7")


class Operands(NamedTuple):
    """What a step multiplies rows with, register after register.

    Attributes:
        parts: of a token's numbers.
        groups: of 16 tokens.
        products: the instruction for each of the two operands.
    """

    parts: int
    groups: int
    products: tuple[str, str]

    @property
    def step_bytes(self) -> int:
        """From a step's first register to the next step's."""
        return self.parts * self.groups * REGISTER_BYTES


OPERANDS: Final = {
    "int8": Operands(2, MATRIX_BLOCKS["int8"].tokens // SIDE, ("tdpbssd", "tdpbsud")),
    "bfloat16": Operands(3, MATRIX_BLOCKS["bfloat16"].tokens // SIDE, ("tdpbf16ps", "tdpbf16ps")),
}
"""By the format of the weights."""


@intrinsic
def begin_tiles(typing: Any, address: Any) -> Any:
    """Makes all matrix registers of this thread 16 rows of 64 bytes; at the address is memory for 64 bytes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (address,) = arguments
        configuration = [1, *[0] * 15, *[ROW_BYTES, 0] * 8, *[0] * 16, *[SIDE] * 8, *[0] * 8]
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


def make_multiply_tiles(weights: str, lines: int) -> Any:
    """Makes a function for compiled code that multiplies a block of weights and tokens.

    It is called between `begin_tiles` and `end_tiles`.

    Args:
        weights: their format, a key of `OPERANDS`.
        lines: of the cache that are prefetched in each step.

    Returns:
        ``multiply_tiles(rows, stride, tokens, steps, sums, add, following)``, all int64: the address of the first row
        and the bytes from one to the next; the address of the tokens' steps, which `OPERANDS` describes; the number of
        steps, more than 0; the address of the `SUMS`; whether they are added to what is there; and the address of what
        is prefetched, line after line, into the second level.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows, stride, tokens, steps, sums, add, following = arguments
        others = builder.add(rows, builder.mul(stride, ir.Constant(INT64, SIDE)))
        operands = [rows, others, tokens, steps, following, stride, sums, ir.Constant(INT64, ROW_BYTES)]
        with builder.if_else(builder.icmp_signed("!=", add, ir.Constant(INT64, 0))) as (then, otherwise):
            for branch, begin in ((then, _load_sums), (otherwise, _clear_sums)):
                with branch:
                    lines_of_code = [*begin(), *_loop(OPERANDS[weights], lines)]
                    _assemble(builder, lines_of_code, "0,1,2,3,4,r,r,r", operands, changed=5)
        return context.get_dummy_value()

    @intrinsic
    def multiply_tiles(
        typing: Any, rows: Any, stride: Any, tokens: Any, steps: Any, sums: Any, add: Any, following: Any
    ) -> Any:
        return signature(types.void, *[types.int64] * 7), generate

    return multiply_tiles


def make_combine_sums(weights: str) -> Any:
    """Makes a function for compiled code that turns `SUMS` into results.

    Returns:
        ``combine_sums(sums, scales, factors, bias, out)``: addresses, int64, of the sums, of the tokens' scales, of the
        rows' factors and bias, float32, and of the result, (tokens, rows) float32: in int8 (256 * upper + lower) *
        (scale * factor) + bias, in bfloat16 sum + bias.
    """
    exact, (tokens, rows) = weights == "int8", MATRIX_BLOCKS[weights]

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        sums, scales, factors, bias, out = arguments

        def number(address: Any, row: int) -> Any:
            return splat(builder, load(builder, address, 4 * row, FLOAT))

        def result(row: int, group: int) -> Any:
            upper_rows, own = divmod(row, SIDE)
            at = [REGISTER_BYTES * (2 * upper_rows + operand) + ROW_BYTES * own for operand in range(2)]
            if not exact:
                return builder.fadd(load(builder, sums, at[group], FLOATS), number(bias, row))
            upper, lower = (builder.sitofp(load(builder, sums, offset, INTS), FLOATS) for offset in at)
            total = call(builder, "llvm.fma.v16f32", FLOATS, [upper, splat(builder, ir.Constant(FLOAT, 256)), lower])
            scale = builder.fmul(load(builder, scales, 0, FLOATS), number(factors, row))
            return builder.fadd(builder.fmul(total, scale), number(bias, row))

        for group in range(tokens // SIDE):
            for first in range(0, rows, SIDE):
                turned = transpose(builder, [result(first + row, group) for row in range(SIDE)])
                for token, values in enumerate(turned):
                    store(builder, out, 4 * (rows * (SIDE * group + token) + first), values)
        return context.get_dummy_value()

    @intrinsic
    def combine_sums(typing: Any, sums: Any, scales: Any, factors: Any, bias: Any, out: Any) -> Any:
        return signature(types.void, *[types.int64] * 5), generate

    return combine_sums


def _load_sums() -> Iterator[str]:
    for number in range(4):
        yield f"tileloadd {number * REGISTER_BYTES}(${{11}},${{12}}), %tmm{number}"


def _clear_sums() -> Iterator[str]:
    for number in range(4):
        yield f"tilezero %tmm{number}"


def _loop(operands: Operands, lines: int) -> Iterator[str]:
    """The first five operands change, and are 5 to 9 before; 10, 11 and 12 are the stride, the sums' address and 64."""
    yield ".p2align 4"
    yield "1:"
    yield from _spread([f"prefetcht1 {ROW_BYTES * line}($4)" for line in range(lines)], list(_step(operands)))
    yield f"addq $${ROW_BYTES}, $0"
    yield f"addq $${ROW_BYTES}, $1"
    yield f"addq $${operands.step_bytes}, $2"
    yield f"addq $${ROW_BYTES * lines}, $4"
    yield "decq $3"
    yield "jnz 1b"
    for number in range(4):
        yield f"tilestored %tmm{number}, {number * REGISTER_BYTES}(${{11}},${{12}})"


def _step(operands: Operands) -> Iterator[str]:
    """Loads come right before the first product that needs them, so that those before it go on meanwhile."""
    registers = operands.parts * operands.groups
    for first in range(0, registers, 2):
        for number in range(4):
            row, operand = divmod(number, 2)
            if not first and not operand:
                yield "tileloadd ($" + str(row) + ",${10}), " + _ROWS[row]
            if not row:
                yield f"tileloadd {(first + operand) * REGISTER_BYTES}($2,${{12}}), {_TOKENS[operand]}"
            yield f"{operands.products[operand]} {_TOKENS[operand]}, {_ROWS[row]}, %tmm{number}"


def _spread(some: list[str], among: list[str]) -> Iterator[str]:
    """All lines of ``among`` in their order, with as many of ``some`` behind each."""
    for number, line in enumerate(among):
        yield line
        yield from some[number * len(some) // len(among) : (number + 1) * len(some) // len(among)]


def _assemble(builder: ir.IRBuilder, lines: list[str], inputs: str, operands: list[Any], *, changed: int = 0) -> None:
    """Adds assembly, of which the first ``changed`` operands are other registers afterwards."""
    binding.initialize_native_asmparser()  # for when the code is compiled
    result = ir.LiteralStructType([INT64] * changed) if changed else ir.VoidType()
    constraints = ",".join(part for part in [*["=&r"] * changed, inputs, "~{memory}", "~{flags}"] if part)
    kind = ir.FunctionType(result, [operand.type for operand in operands])
    builder.asm(kind, "\\0A".join(lines), constraints, operands, side_effect=True)
