"""LLVM intrinsics for products: a block of tokens times a block of rows of weights, with all sums in registers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.typing import signature
from numba.extending import intrinsic

from gptdesk.inference.cpu.intrinsics.register_tile import TILE, in_assembly
from gptdesk.inference.cpu.intrinsics.vectors import (
    FLOAT,
    FLOATS,
    INT32,
    INT64,
    INTS,
    add_pairs,
    call,
    load,
    splat,
    store,
)
from gptdesk.inference.cpu.prompt.block_assembly import Products, sum_products


def make_block(kind: str, vectors: int, step_bytes: int, token_bytes: int) -> Any:
    """Makes a function for compiled code: sums over steps of products of `TILE.tokens` tokens with some rows.

    A step is one column in float32, or two in int16. Each sum is taken over the steps one after the other (in int32
    exactly), whatever the other tokens and rows are.

    Args:
        kind: "int16" or "float32".
        vectors: of rows.
        step_bytes: from a token's number, or pair, to that of the next step.
        token_bytes: from one token's to the next one's.

    Returns:
        ``block(x, weights, steps, out, add)``, all int64: the addresses of the tokens' numbers and of the weights,
        (steps, vectors * `TILE.lanes`) of 4 bytes; the number of steps; the address of the results, (tokens,
        vectors * `TILE.lanes`) float32; and whether they are added to what is there.
    """
    exact = kind == "int16"
    whole, element = (INTS, INT32) if exact else (FLOATS, FLOAT)
    multiply_add = add_pairs if exact else _add_floats
    row_bytes = 4 * TILE.lanes * vectors

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, weights, steps, out, add = arguments
        places = [(token, vector) for token in range(TILE.tokens) for vector in range(vectors)]

        def one_step(step: Any, sums: list[Any]) -> list[Any]:
            from_x = builder.add(x, builder.mul(step, ir.Constant(INT64, step_bytes)))
            row = builder.add(weights, builder.mul(step, ir.Constant(INT64, row_bytes)))
            rows = [load(builder, row, 4 * TILE.lanes * vector, whole) for vector in range(vectors)]
            xs = [splat(builder, load(builder, from_x, token * token_bytes, element)) for token in range(TILE.tokens)]
            return [
                multiply_add(builder, total, xs[token], rows[vector])
                for total, (token, vector) in zip(sums, places, strict=True)
            ]

        if in_assembly():
            products = Products(exact, TILE.tokens, vectors, step_bytes, token_bytes)
            sums = sum_products(builder, products, x, weights, steps)
        else:
            sums = _loop(builder, steps, [ir.Constant(whole, None)] * len(places), one_step)
        results = [builder.sitofp(total, FLOATS) for total in sums] if exact else sums
        offsets = [row_bytes * token + 4 * TILE.lanes * vector for token, vector in places]
        with builder.if_else(builder.icmp_signed("!=", add, ir.Constant(INT64, 0))) as (then, otherwise):
            with then:
                for offset, result in zip(offsets, results, strict=True):
                    store(builder, out, offset, builder.fadd(load(builder, out, offset, FLOATS), result))
            with otherwise:
                for offset, result in zip(offsets, results, strict=True):
                    store(builder, out, offset, result)
        return context.get_dummy_value()

    @intrinsic
    def block(typing: Any, x: Any, weights: Any, steps: Any, out: Any, add: Any) -> Any:
        return signature(types.void, *[types.int64] * 5), generate

    return block


def _loop(builder: Any, steps: Any, start: list[Any], one_step: Callable[[Any, list[Any]], list[Any]]) -> list[Any]:
    """A loop over ``steps`` that carries vectors. Not unrolled: LLVM would split the chained ``vpdpwssd`` in two."""
    before = builder.block
    head, body, after = (builder.append_basic_block(name) for name in ("block", "block_step", "block_end"))
    builder.branch(head)
    builder.position_at_end(head)
    step = builder.phi(INT64)
    step.add_incoming(ir.Constant(INT64, 0), before)
    sums = [builder.phi(value.type) for value in start]
    for total, value in zip(sums, start, strict=True):
        total.add_incoming(value, before)
    builder.cbranch(builder.icmp_signed("<", step, steps), body, after)
    builder.position_at_end(body)
    added = one_step(step, sums)
    step.add_incoming(builder.add(step, ir.Constant(INT64, 1)), builder.block)
    for total, value in zip(sums, added, strict=True):
        total.add_incoming(value, builder.block)
    builder.branch(head)
    builder.position_at_end(after)
    return sums


def _add_floats(builder: Any, total: Any, x: Any, row: Any) -> Any:
    return call(builder, f"llvm.fma.v{TILE.lanes}f32", FLOATS, [x, row, total])


@intrinsic
def largest_of(typing: Any, numbers: Any) -> Any:
    """The largest of the `TILE.rows` float32 at an address; NaN does not count."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        largest = load(builder, arguments[0], 0, FLOATS)
        for vector in range(1, TILE.vectors):
            other = load(builder, arguments[0], 4 * TILE.lanes * vector, FLOATS)
            largest = call(builder, f"llvm.maxnum.v{TILE.lanes}f32", FLOATS, [largest, other])
        return call(builder, f"llvm.vector.reduce.fmax.v{TILE.lanes}f32", FLOAT, [largest])

    return signature(types.float32, types.int64), generate


@intrinsic
def scale_row(typing: Any, y: Any, scale: Any, factors: Any, bias: Any) -> Any:
    """Replaces y by y * (scale * factors) + bias: addresses of `TILE.rows` float32, and a float32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        y, scale, factors, bias = arguments
        scales = splat(builder, scale)
        for offset in range(0, 4 * TILE.rows, 4 * TILE.lanes):
            own, factor, added = (load(builder, address, offset, FLOATS) for address in (y, factors, bias))
            store(builder, y, offset, builder.fadd(builder.fmul(own, builder.fmul(scales, factor)), added))
        return context.get_dummy_value()

    return signature(types.void, types.int64, types.float32, types.int64, types.int64), generate
