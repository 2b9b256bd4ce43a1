"""Compiles the decode step with Numba, or finds it compiled: in this process, or on the disk. Imports Numba late."""

from __future__ import annotations

import importlib.util
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

Step: TypeAlias = Callable[..., None]
"""`decode_kernel.decode`, compiled for one type of weights."""

FOLDER_VARIABLE: Final = "NUMBA_CACHE_DIR"
"""Numba's own environment variable for the folder in which compiled code is kept; without it, it is not kept."""

_TYPES: Final = {"float32": ("float32", "float32"), "bfloat16": ("uint16", "uint16"), "int8": ("int8", "float32")}
"""Numba's names for the types of weights and of embeddings, by precision."""

_compiling = threading.Lock()
_lock = threading.Lock()  # of the two that follow
_ready: dict[str, Step] = {}
_dispatchers: dict[Path | None, Any] = {}


def can_compile() -> bool:
    """Whether Numba is installed; there are systems and versions of Python for which there is none."""
    return importlib.util.find_spec("numba") is not None


def find_step(precision: str) -> Step | None:
    """The step, where an earlier call or an earlier run has compiled it; takes half a second at most.

    Args:
        precision: "float32", "bfloat16" or "int8".
    """
    if precision in _ready:
        return _ready[precision]
    if _compiling.locked():  # would have to be waited for
        return None
    with _lock:
        if precision not in _ready:
            dispatcher = _dispatcher(_folder())
            # Numba has no public way to look without compiling. Its cache heeds source, processor and versions itself.
            found = dispatcher._cache.load_overload(_signature(precision), dispatcher.targetctx)
            if found is None:
                return None
            dispatcher.add_overload(found)
            _ready[precision] = dispatcher
    return _ready[precision]


def compile_step(precision: str) -> Step:
    """The step, compiled now if need be (some 2 to 6 s), and kept in the folder if that can be written."""
    with _compiling:
        if precision not in _ready:
            with _lock:
                dispatcher = _dispatcher(_folder())
            try:
                dispatcher.compile(_signature(precision))
            except OSError:  # the disk is full, say
                with _lock:
                    dispatcher = _dispatcher(None)
                dispatcher.compile(_signature(precision))
            _ready[precision] = dispatcher
    return _ready[precision]


def _dispatcher(folder: Path | None) -> Any:
    """Numba's object for the step, which is called like it; with what it compiles kept in ``folder``."""
    import numba

    from gptdesk.gpt2 import decode_kernel

    if folder not in _dispatchers:
        before = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = str(folder or "")
        try:
            _dispatchers[folder] = numba.njit(nogil=True, cache=folder is not None)(decode_kernel.decode)
        finally:
            numba.config.CACHE_DIR = before
    return _dispatchers[folder]


def _signature(precision: str) -> tuple[Any, ...]:
    """Types of `decode_kernel.decode`'s arguments."""
    from numba import types

    def array(name: str, dimensions: int) -> Any:
        return types.Array(getattr(types, name), dimensions, "C")

    weights, embeddings = _TYPES[precision]
    return (
        types.boolean,
        *(types.int64, types.int64, types.int64),
        types.float32,
        *(array("int64", 2), array("int64", 1)),
        array(weights, 1),
        *(array(embeddings, 2), array(embeddings, 2)),
        array("float32", 1),
        *(array("float32", 4), array("float32", 4)),
        array("float32", 1),
    )


def _folder() -> Path | None:
    """Where compiled code is kept, if files can be made there."""
    name = os.environ.get(FOLDER_VARIABLE)
    if not name:
        return None
    folder = Path(name).absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # tried, because root is told that it may write everywhere
            return folder
    except OSError:
        return None
