"""How much of the computer's memory is free, and how much this process holds: the one meaning of both, by psutil."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUPS = Path("/proc/self/cgroup")

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
