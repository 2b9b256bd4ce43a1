"""LLVM intrinsics that Numba lacks: conversions, addresses as pointers, prefetch."""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing import signature
from numba.extending import intrinsic

from gptdesk.inference.cpu.intrinsics.vectors import FLOAT, INT16, INT32, prefetch_line


@intrinsic
def wide(typing: Any, value: Any) -> Any:
    """A weight as float32: int8 by its value, uint16 as the upper half of a float32 (which is what bfloat16 is)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (number,) = arguments
        if value == types.int8:
            return builder.sitofp(number, FLOAT)
        if value == types.uint16:
            return builder.bitcast(builder.shl(builder.zext(number, INT32), ir.Constant(INT32, 16)), FLOAT)
        return number

    return signature(types.float32, value), generate


@intrinsic
def round_to_int16(typing: Any, value: Any) -> Any:
    """The nearest integer of a float32 that fits an int16, in a form that compilers turn into vectors."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(FLOAT, [FLOAT])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.rint.f32")
        return builder.trunc(builder.fptosi(builder.call(function, [arguments[0]]), INT32), INT16)

    return signature(types.int16, types.float32), generate


@intrinsic
def float32_of_bits(typing: Any, bits: Any) -> Any:
    """The float32 whose bits an int32 has."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], FLOAT)

    return signature(types.float32, types.int32), generate


@intrinsic
def bits_of_float32(typing: Any, value: Any) -> Any:
    """The bits of a float32, as an int32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], INT32)

    return signature(types.int32, types.float32), generate


@intrinsic
def power_of_two(typing: Any, exponent: Any) -> Any:
    """2**exponent, float32; exponent int32, -126 to 127."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        biased = builder.add(arguments[0], ir.Constant(INT32, 127))
        return builder.bitcast(builder.shl(biased, ir.Constant(INT32, 23)), FLOAT)

    return signature(types.float32, types.int32), generate


def _make_pointer(kind: Any) -> Any:
    result = types.CPointer(kind)

    @intrinsic
    def pointer(typing: Any, address: Any) -> Any:
        """An int64 address as a pointer."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(result))

        return signature(result, types.int64), generate

    return pointer


float32_pointer: Final = _make_pointer(types.float32)
bfloat16_pointer: Final = _make_pointer(types.uint16)
int8_pointer: Final = _make_pointer(types.int8)
int16_pointer: Final = _make_pointer(types.int16)
int32_pointer: Final = _make_pointer(types.int32)
int64_pointer: Final = _make_pointer(types.int64)


@intrinsic
def prefetch(typing: Any, address: Any) -> Any:
    """Prefetches the cache line at an int64 address; the address need not be valid."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        prefetch_line(builder, arguments[0])
        return context.get_dummy_value()

    return signature(types.void, types.int64), generate
