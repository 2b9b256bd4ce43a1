import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gptdesk.errors import UserError
from gptdesk.gpt2.checkpoint import save_model
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import read_config
from gptdesk.gpt2.model import GPT2
from tests.trainer.conftest import write_data
from trainer.checkpoint import save_checkpoint
from trainer.config.schema import TrainConfig
from trainer.data.windows import IGNORED, Batches, Position
from trainer.loop import NotFinite, Trainer
from trainer.parallel.distributed import ProcessGroup

MakeConfig = Callable[..., TrainConfig]
ALONE = ProcessGroup(0, 1, torch.device("cpu"))


def weights_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in trainer.model.named_parameters()}


@pytest.mark.parametrize("width", [64, 256])
def test_the_first_loss_is_that_of_the_formula(width: int) -> None:
    """ln V + d * 0.02^2 / 2: the logits of a tied head start with variance d * 0.02^2."""
    config = GPT2Config(n_layer=2, n_head=4, n_embd=width, n_positions=64)
    model = GPT2(config)
    model.init_weights(torch.Generator().manual_seed(0))
    ids = torch.randint(0, config.vocab_size, (4, 65), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        loss = model.loss(ids[:, :-1], ids[:, 1:]).item()
    assert loss == pytest.approx(math.log(config.vocab_size) + width * 0.02**2 / 2, abs=0.06)


def test_a_single_batch_is_learnt_by_heart(make_config: MakeConfig) -> None:
    config = make_config(model={"n_embd": 64}, schedule={"steps": 200, "warmup_steps": 5}, optim={"weight_decay": 0.0})
    trainer = Trainer(config, ALONE)
    loss = math.inf
    while loss >= 0.05 and trainer.state.step < 200:
        trainer.state = replace(trainer.state, position=Position(0, 0))
        loss, _, _ = trainer.step()
    assert loss < 0.05


def test_micro_batches_add_up_to_the_whole_batch(make_config: MakeConfig) -> None:
    """Also where tokens that are not learnt lie unevenly: the mean is over the step's tokens, not of means."""
    gradients = []
    for size in (4, 2, 1):
        trainer = Trainer(make_config(data={"micro_batch_size": size}, optim={"learning_rate": 1e-9}), ALONE)
        trainer.batches = PartlyIgnored(trainer.batches)
        captured = capture_gradients(trainer)
        loss, norm, _ = trainer.step()
        gradients.append((loss, norm, captured))
    for loss, norm, captured in gradients[1:]:
        assert loss == pytest.approx(gradients[0][0], rel=1e-5)
        assert norm == pytest.approx(gradients[0][1], rel=1e-4)
        for name, gradient in captured.items():
            torch.testing.assert_close(gradient, gradients[0][2][name], rtol=1e-3, atol=1e-6)


class PartlyIgnored(Batches):
    """Batches of which row r of a step does not learn its first 4 r tokens."""

    def __init__(self, batches: Batches) -> None:
        self.__dict__.update(batches.__dict__)

    def read(self, position: Position, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        inputs, targets = super().read(position, count)
        for row in range(count):
            targets[row, : 4 * ((position.index + row) % 4)] = IGNORED
        return inputs, targets


def test_batches_that_are_read_ahead_train_as_those_that_are_not(make_config: MakeConfig) -> None:
    """Over the end of an epoch, and where the position is set anew, as by a resume."""
    seen = []
    for prefetches in (False, True):
        trainer = Trainer(make_config(schedule={"steps": 60}), ALONE)
        trainer.prefetches = prefetches
        steps = [trainer.step() for _ in range(40)]
        trainer.state = replace(trainer.state, position=Position(7, 2))
        seen.append(steps + [trainer.step() for _ in range(3)])
        assert trainer.state.position.epoch >= 7
    assert seen[0] == seen[1]


def capture_gradients(trainer: Trainer) -> dict[str, torch.Tensor]:
    captured: dict[str, torch.Tensor] = {}
    for name, weight in trainer.model.named_parameters():

        def keep(accumulated: torch.Tensor, name: str = name) -> None:
            assert accumulated.grad is not None
            captured[name] = accumulated.grad.detach().clone()

        weight.register_post_accumulate_grad_hook(keep)
    return captured


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_a_step_that_is_not_finite_leaves_the_weights_alone(make_config: MakeConfig, what: str) -> None:
    trainer = Trainer(make_config(run={"log_interval": 1000}), ALONE)
    trainer.step()
    if what == "loss":
        with torch.no_grad():
            trainer.model.ln_f.weight[0] = math.nan
    else:
        trainer.model.wpe.weight.register_hook(lambda gradient: gradient * math.inf)
    before = weights_of(trainer)
    with pytest.raises(NotFinite, match=rf"The {what} is not finite in step 2;"):
        trainer.step()
    assert trainer.state.step == 1
    for name, weight in weights_of(trainer).items():
        assert torch.equal(weight, before[name]) or (what == "loss" and name == "ln_f.weight"), name


def test_tokens_that_the_data_does_not_learn_count_for_nothing(make_config: MakeConfig) -> None:
    trainer = Trainer(make_config(), ALONE)
    _, targets = trainer.batches.read(Position(0, 0), 4)
    assert (targets != IGNORED).all()
    trainer.batches = PartlyIgnored(trainer.batches)
    _, learnt, _ = trainer.read_step(trainer.state.position)
    assert learnt == 4 * 16 - 4 * (0 + 1 + 2 + 3)


def test_dropout_is_the_same_again_in_the_same_step(make_config: MakeConfig) -> None:
    losses = []
    for _ in range(2):
        trainer = Trainer(make_config(model={"dropout": 0.3}), ALONE)
        losses.append([trainer.step()[0] for _ in range(3)])
    assert losses[0] == losses[1]


def test_padding_the_vocabulary_changes_what_is_learnt_in_nothing_that_is_saved(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    trainer = Trainer(make_config(model={"vocab_multiple": 128}), ALONE)
    assert trainer.model.config.vocab_size == 50304
    assert trainer.plan.shape.vocab_size == 50257
    trainer.step()


def test_a_context_longer_than_the_model_is_refused(make_config: MakeConfig) -> None:
    with pytest.raises(UserError, match="longer than the model's context"):
        Trainer(make_config(data={"context_length": 17}), ALONE)


def test_an_unreadable_start_is_refused(make_config: MakeConfig, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no folder"):
        Trainer(make_config(model={"init_from": str(tmp_path / "none")}), ALONE)


def test_validation_is_the_mean_over_all_windows(make_config: MakeConfig, tmp_path: Path) -> None:
    tokens = np.arange(500) % 300
    folder = write_data(tmp_path / "data", train=tokens, val=tokens[:101])
    trainer = Trainer(make_config(data={"path": str(folder)}), ALONE)
    loss, counted, _ = trainer.evaluate(limit=None)
    assert counted == 100
    trainer.model.eval()
    total = 0.0
    with torch.no_grad():
        for start in range(0, 100, 16):
            window = torch.from_numpy(tokens[start : min(start + 17, 101)]).unsqueeze(0)
            total += trainer.model.loss(window[:, :-1], window[:, 1:], reduction="sum").item()
    assert loss == pytest.approx(total / 100, rel=1e-5)


@pytest.mark.parametrize("lora_rank", [0, 2], ids=["all weights", "adapters"])
def test_a_run_that_starts_from_a_variant_trains_and_keeps_it(
    make_config: MakeConfig, tmp_path: Path, lora_rank: int
) -> None:
    """Its activation and the scales of its attention are in the checkpoint that training leaves."""
    shape = GPT2Config(
        n_layer=2, n_head=2, n_embd=16, n_positions=16, activation_function="silu",
        scale_attn_weights=False, scale_attn_by_inverse_layer_idx=True, reorder_and_upcast_attn=True,
    )  # fmt: skip
    model = GPT2(shape)
    model.init_weights(torch.Generator().manual_seed(0))
    save_model(model, tmp_path / "start")
    trainer = Trainer(make_config(model={"init_from": str(tmp_path / "start"), "lora_rank": lora_rank}), ALONE)
    _, norm, _ = trainer.step()
    assert norm > 0
    saved = save_checkpoint(
        tmp_path, trainer.model, trainer.optimizers, trainer.state, vocab_size=50257, processes=ALONE
    )
    assert read_config(saved) == shape
