"""What the trainer finds out about the computer while it trains."""

import mmap
import time

import pytest
import torch

from gptdesk.system_memory import resident_memory
from trainer import hardware
from trainer.config.schema import RunSection
from trainer.hardware import Load, training_precision


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


@pytest.mark.parametrize(
    ("has_bfloat16", "has_tiles", "faster", "expected"),
    [
        (False, False, torch.bfloat16, torch.float32),
        (True, False, torch.bfloat16, torch.bfloat16),
        (True, False, torch.float32, torch.float32),
        (True, True, torch.float32, torch.bfloat16),
    ],
)
def test_a_processor_trains_in_the_type_that_it_multiplies_faster(
    monkeypatch: pytest.MonkeyPatch,
    has_bfloat16: bool,
    has_tiles: bool,
    faster: torch.dtype,
    expected: torch.dtype,
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has_bfloat16)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: has_tiles)
    monkeypatch.setattr(hardware, "measured_flops", lambda device, precision: 2.0 if precision == faster else 1.0)
    assert training_precision(RunSection(precision="auto"), torch.device("cpu")) == expected
