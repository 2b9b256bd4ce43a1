"""Keeps the compiled code of PySide's support modules, which it compiles anew in each process. Imports no Qt."""

from __future__ import annotations

import builtins
import hashlib
import importlib.util
import marshal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import CodeType
from typing import Any, Final

from gptdesk.files import write_bytes

_MODULES: Final = "shibokensupport/"
"""How the file names of PySide's support modules begin. Their source is a ZIP file within a library."""

_UNUSED: Final = "shibokensupport/signature/lib/pyi_generator.py"
"""Writes PySide's type stubs when PySide is built. Nothing else uses it; its regular expressions take 10 ms."""


@contextmanager
def kept_support_code(folder: Path) -> Iterator[None]:
    """Within it, PySide's support modules are taken from a file instead of being compiled.

    PySide imports them with its first module, and compiles their 3,400 lines with Python's own `compile`, so that is
    what is replaced meanwhile. What is kept is found by the hash of its source: that of another version is compiled.

    Args:
        folder: of the file, which is made or replaced where code was compiled.
    """
    file = folder / f"pyside-{importlib.util.MAGIC_NUMBER.hex()}-{sys.flags.optimize}.code"
    kept = _read(file)
    used: dict[bytes, CodeType] = {}
    plain = builtins.compile

    def compile_or_take(source: Any, filename: Any, mode: str, *args: Any, **options: Any) -> Any:
        if not (isinstance(filename, str) and filename.startswith(_MODULES) and isinstance(source, bytes)):
            return plain(source, filename, mode, *args, **options)
        if filename == _UNUSED:
            source = b""
        key = hashlib.sha256(filename.encode() + b"\0" + source).digest()
        used[key] = kept.get(key) or plain(source, filename, mode, *args, **options)
        return used[key]

    builtins.compile = compile_or_take
    try:
        yield
    finally:
        builtins.compile = plain
    if used.keys() != kept.keys():
        with suppress(OSError):  # a full or read-only disk: the next start compiles again
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            data = marshal.dumps(used)
            write_bytes(file, hashlib.sha256(data).digest() + data, sync=False)


def _read(file: Path) -> dict[bytes, CodeType]:
    """The code by the hash of its source; none where there is no file yet, or a damaged one."""
    with suppress(OSError):
        content = file.read_bytes()
        if hashlib.sha256(content[32:]).digest() == content[:32]:
            return dict(marshal.loads(content[32:]))
    return {}
