"""What the trainer finds out about the computer while it trains."""

import mmap
import time

import pytest
import torch

from gptdesk.system_memory import resident_memory
from trainer.hardware import Load


def test_load_is_that_since_the_last_look() -> None:
    load = Load(torch.device("cpu"))
    until = time.process_time() + 0.05
    while time.process_time() < until:
        pass
    busy = load.look()
    time.sleep(0.1)
    idle = load.look()
    assert set(busy) == {"cpu"}
    assert 0 <= idle["cpu"] < busy["cpu"] <= 1


@pytest.mark.timing
def test_a_look_costs_next_to_nothing() -> None:
    load = Load(torch.device("cpu"))
    began = time.process_time()
    for _ in range(1000):
        load.look()
    assert time.process_time() - began < 0.05, "50 microseconds each"


def test_a_gpu_that_cannot_be_asked_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuse(device: torch.device) -> int:
        asked.append(device)
        raise ModuleNotFoundError("pynvml")

    monkeypatch.setattr(torch.cuda, "utilization", refuse)
    load = Load(torch.device("cuda"))
    assert "gpu" not in load.look()
    assert "gpu" not in load.look()
    assert len(asked) == 1, "it is not asked again"


def test_the_figure_of_a_gpu_is_a_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "utilization", lambda device: 87)
    assert Load(torch.device("cuda")).look()["gpu"] == 0.87


def test_resident_memory_is_what_is_held_now() -> None:
    before = resident_memory()
    with mmap.mmap(-1, 50_000_000) as fresh:  # not from what the process has taken and not given back
        fresh.write(b"x" * len(fresh))
        assert resident_memory() - before > 40_000_000
