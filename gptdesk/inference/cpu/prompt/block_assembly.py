"""The loop of `product_intrinsics` in assembly, for AVX2: LLVM does not get along with its 16 registers.

LLVM unrolls the loop and loads rows early; then sums have no register, and each step stores some and loads them again.
On a Zen 3 attention to 512 tokens took 1.35 times as long with that, and products with int8 1.05 times.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from llvmlite import binding, ir

from gptdesk.inference.cpu.intrinsics.register_tile import TILE
from gptdesk.inference.cpu.intrinsics.vectors import FLOATS, INT64, INTS

REGISTERS: Final = 16
"""Vector registers of AVX2, of 8 elements of 32 bits."""

_VECTOR_BYTES: Final = 32
_STEPS: Final = 2
"""Steps of a round of the loop."""


class Products(NamedTuple):
    """What is multiplied, as `product_intrinsics.make_block` says."""

    exact: bool
    tokens: int
    vectors: int
    step_bytes: int
    token_bytes: int


def sum_products(builder: ir.IRBuilder, products: Products, x: Any, weights: Any, steps: Any) -> list[Any]:
    """Adds code for the sums of products: vectors by token and vector of rows, int32 if exact, else float32.

    Args:
        builder: gets the code.
        products: what is multiplied.
        x: address of the tokens' numbers.
        weights: address of the rows.
        steps: number of steps, even and more than 0.
    """
    binding.initialize_native_asmparser()  # for when the code is compiled
    count = products.tokens * products.vectors
    results = ir.LiteralStructType([INTS if products.exact else FLOATS] * count + [INT64] * 3)
    sums = [f"=&{{ymm{number}}}" for number in range(count)]
    changed = ["=&r"] * 3  # both addresses and the steps that are left, which begin as the arguments
    arguments = [str(count + number) for number in range(3)]
    used = [f"~{{ymm{number}}}" for number in range(count, REGISTERS)]
    constraints = ",".join([*sums, *changed, *arguments, *used, "~{memory}", "~{flags}"])
    text = "\\0A".join(_lines(products, *(f"${count + number}" for number in range(3))))
    kind = ir.FunctionType(results, [INT64] * 3)
    found = builder.asm(kind, text, constraints, [x, weights, steps], side_effect=True)
    return [builder.extract_value(found, number) for number in range(count)]


def _lines(products: Products, x: str, weights: str, steps: str) -> Iterator[str]:
    """The program; the arguments name the registers of the addresses and of the number of steps that are left."""
    row_bytes = products.vectors * _VECTOR_BYTES
    for number in range(products.tokens * products.vectors):
        yield f"vpxor %ymm{number}, %ymm{number}, %ymm{number}"
    yield ".p2align 4"
    yield "1:"
    for step in range(_STEPS):
        yield from _step(products, x, step * products.step_bytes, weights, step * row_bytes)
    yield f"addq $${_STEPS * products.step_bytes}, {x}"
    yield f"addq $${_STEPS * row_bytes}, {weights}"
    yield f"subq $${_STEPS}, {steps}"
    yield "jnz 1b"


def _step(products: Products, x: str, x_offset: int, weights: str, row_offset: int) -> Iterator[str]:
    """Each token's number, or pair, times all rows'.

    Rows without a register are read for each token, and before the others, which a Zen 3 does a tenth faster.
    """
    through_product = products.exact and TILE.pairs == "madd"
    first, vectors = products.tokens * products.vectors, range(products.vectors)
    kept = min(products.vectors, REGISTERS - first - 1 - through_product)
    number, product = f"%ymm{first + kept}", f"%ymm{first + kept + 1}"
    places = [f"{row_offset + _VECTOR_BYTES * vector}({weights})" for vector in vectors]
    rows = [f"%ymm{first + vector}" if vector < kept else places[vector] for vector in vectors]
    for vector in range(kept):
        yield f"vmovups {places[vector]}, {rows[vector]}"
    for token in range(products.tokens):
        yield f"vbroadcastss {x_offset + token * products.token_bytes}({x}), {number}"
        for vector in [*vectors[kept:], *vectors[:kept]]:
            total = f"%ymm{token * products.vectors + vector}"
            if through_product:
                yield f"vpmaddwd {rows[vector]}, {number}, {product}"
                yield f"vpaddd {product}, {total}, {total}"
            elif products.exact:
                yield f"{{vex}} vpdpwssd {rows[vector]}, {number}, {total}"
            else:
                yield f"vfmadd231ps {rows[vector]}, {number}, {total}"
