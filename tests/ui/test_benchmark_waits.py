"""How the benchmarks of the window wait."""

import gc
import sys

from PySide6.QtWidgets import QApplication

from benchmarks.waiting import wait


def allocated_after(waits: int) -> int:
    for _ in range(waits):
        wait(0.001)
    gc.collect()
    return sys.getallocatedblocks()


def test_waiting_leaves_nothing_behind(qapp: QApplication) -> None:
    before = allocated_after(20)
    assert allocated_after(400) - before < 200, "a soak would count what its own waits leave"
