"""How much memory is free and how much this process holds, the one meaning of both; and how it gives memory back."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, Final

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUPS = Path("/proc/self/cgroup")

_M_ARENA_MAX: Final = -8  # a parameter of glibc's mallopt(3)

_FILES: Final = (
    ("memory.max", "memory.current", ("inactive_file", "active_file")),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", ("total_inactive_file", "total_active_file")),
)
"""Of a control group, in versions 2 and 1: the limit, what is taken, and what of that is cached files (memory.stat)."""


def free_memory() -> int | None:
    """Bytes of physical memory that programs can still take; ``None`` where the system does not tell.

    Caches of files count as free, because they give way; swap does not, because a model that lies there is of no use.
    In a control group with a limit (a container, a service) it is at most what the group may still take.
    """
    import psutil  # late: the window is painted before anybody asks

    try:
        free = int(psutil.virtual_memory().available)
    except (psutil.Error, OSError, LookupError, ValueError):  # a sandbox without /proc, say
        return None
    return min([free, *_rooms_in_cgroups()])


def total_memory() -> int | None:
    """Bytes of physical memory of the computer; ``None`` where the system does not tell.

    In a control group with a limit it is at most that.
    """
    import psutil

    try:
        total = int(psutil.virtual_memory().total)
    except (psutil.Error, OSError, LookupError, ValueError):
        return None
    return min([total, *_limits_of_cgroups()])


def resident_memory() -> int:
    """Bytes of physical memory that this process holds now; 0 where the system does not tell."""
    import psutil

    try:
        return int(psutil.Process().memory_info().rss)
    except (psutil.Error, OSError, LookupError, ValueError):
        return 0


def share_one_heap() -> None:
    """Has glibc serve all threads from one heap. Call it before any thread starts, those of Qt's included.

    Otherwise it gives each of them another one, up to eight a core. What a model leaves in the heap of its thread is of
    no use to the thread of the next model. Heaps that are there already stay in use, by turns. Python's threads seldom
    allocate at the same time, so none waits for the others. Elsewhere than on Linux with glibc nothing happens.
    """
    if (mallopt := _function_of_glibc("mallopt")) is not None:
        mallopt(_M_ARENA_MAX, 1)


def return_freed_memory() -> None:
    """Has glibc return all freed memory to the system, such as that of a model that was unloaded.

    After the first large block was freed, it keeps others of that size for itself (mallopt(3), M_MMAP_THRESHOLD).
    Elsewhere than on Linux with glibc nothing happens.
    """
    if (trim := _function_of_glibc("malloc_trim")) is not None:
        trim(0)


def _function_of_glibc(name: str) -> Any:
    """The function of that name in the C library; ``None`` where it has none."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes  # late: other systems do without

    return getattr(ctypes.CDLL(None), name, None)


def unmap_library(name: str) -> None:
    """Gives up the pages of a library in which nothing was written: code and constants.

    The library works as before: pages that it needs are mapped again from its file, or from the system's cache of it.
    Elsewhere than on Linux nothing happens.

    Args:
        name: of the library's file.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes
    import mmap

    madvise = ctypes.CDLL(None).madvise
    unwritten = rf"^([0-9a-f]+)-([0-9a-f]+) r-\S+ .*/{re.escape(name)}\n(?:\w+: .*\n)*?Anonymous: +0 kB$"
    with suppress(OSError):  # a sandbox without /proc
        for begin, end in re.findall(unwritten, Path("/proc/self/smaps").read_text(), re.MULTILINE):
            start = int(begin, 16)
            madvise(ctypes.c_void_p(start), ctypes.c_size_t(int(end, 16) - start), mmap.MADV_DONTNEED)


def _rooms_in_cgroups() -> Iterator[int]:
    """The bytes that are left in each of this process's control groups of Linux that has a limit."""
    for folder in _own_cgroups():
        for limit, taken, cached in _FILES:
            try:
                most, now = int((folder / limit).read_text()), int((folder / taken).read_text())
                statistics = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                yield max(0, most - now + sum(int(statistics[name]) for name in cached))
            except (OSError, LookupError, ValueError):  # of the other version, or without a limit: "max"
                continue


def _limits_of_cgroups() -> Iterator[int]:
    for folder in _own_cgroups():
        for limit, _, _ in _FILES:
            try:
                yield int((folder / limit).read_text())
            except (OSError, ValueError):  # of the other version, or without a limit: "max"
                continue


def _own_cgroups() -> Iterator[Path]:
    """Folders of the control groups that count this process's memory, each with those that it lies in.

    Inside a container the path may be that of the host, where only the last of these folders exists (cgroups(7)).
    """
    try:
        lines = _OWN_CGROUPS.read_text().splitlines()
    except OSError:  # another system
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "memory" not in controllers.split(","):
            continue
        root = _CGROUPS / "memory" if controllers else _CGROUPS
        own = PurePosixPath(path.lstrip("/"))
        for place in (own, *own.parents) if ".." not in own.parts else (PurePosixPath(),):
            yield root / place
