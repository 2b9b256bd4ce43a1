"""Compiles the decode step with Numba, or finds it compiled: in this process, or on the disk. Imports Numba late."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

Step: TypeAlias = Callable[..., None]
"""`decode_kernel.decode`, compiled."""

FOLDER_VARIABLE: Final = "NUMBA_CACHE_DIR"
"""Numba's own environment variable for the folder in which compiled code is kept; without it, it is not kept."""

_SOURCES: Final = ("decode_kernel.py", "kernel_intrinsics.py")
"""The modules that are compiled. Numba's cache heeds the first one alone."""

_compiling = threading.Lock()
_lock = threading.Lock()  # of the two that follow
_ready: list[Step] = []
_dispatchers: dict[Path | None, Any] = {}


def can_compile() -> bool:
    """Whether Numba is installed; there are systems and versions of Python for which there is none."""
    return importlib.util.find_spec("numba") is not None


def find_step() -> Step | None:
    """The step, where an earlier call or an earlier run has compiled it; takes half a second at most."""
    if _ready:
        return _ready[0]
    if _compiling.locked():  # would have to be waited for
        return None
    with _lock:
        if not _ready:
            dispatcher = _dispatcher(_folder())
            # Numba has no public way to look without compiling. Its cache heeds processor and versions itself.
            found = dispatcher._cache.load_overload(_signature(), dispatcher.targetctx)
            if found is None:
                return None
            dispatcher.add_overload(found)
            _ready.append(dispatcher)
    return _ready[0]


def compile_step() -> Step:
    """The step, compiled now if need be (some 5 to 10 s), and kept in the folder if that can be written."""
    with _compiling:
        if not _ready:
            with _lock:
                dispatcher = _dispatcher(_folder())
            try:
                dispatcher.compile(_signature())
            except OSError:  # the disk is full, say
                with _lock:
                    dispatcher = _dispatcher(None)
                dispatcher.compile(_signature())
            _ready.append(dispatcher)
    return _ready[0]


def _dispatcher(folder: Path | None) -> Any:
    """Numba's object for the step, which is called like it; with what it compiles kept in ``folder``."""
    import numba

    from gptdesk.gpt2 import decode_kernel

    if folder not in _dispatchers:
        settings: Any = numba.config
        before, settings.CACHE_DIR = settings.CACHE_DIR, str(folder or "")
        try:
            _dispatchers[folder] = numba.njit(nogil=True, cache=folder is not None)(decode_kernel.decode)
        finally:
            settings.CACHE_DIR = before
    return _dispatchers[folder]


def _signature() -> tuple[Any, ...]:
    """Types of `decode_kernel.decode`'s arguments."""
    import numba

    types: Any = numba.types

    def array(kind: Any, dimensions: int) -> Any:
        return types.Array(kind, dimensions, "C")

    return (
        *(types.int64, types.int64),
        *(array(types.int64, 2), types.UniTuple(types.int64, 4)),
        types.float32,
        *(array(types.int64, 2), array(types.int64, 1), array(types.int64, 1)),
        *(array(types.float32, 2), array(types.float32, 2)),
    )


def _folder() -> Path | None:
    """Where compiled code is kept, if files can be made there."""
    name = os.environ.get(FOLDER_VARIABLE)
    if not name:
        return None
    sources = b"".join(Path(__file__).with_name(source).read_bytes() for source in _SOURCES)
    folder = Path(name).absolute() / hashlib.sha256(sources).hexdigest()[:16]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # tried, because root is told that it may write everywhere
            return folder
    except OSError:
        return None
