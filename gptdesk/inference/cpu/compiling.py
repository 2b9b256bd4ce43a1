"""Compiles the decode step and the reading of prompts with Numba, or loads that code from disk without Numba."""

from __future__ import annotations

import atexit
import functools
import hashlib
import importlib.util
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from gptdesk.files import write_bytes, write_json
from gptdesk.inference.cpu.native_code import CompiledFunction, NativeFunction, ObjectCode, processor
from gptdesk.system_memory import unmap_library


class CompiledStep(NamedTuple):
    """`decode_kernel.decode` and `prompt_kernel.read`, compiled."""

    decode: CompiledFunction
    read: CompiledFunction


FOLDER_VARIABLE: Final = "NUMBA_CACHE_DIR"
"""Numba's environment variable for the cache folder; without it, a temporary folder is used."""

RECORD: Final = "compiled.json"
"""Written last: what is in the folder beside it is whole."""

SOURCES: Final = (
    "decode_kernel.py", "activation_kernels.py", "layer_kernels.py", "step_tables.py", "tasks.py", "group_size.py",
    "native_code.py",
    "dots/blocks.py", "dots/floats.py", "dots/integers.py", "dots/products.py",
    "intrinsics/register_tile.py", "intrinsics/scalars.py", "intrinsics/threads.py", "intrinsics/vectors.py",
    "prompt/prompt_kernel.py", "prompt/products.py", "prompt/matrix_products.py", "prompt/results.py",
    "prompt/attention.py", "prompt/product_intrinsics.py", "prompt/block_assembly.py", "prompt/matrix_intrinsics.py",
    "prompt/packing_intrinsics.py", "prompt/row_intrinsics.py",
    "../../gpt2/activations.py",
)  # fmt: skip
"""Modules whose code or constants are compiled, from this folder."""


class KeptFunction(msgspec.Struct, frozen=True):
    """A function's object code on disk, in the file of its name.

    Attributes:
        symbol: its name in the file.
        sha256: of the file.
    """

    symbol: str
    sha256: str


class Compiled(msgspec.Struct, frozen=True):
    """Record of a compilation.

    Attributes:
        processor: LLVM's name of the target.
        features: LLVM's names of its instructions.
        numba: version.
        seconds: duration.
        functions: by name of the field of `CompiledStep`.
    """

    processor: str
    features: str
    numba: str
    seconds: float
    functions: dict[str, KeptFunction]


_LOADER: Final = "libllvmlite.so"
"""LLVM on Linux, which loads compiled code."""

_compiling = threading.Lock()
_lock = threading.Lock()  # of what follows
_ready: list[CompiledStep] = []


def can_compile() -> bool:
    """Whether Numba is installed; it does not exist for some systems and versions of Python."""
    return importlib.util.find_spec("numba") is not None


def find_step() -> CompiledStep | None:
    """The step, if this or an earlier process compiled it; takes a tenth of a second at most."""
    if _ready:
        return _ready[0]
    if _compiling.locked():  # do not wait
        return None
    with _lock:
        if not _ready:
            folder = code_folder()
            record = read_record()
            if record is None or (record.processor, record.features) != processor():
                return None
            try:
                _ready.append(
                    CompiledStep(**{name: _load(folder, name, kept) for name, kept in record.functions.items()})
                )
            except Exception:  # a damaged file may raise anything; the step is compiled again
                _remove_code(folder)
                return None
            unmap_library(_LOADER)  # 46 MB that loading has touched
    return _ready[0]


def compile_step() -> CompiledStep:
    """The step, compiled in this process if necessary (5 to 30 s), and kept in `code_folder` if possible."""
    if step := find_step():
        return step
    with _compiling:
        if not _ready:
            began = time.perf_counter()
            made = _compile()
            with suppress(OSError):  # the disk is full, say
                _keep(made, time.perf_counter() - began)
            _ready.append(CompiledStep(**{name: NativeFunction(code) for name, code in made.items()}))
    return _ready[0]


def read_record() -> Compiled | None:
    """The record of the code that is kept; ``None`` if there is none."""
    try:
        return msgspec.json.decode((code_folder() / RECORD).read_bytes(), type=Compiled)
    except (OSError, msgspec.MsgspecError):
        return None


def _load(folder: Path, name: str, kept: KeptFunction) -> CompiledFunction:
    """The function in its file.

    Raises:
        OSError, ValueError, RuntimeError: when it is not there or damaged.
    """
    code = (folder / f"{name}.o").read_bytes()
    if hashlib.sha256(code).hexdigest() != kept.sha256:
        raise ValueError(f"{name} is damaged")  # LLVM would end the process
    return NativeFunction(ObjectCode(code, kept.symbol))


def _keep(made: dict[str, ObjectCode], seconds: float) -> None:
    """Writes code and record.

    Raises:
        OSError: when it cannot be written.
    """
    import numba

    folder = code_folder()
    for name, function in made.items():
        write_bytes(folder / f"{name}.o", function.code)
    functions = {name: KeptFunction(code.symbol, hashlib.sha256(code.code).hexdigest()) for name, code in made.items()}
    target = processor()
    record = Compiled(target.name, target.features, numba.__version__, round(seconds, 1), functions)
    write_json(folder / RECORD, msgspec.to_builtins(record))


def _compile() -> dict[str, ObjectCode]:
    """The functions of the step by name."""
    from gptdesk.inference.cpu import decode_kernel
    from gptdesk.inference.cpu.prompt import prompt_kernel

    return {"decode": to_object_code(decode_kernel.decode), "read": to_object_code(prompt_kernel.read)}


_NO_MEMORY_OF_NUMBAS: Final = "define void @NRT_MemInfo_call_dtor(ptr %0) { unreachable }"
"""Frees an array that Numba allocated, of which there is none here."""


def to_object_code(function: Callable[[int, int, int], None]) -> ObjectCode:
    """Compiles a function of three int64 that allocates nothing and calls nothing of Python."""
    import llvmlite.binding as llvm
    import numba

    types: Any = numba.types
    jit: Any = numba.njit
    compiled = jit(no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)
    compiled.compile((types.int64, types.int64, types.int64))
    (overload,) = compiled.overloads.values()
    library = overload.library  # Numba has no public API for object code without Python's
    module = llvm.parse_assembly(library.get_llvm_str())
    module.link_in(llvm.parse_assembly(_NO_MEMORY_OF_NUMBAS))
    return ObjectCode(library.codegen._tm.emit_object(module), overload.fndesc.llvm_func_name)


def code_folder() -> Path:
    """Folder of this version's compiled code: under `FOLDER_VARIABLE`, or in a temporary folder of this process where
    that is not writable.
    """
    sources = b"".join((Path(__file__).parent / source).read_bytes() for source in SOURCES)
    version = hashlib.sha256(sources).hexdigest()[:16]
    name = os.environ.get(FOLDER_VARIABLE)
    if name:
        folder = Path(name).absolute() / version
        with suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):  # tried, because os.access tells root that it may write everywhere
                return folder
    folder = _temporary_folder() / version
    folder.mkdir(exist_ok=True)
    return folder


@functools.cache
def _temporary_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="gptdesk-code-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _remove_code(folder: Path) -> None:
    for path in (folder / RECORD, *folder.glob("*.o")):
        with suppress(OSError):
            path.unlink()
