"""Runs object code that Numba made, by LLVM's loader alone: importing Numba takes half a second and 100 MB."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeAlias


class Processor(NamedTuple):
    """What code is compiled for.

    Attributes:
        name: LLVM's.
        features: LLVM's names of its sets of instructions, each with + or -, and commas between them.
    """

    name: str
    features: str

    def has(self) -> set[str]:
        """The sets of instructions that it has."""
        return {feature[1:] for feature in self.features.split(",") if feature.startswith("+")}


@functools.cache
def processor() -> Processor:
    """This computer's, or the one that Numba's variables of the environment name, with what is listed beside it."""
    import llvmlite.binding as llvm

    name, features = os.environ.get("NUMBA_CPU_NAME"), os.environ.get("NUMBA_CPU_FEATURES")
    if name is None and features is None:
        features = llvm.get_host_cpu_features().flatten()
    features = features or ""
    if "+amx-tile" in features.split(",") and not _may_use_matrix_registers():
        features = features.replace("+amx", "-amx")
    return Processor(name or llvm.get_host_cpu_name(), features)


def _may_use_matrix_registers() -> bool:
    """Asks the system for AMX's registers, for all threads: Linux gives them to processes that ask, and no others.

    https://docs.kernel.org/arch/x86/xstate.html; elsewhere they are not used.
    """
    if sys.platform != "linux":
        return False
    import ctypes

    arch_prctl, request_permission, tile_data = 158, 0x1023, 18
    return bool(ctypes.CDLL(None).syscall(arch_prctl, request_permission, tile_data) == 0)


class Arguments(Protocol):
    """What has an address, and keeps what lies there."""

    @property
    def address(self) -> int: ...


CompiledFunction: TypeAlias = Callable[[int, int, Arguments], None]
"""Of a thread's number, a step's, and a table of arguments."""


class ObjectCode(NamedTuple):
    """A function of three int64 without a result, as an object file for this system.

    Attributes:
        code: the file; it needs nothing but the C library.
        symbol: the function's name in it.
    """

    code: bytes
    symbol: str


class NativeFunction:
    """Object code in memory, ready to be called. Calls release Python's lock.

    Raises:
        RuntimeError: when the code cannot be loaded.
    """

    def __init__(self, source: ObjectCode) -> None:
        import ctypes

        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        machine = llvm.Target.from_default_triple().create_target_machine()
        self._engine: Any = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)  # owns the memory
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(source.code))
        self._engine.finalize_object()
        address = self._engine.get_function_address(source.symbol)
        if not address:
            raise RuntimeError(f"There is no {source.symbol} in the compiled code.")
        # How C calls Numba's functions of three int64: a place for the result and one for an error come first, and 0 or
        # the kind of the error is returned (https://numba.readthedocs.io/en/stable/developer/architecture.html).
        result_and_error, arguments = (ctypes.c_void_p,) * 2, (ctypes.c_int64,) * 3
        self._function = ctypes.CFUNCTYPE(ctypes.c_int32, *result_and_error, *arguments)(address)
        self._ends = (ctypes.c_void_p * 2)()
        self._returned, self._error = ctypes.addressof(self._ends), ctypes.addressof(self._ends) + 8

    def __call__(self, thread: int, step: int, arguments: Arguments) -> None:
        """Computes; see `decode_kernel.decode` and `prompt_kernel.read`. Keeps the arguments until it returns."""
        status = self._function(self._returned, self._error, thread, step, arguments.address)
        assert status == 0, f"the compiled code ended with status {status}"
