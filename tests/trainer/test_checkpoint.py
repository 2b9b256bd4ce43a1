import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gptdesk.errors import UserError
from gptdesk.gpt2.checkpoint import load_model
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from trainer import loop
from trainer.checkpoint import (
    CheckpointNotWritten,
    is_complete,
    list_checkpoints,
    newest_checkpoint,
    prune,
    save_checkpoint,
)
from trainer.config.schema import TrainConfig
from trainer.hardware import PRECISIONS
from trainer.loop import Trainer
from trainer.optimizers.table import OPTIMIZERS
from trainer.parallel.distributed import ProcessGroup
from trainer.resume import restore

MakeConfig = Callable[..., TrainConfig]
ALONE = ProcessGroup(0, 1, torch.device("cpu"))


def save(trainer: Trainer, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    vocab_size = trainer.plan.shape.vocab_size
    return save_checkpoint(
        folder, trainer.model, trainer.optimizers, trainer.state, vocab_size=vocab_size, processes=ALONE
    )


def run_steps(trainer: Trainer, count: int) -> list[tuple[float, float, float]]:
    return [trainer.step() for _ in range(count)]


def assert_same(one: Trainer, other: Trainer) -> None:
    """Weights, optimizer state and position are equal to the last bit."""
    theirs = dict(other.model.named_parameters())
    for name, weight in one.model.named_parameters():
        assert torch.equal(weight, theirs[name]), name
    ours, state = one.optimizers.state_tensors(), other.optimizers.state_tensors()
    assert ours.keys() == state.keys()
    for name, value in ours.items():
        assert torch.equal(value, state[name]), name
    assert one.state == other.state


VARIANTS = {
    **{name: {"optim": {"optimizer": name}} for name in OPTIMIZERS},
    "padded": {"model": {"vocab_multiple": 128}},
    "dropout and accumulation": {"model": {"dropout": 0.2}, "data": {"micro_batch_size": 2}},
    "without biases": {"model": {"bias": False}},
    "bfloat16": {"run": {"precision": "bfloat16"}},
    "recomputing": {"model": {"activation_checkpointing": True, "dropout": 0.2}},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_going_on_equals_never_having_stopped(make_config: MakeConfig, tmp_path: Path, variant: str) -> None:
    config = make_config(**VARIANTS[variant])
    whole, first = Trainer(config, ALONE), Trainer(config, ALONE)
    losses = run_steps(whole, 6)
    assert run_steps(first, 3) == losses[:3]
    save(first, tmp_path / "checkpoints")
    second = Trainer(config, ALONE)
    assert restore(second, tmp_path / "checkpoints") is not None
    assert run_steps(second, 3) == losses[3:]
    assert_same(whole, second)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_precision_that_was_chosen_is_kept_when_going_on(
    make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    config = make_config(run={"precision": "auto"})
    monkeypatch.setattr(loop, "training_precision", lambda run, device: PRECISIONS[precision])
    whole, first = Trainer(config, ALONE), Trainer(config, ALONE)
    losses = run_steps(whole, 4)
    run_steps(first, 2)
    save(first, tmp_path / "checkpoints")
    other = {"float32": torch.bfloat16, "bfloat16": torch.float32}[precision]
    monkeypatch.setattr(loop, "training_precision", lambda run, device: other)
    second = Trainer(config, ALONE)
    restore(second, tmp_path / "checkpoints")
    assert run_steps(second, 2) == losses[2:]
    assert_same(whole, second)


def test_going_on_exactly_at_the_end_of_an_epoch(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(data={"batch_size": 41, "micro_batch_size": 41})
    whole, first = Trainer(config, ALONE), Trainer(config, ALONE)
    assert whole.batches.windows_per_epoch == 123
    run_steps(whole, 4)
    run_steps(first, 3)
    assert (first.state.position.epoch, first.state.position.index) == (1, 0)
    save(first, tmp_path / "checkpoints")
    second = Trainer(config, ALONE)
    restore(second, tmp_path / "checkpoints")
    run_steps(second, 1)
    assert_same(whole, second)


def test_a_checkpoint_is_a_model_for_transformers_and_for_us(make_config: MakeConfig, tmp_path: Path) -> None:
    from transformers import GPT2LMHeadModel

    trainer = Trainer(make_config(model={"vocab_multiple": 128}), ALONE)
    run_steps(trainer, 2)
    path = save(trainer, tmp_path / "checkpoints")
    ids = torch.randint(0, 50257, (2, 16), generator=torch.Generator().manual_seed(0))
    trainer.model.eval()
    with torch.no_grad():
        expected = trainer.model(ids)[..., :50257]
        torch.testing.assert_close(load_model(path)(ids), expected, rtol=0, atol=1e-5)
        theirs = GPT2LMHeadModel.from_pretrained(path).eval()(ids).logits
    torch.testing.assert_close(theirs, expected, rtol=0, atol=1e-4)


def test_a_checkpoint_brings_its_tokenizer_and_vouches_for_it(make_config: MakeConfig, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    trainer = Trainer(make_config(model={"vocab_multiple": 128}), ALONE)
    path = save(trainer, tmp_path / "checkpoints")
    tokenizer = AutoTokenizer.from_pretrained(path)
    text = "Once upon a time<|endoftext|> naïve 東京 🙂"
    assert tokenizer(text)["input_ids"] == gpt2_tokenizer().encode(text, allow_special=True)
    assert tokenizer.model_max_length == trainer.plan.shape.n_positions
    assert is_complete(path)
    (path / "merges.txt").write_text("#version: 0.2\n")
    assert not is_complete(path)


@pytest.mark.parametrize("damage", ["flip", "cut", "remove", "manifest"])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(
    make_config: MakeConfig, tmp_path: Path, damage: str
) -> None:
    trainer = Trainer(make_config(), ALONE)
    run_steps(trainer, 1)
    older = save(trainer, tmp_path / "checkpoints")
    run_steps(trainer, 1)
    newer = save(trainer, tmp_path / "checkpoints")
    assert newest_checkpoint(tmp_path / "checkpoints") == newer
    weights = newer / "model.safetensors"
    if damage == "flip":
        data = bytearray(weights.read_bytes())
        data[len(data) // 2] ^= 1
        weights.write_bytes(data)
    elif damage == "cut":
        weights.write_bytes(weights.read_bytes()[:-1])
    elif damage == "remove":
        weights.unlink()
    else:
        (newer / "manifest.json").write_text("{}")
    assert newest_checkpoint(tmp_path / "checkpoints") == older


def test_pruning_keeps_the_newest_and_the_best(make_config: MakeConfig, tmp_path: Path) -> None:
    trainer = Trainer(make_config(), ALONE)
    for _ in range(5):
        run_steps(trainer, 1)
        save(trainer, tmp_path / "checkpoints")
    (tmp_path / "checkpoints" / ".tmp-step-00000009").mkdir()
    prune(tmp_path / "checkpoints", newest=tmp_path / "checkpoints" / "step-00000005", keep=2, best_step=2)
    left = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert left == ["step-00000002", "step-00000004", "step-00000005"]


def test_pruning_does_not_count_a_damaged_checkpoint_that_the_run_went_back_behind(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    checkpoints = tmp_path / "checkpoints"
    (checkpoints / "step-00000009").mkdir(parents=True)
    trainer = Trainer(make_config(), ALONE)
    for _ in range(2):
        run_steps(trainer, 1)
        newest = save(trainer, checkpoints)
    prune(checkpoints, newest=newest, keep=1, best_step=0)
    assert newest_checkpoint(checkpoints) == newest
    assert [path.name for path in list_checkpoints(checkpoints)] == ["step-00000002", "step-00000009"]


def test_a_checkpoint_of_another_shape_is_refused(make_config: MakeConfig, tmp_path: Path) -> None:
    save(Trainer(make_config(), ALONE), tmp_path / "checkpoints")
    with pytest.raises(UserError, match="do not fit"):
        restore(Trainer(make_config(model={"n_embd": 32}), ALONE), tmp_path / "checkpoints")


def test_an_unwritable_place_leaves_what_was_there(make_config: MakeConfig, tmp_path: Path) -> None:
    trainer = Trainer(make_config(), ALONE)
    with pytest.raises(CheckpointNotWritten, match="checkpoint of step 0 could not be written"):
        save_checkpoint(
            tmp_path / "nowhere", trainer.model, trainer.optimizers, trainer.state, vocab_size=50257, processes=ALONE
        )
    assert not (tmp_path / "nowhere").exists()


KILLED_WHILE_SAVING = """
import os, random, signal, sys, time
from pathlib import Path
import torch
from trainer.checkpoint import is_complete, list_checkpoints, prune, save_checkpoint
from trainer.config.schema import TrainConfig
from trainer.parallel.distributed import ProcessGroup
from trainer.hardware import PRECISIONS
from trainer.loop import Trainer
from trainer.optimizers.table import OPTIMIZERS
from trainer.resume import restore

torch.set_num_threads(1)
config = TrainConfig.model_validate_json(sys.argv[1])
checkpoints = Path(sys.argv[2])
checkpoints.mkdir()
alone = ProcessGroup(0, 1, torch.device("cpu"))
trainer = Trainer(config, alone)
vocab_size = trainer.plan.shape.vocab_size

def save():
    trainer.step()
    began = time.monotonic()
    save_checkpoint(
        checkpoints, trainer.model, trainer.optimizers, trainer.state, vocab_size=vocab_size, processes=alone
    )
    return time.monotonic() - began

save()
once = save()
hits = 0
for trial in range(200):
    child = os.fork()
    if child == 0:
        while True:
            save()
    deadline = time.monotonic() + 30
    while not list(checkpoints.glob(".tmp-*")) and time.monotonic() < deadline:
        time.sleep(0.0005)
    time.sleep(random.Random(trial).uniform(0.0, 1.0) * once)  # anywhere in that save, or just after it
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    hits += bool(list(checkpoints.glob(".tmp-*")))
    kept = list_checkpoints(checkpoints)
    assert all(is_complete(path) for path in kept), trial
    prune(checkpoints, newest=kept[-1], keep=2, best_step=0)  # these are found whole
    assert restore(trainer, checkpoints) is not None
    assert not list(checkpoints.glob(".tmp-*")), trial
    if hits == 20:
        break
print(hits)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_a_kill_at_any_moment_of_saving_costs_at_most_the_checkpoint_in_hand(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    """Children that save without end are killed until twenty kills have hit a save; what is in place stays whole."""
    config = make_config().model_dump_json()
    done = subprocess.run(
        [sys.executable, "-c", KILLED_WHILE_SAVING, config, str(tmp_path / "checkpoints")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == 20, "kills that hit a save in progress"
    checkpoints = list_checkpoints(tmp_path / "checkpoints")
    assert all(is_complete(path) for path in checkpoints)
    trainer = Trainer(make_config(), ALONE)
    restore(trainer, tmp_path / "checkpoints")
    assert all(math.isfinite(value) for value in trainer.step())
