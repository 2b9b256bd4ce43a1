"""Replaces files atomically: written beside the target, synced to the disk, then renamed over it. No torch, no Qt."""

from __future__ import annotations

import errno
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from gptdesk.bounded_read import LARGEST, ContentError, read_object

TEMPORARY_SUFFIX: Final = ".tmp"
"""Of the file beside the target; a kill leaves one behind."""

_UNSUPPORTED: Final = (errno.EINVAL, errno.ENOTSUP)
"""What file systems answer that sync no folders."""

_LONGEST_STEM: Final = 50
"""Characters of the target's name in the temporary one: the file system limits names to 255 bytes."""


@contextmanager
def replacing(path: Path, *, sync: bool = True) -> Iterator[Path]:
    """Hands out a temporary file beside ``path``; replaces ``path`` by it when the block that writes it succeeds.

    Readers see the old file or the new one, also after a crash; when the block fails, the old file stays and the
    temporary one is removed.

    Args:
        path: of the file to replace; its folder must exist.
        sync: whether the contents are on the disk before the rename. False for files that matter only while the
            program lives.

    Raises:
        OSError: when the folder cannot be written, or the disk is full.
    """
    temporary = path.with_name(f".{path.name[:_LONGEST_STEM]}.{uuid.uuid4().hex[:8]}{TEMPORARY_SUFFIX}")
    try:
        temporary.touch()
        mode = temporary.stat().st_mode
        yield temporary
        if temporary.stat().st_mode != mode:
            temporary.chmod(mode)  # safetensors writes files that nobody but their owner may read
        put_in_place(temporary, path, sync=sync)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def put_in_place(temporary: Path, path: Path, *, sync: bool = True) -> None:
    """Renames a file that is written to the end over ``path``, synced before if asked.

    Raises:
        OSError: when the disk or the folder does not take it; ``temporary`` stays.
    """
    if sync:
        sync_file(temporary)
    os.replace(temporary, path)


def write_bytes(path: Path, data: bytes, *, sync: bool = True) -> None:
    """Replaces a file atomically.

    Raises:
        OSError: as `replacing`.
    """
    with replacing(path, sync=sync) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path, values: Mapping[str, Any], *, sync: bool = True) -> None:
    """Replaces a JSON file atomically; in ASCII, because names of files need not be Unicode.

    Raises:
        OSError: as `replacing`.
    """
    write_bytes(path, json.dumps(values, indent=2).encode("ascii"), sync=sync)


def read_json(path: Path, *, largest: int = LARGEST) -> dict[str, Any] | None:
    """The object in a JSON file; None when there is no file, or none that holds an object that can be used."""
    try:
        return read_object(path, largest=largest)
    except (OSError, ContentError):
        return None


def sync_file(path: Path) -> None:
    """Puts a file's contents on the disk.

    Raises:
        OSError: when the disk does not take them.
    """
    with path.open("rb+") as file:  # Windows syncs only what it may write
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Puts the names in a folder on the disk, so that a rename survives a power cut; does nothing on Windows.

    Raises:
        OSError: when the disk does not take them.
    """
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
    finally:
        os.close(handle)
