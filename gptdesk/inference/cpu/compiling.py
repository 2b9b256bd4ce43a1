"""Compiles the decode step and the reading of prompts with Numba, or loads that code from disk. Imports Numba late."""

from __future__ import annotations

import atexit
import functools
import hashlib
import importlib.util
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

CompiledFunction: TypeAlias = Callable[..., None]


class CompiledStep(NamedTuple):
    """`decode_kernel.decode` and `prompt_kernel.read`, compiled."""

    decode: CompiledFunction
    read: CompiledFunction


FOLDER_VARIABLE: Final = "NUMBA_CACHE_DIR"
"""Numba's environment variable for the cache folder; without it, a temporary folder is used."""

SOURCES: Final = (
    "decode_kernel.py", "activation_kernels.py", "kernel_intrinsics.py", "layer_kernels.py", "step_tables.py",
    "tasks.py", "thread_intrinsics.py", "group_size.py",
    "prompt/prompt_kernel.py", "prompt/products.py", "prompt/attention.py",
    "prompt/product_intrinsics.py", "prompt/packing_intrinsics.py", "prompt/vector_intrinsics.py",
    "prompt/register_tile.py",
    "../../gpt2/activations.py",
)  # fmt: skip
"""Modules whose code or constants are compiled, from this folder. Numba's own cache checks one of them."""

_compiling = threading.Lock()
_lock = threading.Lock()  # of the two that follow
_ready: list[CompiledStep] = []
_dispatchers: dict[Path | None, CompiledStep] = {}


def can_compile() -> bool:
    """Whether Numba is installed; it does not exist for some systems and versions of Python."""
    return importlib.util.find_spec("numba") is not None


def find_step() -> CompiledStep | None:
    """The step, if this or an earlier process compiled it; takes half a second at most."""
    if _ready:
        return _ready[0]
    if _compiling.locked():  # do not wait
        return None
    with _lock:
        if not _ready:
            folder = code_folder()
            step = _dispatchers_in(folder)
            try:
                # Numba has no public API to look without compiling. Its cache checks processor and versions itself.
                found = [
                    dispatcher._cache.load_overload(signature, dispatcher.targetctx)
                    for dispatcher, signature in _with_signatures(step)
                ]
            except Exception:  # a damaged file may raise anything; the step is compiled again
                _remove_code(folder)
                return None
            if any(overload is None for overload in found):
                return None
            for (dispatcher, _), overload in zip(_with_signatures(step), found, strict=True):
                dispatcher.add_overload(overload)
            _ready.append(step)
    return _ready[0]


def compile_step() -> CompiledStep:
    """The step, compiled in this process if necessary (5 to 30 s), and cached in `code_folder` if possible."""
    if step := find_step():
        return step
    with _compiling:
        if not _ready:
            with _lock:
                step = _dispatchers_in(code_folder())
            try:
                _compile(step)
            except OSError:  # the disk is full, say
                with _lock:
                    step = _dispatchers_in(None)
                _compile(step)
            _ready.append(step)
    return _ready[0]


def processor() -> str:
    """LLVM's name of the processor that code is compiled for."""
    import llvmlite.binding
    import numba

    settings: Any = numba.config
    return str(settings.CPU_NAME or llvmlite.binding.get_host_cpu_name())


def _compile(step: CompiledStep) -> None:
    for dispatcher, signature in _with_signatures(step):
        dispatcher.compile(signature)


def _dispatchers_in(folder: Path | None) -> CompiledStep:
    """Numba's dispatchers for the step, with their cache in ``folder``."""
    import numba

    from gptdesk.inference.cpu import decode_kernel
    from gptdesk.inference.cpu.prompt import prompt_kernel

    if folder not in _dispatchers:
        settings: Any = numba.config
        before, settings.CACHE_DIR = settings.CACHE_DIR, str(folder or "")
        try:
            jit = numba.njit(nogil=True, cache=folder is not None)
            _dispatchers[folder] = CompiledStep(jit(decode_kernel.decode), jit(prompt_kernel.read))
        finally:
            settings.CACHE_DIR = before
    return _dispatchers[folder]


def _with_signatures(step: CompiledStep) -> list[tuple[Any, tuple[Any, ...]]]:
    """Each dispatcher of the step and the types of its arguments."""
    import numba

    types: Any = numba.types

    def array(kind: Any, dimensions: int) -> Any:
        return types.Array(kind, dimensions, "C")

    beginning = (
        *(types.int64, types.int64),
        *(array(types.int64, 2), types.UniTuple(types.int64, 4)),
        *(types.float32, array(types.int64, 2)),
    )
    decode = (*(array(types.int64, 1),) * 2, *(array(types.float32, 2),) * 2)
    read = (
        *(array(types.int64, 2), array(types.int64, 1)),
        *(array(types.float32, 2), array(types.float32, 1), array(types.float32, 1)),
        *(array(types.float32, 2), array(types.float32, 2), array(types.float32, 1)),
    )
    return [(step.decode, (*beginning, *decode)), (step.read, (*beginning, *read))]


def code_folder() -> Path:
    """Cache folder of this version's compiled code: under `FOLDER_VARIABLE`, or in a temporary folder of this process
    where that is not writable.
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
    for pattern in ("*.nbi", "*.nbc"):
        for path in folder.rglob(pattern):
            with suppress(OSError):
                path.unlink()
