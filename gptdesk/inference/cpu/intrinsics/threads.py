"""LLVM intrinsics for the threads of the decode kernel: atomics, pauses and naps that Numba lacks."""

from __future__ import annotations

import platform
import sys
from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing import signature
from numba.extending import intrinsic

_INT32: Final = ir.IntType(32)
_INT64: Final = ir.IntType(64)


def _place(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Pointer to the element that the first two arguments, a one-dimensional array and an index, name."""
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(array.data, [arguments[1]])


@intrinsic
def load(typing: Any, array: Any, index: Any) -> Any:
    """Atomic load of an int64, with acquire semantics."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_place(context, builder, signature, arguments), "acquire", 8)

    return signature(types.int64, array, types.int64), generate


@intrinsic
def add_one(typing: Any, array: Any, index: Any) -> Any:
    """Atomic increment of an int64, with acquire-release semantics."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, signature, arguments)
        return builder.atomic_rmw("add", place, ir.Constant(_INT64, 1), "acq_rel")

    return signature(types.int64, array, types.int64), generate


@intrinsic
def replace(typing: Any, array: Any, index: Any, old: Any, new: Any) -> Any:
    """Atomic compare-and-swap of an int64: writes ``new`` if it is ``old``; returns whether it was."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, signature, arguments)
        result = builder.cmpxchg(place, arguments[2], arguments[3], "acq_rel", "acquire")
        return builder.extract_value(result, 1)

    return signature(types.boolean, array, types.int64, types.int64, types.int64), generate


@intrinsic
def pause(typing: Any) -> Any:
    """Spin-wait hint to the core, where the processor has one."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        machine = platform.machine().lower()
        if machine in ("x86_64", "amd64"):
            hint = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, hint, "llvm.x86.sse2.pause"), [])
        elif machine in ("arm64", "aarch64"):
            hint = ir.FunctionType(ir.VoidType(), [_INT32])
            function = cgutils.get_or_insert_function(builder.module, hint, "llvm.aarch64.hint")
            builder.call(function, [ir.Constant(_INT32, 1)])
        return context.get_dummy_value()

    return signature(types.void), generate


@intrinsic
def nap(typing: Any) -> Any:
    """Sleeps for about 50 microseconds on Linux, less than a clock tick elsewhere."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        name, duration = ("Sleep", 0) if sys.platform == "win32" else ("usleep", 1)
        sleep = ir.FunctionType(_INT32, [_INT32])
        function = cgutils.get_or_insert_function(builder.module, sleep, name)
        builder.call(function, [ir.Constant(_INT32, duration)])
        return context.get_dummy_value()

    return signature(types.void), generate
