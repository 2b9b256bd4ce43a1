"""What counts as free memory: physical, without swap, and within the limits of control groups."""

import ctypes
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch

from gptdesk import system_memory
from gptdesk.gpt2.config import OPENAI_SIZES
from gptdesk.library.memory import fits
from gptdesk.system_memory import free_memory, total_memory
from gptdesk.training import estimate
from trainer.hardware import available_memory

GB = 10**9


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Control groups of our own, none of which has a limit yet, on a computer with 8 GB free and much swap."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=8 * GB, total=16 * GB))
    monkeypatch.setattr(psutil, "swap_memory", lambda: SimpleNamespace(free=100 * GB))
    monkeypatch.setattr(system_memory, "_CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(system_memory, "_OWN_CGROUPS", tmp_path / "own")
    return tmp_path / "cgroup"


def be_in(groups: Path, lines: str) -> None:
    (groups.parent / "own").write_text(lines)


def group(folder: Path, *, limit: str, taken: int, cached: int, version: int = 2) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = ("memory.max", "memory.current") if version == 2 else ("memory.limit_in_bytes", "memory.usage_in_bytes")
    for name, value in zip(names, (limit, str(taken)), strict=True):
        (folder / name).write_text(value + "\n")
    prefix = "" if version == 2 else "total_"
    shares = {"anon": taken - cached, f"{prefix}inactive_file": cached // 4, f"{prefix}active_file": cached * 3 // 4}
    (folder / "memory.stat").write_text("".join(f"{name} {value}\n" for name, value in shares.items()))


def test_it_is_what_the_system_can_give_without_swap(groups: Path) -> None:
    assert free_memory() == 8 * GB


def test_what_a_group_may_take_is_all_that_there_is(groups: Path) -> None:
    assert total_memory() == 16 * GB
    be_in(groups, "0::/\n")
    group(groups, limit=str(3 * GB), taken=GB, cached=0)
    assert total_memory() == 3 * GB


def test_this_computer_tells() -> None:
    free = free_memory()
    assert free is not None
    assert 0 <= free <= psutil.virtual_memory().total


def test_everybody_means_the_same(groups: Path) -> None:
    assert available_memory(torch.device("cpu")) == 8 * GB
    assert estimate._memory_for_each(4) == 2 * GB
    xl = OPENAI_SIZES["gpt2-xl"]
    assert fits(xl, "float32") == ""
    be_in(groups, "0::/\n")
    group(groups, limit=str(3 * GB), taken=GB, cached=0)
    assert available_memory(torch.device("cpu")) == 2 * GB
    assert estimate._memory_for_each(4) == GB // 2
    assert "2.0 GB are free" in fits(xl, "float32")


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("place", ["", "service", "service/inner"])
def test_the_limit_of_a_group_around_this_process_is_heeded(groups: Path, version: int, place: str) -> None:
    lines = {1: "9:name=systemd:/x\n4:cpu,memory:/service/inner\n0::/\n", 2: "0::/service/inner\n"}
    be_in(groups, lines[version])
    root = groups if version == 2 else groups / "memory"
    group(root / "service" / "inner", limit="max" if version == 2 else str(2**63 - 4096), taken=1, cached=0)
    group(root / place, limit=str(4 * GB), taken=3 * GB, cached=GB, version=version)
    assert free_memory() == 2 * GB, "cached files give way"


def test_a_full_group_leaves_nothing_and_that_is_known(groups: Path) -> None:
    be_in(groups, "0::/\n")
    group(groups, limit=str(GB), taken=2 * GB, cached=0)
    assert free_memory() == 0
    assert "0 bytes are free" in fits(OPENAI_SIZES["gpt2"])


def test_a_container_that_sees_the_hosts_path_heeds_its_own_root(groups: Path) -> None:
    group(groups, limit=str(3 * GB), taken=GB, cached=0)
    for path in ("/docker/0123", "/../0123"):
        be_in(groups, f"0::{path}\n")
        assert free_memory() == 2 * GB


@pytest.mark.parametrize("content", ["", "max", "much", "-"])
def test_files_that_hold_no_number_are_no_limit(groups: Path, content: str) -> None:
    be_in(groups, "0::/\nodd\n")
    group(groups, limit=content, taken=1, cached=0)
    assert free_memory() == 8 * GB


def test_where_the_system_does_not_tell_nothing_is_refused(groups: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise FileNotFoundError("/proc/meminfo")

    monkeypatch.setattr(psutil, "virtual_memory", refuse)
    assert free_memory() is None
    assert fits(OPENAI_SIZES["gpt2-xl"], "float32") == ""
    assert estimate._memory_for_each(2) is None


glibc_alone = pytest.mark.skipif(
    not sys.platform.startswith("linux") or not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="glibc's heaps"
)


def printed_by(code: str) -> list[int]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [int(word) for word in done.stdout.split()]


@glibc_alone
def test_freed_memory_that_glibc_keeps_is_returned() -> None:
    full, kept, left = printed_by("""
import numpy as np
from gptdesk.system_memory import resident_memory, return_freed_memory
blocks = [np.ones(100_000, np.uint8) for _ in range(2_000)]
last = np.ones(100_000, np.uint8)  # so that none of the others is at the end of the heap
full = resident_memory()
del blocks
kept = resident_memory()
return_freed_memory()
print(full, kept, resident_memory())
""")
    assert full - kept < GB // 50, "else there is nothing to return"
    assert kept - left > GB // 10


LIES_IN_HEAP = """
import ctypes, re, threading
from pathlib import Path
malloc = ctypes.CDLL(None).malloc
malloc.restype = ctypes.c_void_p

def in_a_thread():
    blocks = []
    thread = threading.Thread(target=lambda: blocks.append(malloc(50_000)))
    thread.start()
    thread.join()
    heap = re.search(r"^([0-9a-f]+)-([0-9a-f]+) .*\\[heap\\]$", Path("/proc/self/maps").read_text(), re.MULTILINE)
    return int(int(heap[1], 16) <= blocks[0] < int(heap[2], 16))
"""
"""Defines whether what a thread allocates lies in the heap of the process."""


@glibc_alone
def test_all_threads_allocate_in_one_heap() -> None:
    code = "from gptdesk.system_memory import share_one_heap\nshare_one_heap()\nprint(in_a_thread(), in_a_thread())"
    assert printed_by(LIES_IN_HEAP + "print(in_a_thread())") == [0], "else glibc has no other heaps"
    assert printed_by(LIES_IN_HEAP + code) == [1, 1]


@glibc_alone
def test_the_threads_of_qt_allocate_in_the_heap_of_all() -> None:
    """A thread that reads from an X server begins with the application, and its heap would stay."""
    assert printed_by(f"""{LIES_IN_HEAP}
from gptdesk.ui.window import application

class Application:
    def __init__(self, *_):
        print(in_a_thread())
        raise SystemExit

application.QApplication = Application
application.run([])
""") == [1]
