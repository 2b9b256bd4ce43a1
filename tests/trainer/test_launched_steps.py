"""Steps that are launched without waiting for their values: the check on the device, run on the CPU."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from trainer.config.schema import OptimSection, TrainConfig
from trainer.loop import NotFinite, Trainer
from trainer.optim import Optimizers
from trainer.parallel.distributed import ProcessGroup
from trainer.run_directory.layout import CHECKPOINTS
from trainer.session import Session

MakeConfig = Callable[..., TrainConfig]
ALONE = ProcessGroup(0, 1, torch.device("cpu"))


def weights_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in trainer.model.named_parameters()}


def assert_same_state(one: Trainer, other: Trainer) -> None:
    assert one.state == other.state
    for name, weight in weights_of(one).items():
        assert torch.equal(weight, weights_of(other)[name]), name
    moments = other.optimizers.state_tensors()
    for name, value in one.optimizers.state_tensors().items():
        assert torch.equal(value, moments[name]), name


def checked_on_device(config: TrainConfig) -> Trainer:
    trainer = Trainer(config, ALONE)
    assert not trainer.checks_on_device, "a CPU looks at once"
    trainer.checks_on_device = True
    return trainer


def test_launched_steps_train_as_those_that_are_waited_for(make_config: MakeConfig) -> None:
    waited, launched = Trainer(make_config(), ALONE), checked_on_device(make_config())
    values = [waited.step() for _ in range(6)][-1]
    for _ in range(6):
        launched.launch_step()
    assert launched.settle() == values
    assert launched.settle() == values, "until another step is launched"
    assert_same_state(launched, waited)


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_steps_launched_after_a_bad_one_leave_everything_as_before_it(make_config: MakeConfig, what: str) -> None:
    good, trainer = Trainer(make_config(), ALONE), checked_on_device(make_config())
    for _ in range(2):
        good.step()
        trainer.launch_step()
    factor = torch.full((), math.inf)
    if what == "loss":
        handle = trainer.model.ln_f.register_forward_hook(lambda _module, _inputs, output: output * factor)
    else:
        handle = trainer.model.wpe.weight.register_hook(lambda gradient: gradient * factor)
    trainer.launch_step()
    handle.remove()
    trainer.launch_step()
    with pytest.raises(NotFinite, match=rf"The {what} is not finite in step 3;"):
        trainer.settle()
    assert_same_state(trainer, good)


def test_gradients_that_keep_their_memory_train_the_same(make_config: MakeConfig) -> None:
    config = make_config(data={"micro_batch_size": 2})
    usual, kept = Trainer(config, ALONE), Trainer(config, ALONE)
    kept.allocate_gradients()
    places = [weight.grad.data_ptr() for weight in kept.model.parameters() if weight.grad is not None]
    assert [usual.step() for _ in range(4)] == [kept.step() for _ in range(4)]
    assert [weight.grad.data_ptr() for weight in kept.model.parameters() if weight.grad is not None] == places
    assert_same_state(kept, usual)


def test_only_optimizers_that_skip_on_the_device_are_left_to_it(make_config: MakeConfig) -> None:
    model = Trainer(make_config(), ALONE).model
    assert Optimizers(model, OptimSection()).can_skip
    assert not Optimizers(model, OptimSection(optimizer="muon")).can_skip


def test_a_run_whose_steps_are_launched_records_what_any_other_does(
    make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: dict[bool, list[str]] = {}
    for launched in (False, True):
        config = make_config(run={"folder": str(tmp_path / str(launched)), "log_interval": 2})
        (Path(config.run.folder) / CHECKPOINTS).mkdir(parents=True)
        trainer = checked_on_device(config) if launched else Trainer(config, ALONE)
        lines[launched] = []
        assert Session(trainer, None, log=lines[launched].append).train() == "finished"
    losses = [
        [line.split("tok/s")[0].rsplit(maxsplit=1)[0] for line in found if "lr" in line] for found in lines.values()
    ]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 4
