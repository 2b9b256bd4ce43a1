"""Training on an NVIDIA card: exact resuming, the compiled step, steps that are launched without waiting."""

import math
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest
import torch

from trainer.checkpoint import save_checkpoint
from trainer.config.schema import TrainConfig
from trainer.loop import NotFinite, Trainer
from trainer.parallel.distributed import ProcessGroup
from trainer.resume import restore
from trainer.session import run_training

pytestmark = pytest.mark.cuda

MakeConfig = Callable[..., TrainConfig]


def trainer_on_cuda(make_config: MakeConfig, **over: dict[str, object]) -> Trainer:
    run = {"device": "cuda", "precision": "auto", **over.pop("run", {})}
    return Trainer(make_config(run=run, **over), ProcessGroup(0, 1, torch.device("cuda")))


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_resumed_run_goes_on_bit_for_bit(make_config: MakeConfig, tmp_path: Path, optimizer: str) -> None:
    over = {"optim": {"optimizer": optimizer}, "data": {"micro_batch_size": 2}, "model": {"dropout": 0.1}}
    whole, first = (trainer_on_cuda(make_config, **over) for _ in range(2))
    values = [whole.step() for _ in range(6)]
    for _ in range(3):
        first.step()
    save_checkpoint(tmp_path, first.model, first.optimizers, first.state, vocab_size=50257, processes=first.processes)
    second = trainer_on_cuda(make_config, **over)
    restore(second, tmp_path)
    assert [second.step() for _ in range(3)] == values[3:]
    for mine, theirs in zip(second.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_steps_are_launched_without_waiting_and_train_the_same(make_config: MakeConfig, optimizer: str) -> None:
    over = {"run": {"precision": "bfloat16"}, "optim": {"optimizer": optimizer}}
    launched, waited = (trainer_on_cuda(make_config, **deepcopy(over)) for _ in range(2))
    assert launched.checks_on_device
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(5):
            launched.launch_step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert launched.settle() == [waited.step() for _ in range(5)][-1]
    for mine, theirs in zip(launched.model.parameters(), waited.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_bad_step_is_skipped_by_the_device(make_config: MakeConfig, optimizer: str) -> None:
    trainer = trainer_on_cuda(make_config, run={"precision": "bfloat16"}, optim={"optimizer": optimizer})
    trainer.step()
    before = [weight.detach().clone() for weight in trainer.model.parameters()]
    handle = trainer.model.wpe.weight.register_hook(lambda gradient: gradient * math.inf)
    trainer.launch_step()
    handle.remove()
    trainer.launch_step()
    with pytest.raises(NotFinite, match="The gradient is not finite in step 2;"):
        trainer.settle()
    assert trainer.state.step == 1
    for now, then in zip(trainer.model.parameters(), before, strict=True):
        assert torch.equal(now, then)


@pytest.mark.parametrize("how", ["on", "reduce-overhead"])
def test_a_compiled_step_learns_what_an_eager_one_does(make_config: MakeConfig, how: str) -> None:
    over = {"data": {"micro_batch_size": 2}, "schedule": {"steps": 20}}
    eager = trainer_on_cuda(make_config, run={"precision": "float32"}, **over)
    compiled = trainer_on_cuda(make_config, run={"precision": "float32", "compile": how}, **over)
    for _ in range(6):
        expected, found = eager.step(), compiled.step()
        assert found.loss == pytest.approx(expected.loss, rel=2e-3)
        assert found.norm == pytest.approx(expected.norm, rel=2e-2)


def test_a_run_from_start_to_end(make_config: MakeConfig) -> None:
    config = make_config(run={"device": "cuda", "precision": "auto", "log_interval": 3})
    lines: list[str] = []
    assert run_training(config, ProcessGroup(0, 1, torch.device("cuda")), log=lines.append) == "finished"
    assert sum("tok/s" in line for line in lines) == 3
