import json
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gptdesk.errors import UserError
from gptdesk.gpt2.checkpoint import load_model
from trainer.config.schema import TrainConfig
from trainer.loop import Trainer
from trainer.parallel.distributed import ProcessGroup
from trainer.resume import restore
from trainer.session import run_training

MakeConfig = Callable[..., TrainConfig]
ALONE = ProcessGroup(0, 1, torch.device("cpu"))


@pytest.fixture
def lora_config(make_config: MakeConfig, tiny_model_folder: Path) -> TrainConfig:
    return make_config(model={"init_from": str(tiny_model_folder), "lora_rank": 4, "dropout": 0.1})


def test_training_starts_from_the_model_as_it_is(lora_config: TrainConfig, tiny_model_folder: Path) -> None:
    trainer = Trainer(lora_config, ALONE)
    ids = torch.arange(20).unsqueeze(0)
    trainer.model.eval()
    with torch.no_grad():
        assert torch.equal(trainer.model(ids), load_model(tiny_model_folder)(ids))


def test_adapters_learn_and_the_base_stays(lora_config: TrainConfig) -> None:
    trainer = Trainer(lora_config, ALONE)
    before = {name: weight.detach().clone() for name, weight in trainer.model.named_parameters()}
    for _ in range(2):
        trainer.step()
    changed = {name for name, weight in trainer.model.named_parameters() if not torch.equal(weight, before[name])}
    assert changed == {name for name in before if "lora_" in name}
    assert len(changed) == 2 * 4 * 2


def test_a_checkpoint_holds_adapters_and_the_merged_model(lora_config: TrainConfig) -> None:
    trainer = Trainer(lora_config, ALONE)
    assert run_training(lora_config, ALONE, log=lambda _: None) == "finished"
    checkpoint = restore(trainer, Path(lora_config.run.folder) / "checkpoints")
    assert checkpoint is not None
    ids = torch.randint(0, 50257, (2, 30), generator=torch.Generator().manual_seed(0))
    trainer.model.eval()
    with torch.no_grad():
        torch.testing.assert_close(load_model(checkpoint)(ids), trainer.model(ids), rtol=0, atol=1e-5)
    description = json.loads((checkpoint / "adapter" / "adapter_config.json").read_text())
    assert (description["peft_type"], description["r"], description["fan_in_fan_out"]) == ("LORA", 4, True)
    assert description["base_model_name_or_path"] == lora_config.model.init_from


def test_peft_loads_the_adapters_and_computes_the_same(lora_config: TrainConfig, tiny_model_folder: Path) -> None:
    from transformers import GPT2LMHeadModel

    trainer = Trainer(lora_config, ALONE)
    assert run_training(lora_config, ALONE, log=lambda _: None) == "finished"
    checkpoint = restore(trainer, Path(lora_config.run.folder) / "checkpoints")
    assert checkpoint is not None
    ids = torch.randint(0, 50257, (2, 30), generator=torch.Generator().manual_seed(0))
    base = GPT2LMHeadModel.from_pretrained(tiny_model_folder)
    before = base(ids).logits
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft's, of libraries that it uses
        from peft import PeftModel

        adapted = PeftModel.from_pretrained(base, checkpoint / "adapter").eval()
    trainer.model.eval()
    with torch.no_grad():
        found = adapted(ids).logits
        torch.testing.assert_close(found, trainer.model(ids), rtol=0, atol=1e-4)
    assert not torch.allclose(found, before, atol=1e-4), "the adapters were trained"


def test_going_on_with_adapters_is_exact(lora_config: TrainConfig, tmp_path: Path) -> None:
    from trainer.checkpoint import save_checkpoint

    whole, first = Trainer(lora_config, ALONE), Trainer(lora_config, ALONE)
    losses = [whole.step() for _ in range(5)]
    for _ in range(3):
        first.step()
    (tmp_path / "c").mkdir()
    save_checkpoint(tmp_path / "c", first.model, first.optimizers, first.state, vocab_size=50257, processes=ALONE)
    second = Trainer(lora_config, ALONE)
    restore(second, tmp_path / "c")
    assert [second.step() for _ in range(2)] == losses[3:]


def test_adapters_of_another_rank_are_refused(lora_config: TrainConfig) -> None:
    run_training(lora_config, ALONE, log=lambda _: None)
    other = lora_config.model_copy(update={"model": lora_config.model.model_copy(update={"lora_rank": 2})})
    with pytest.raises(UserError, match="do not fit"):
        restore(Trainer(other, ALONE), Path(lora_config.run.folder) / "checkpoints")


def test_adapters_are_not_sharded(make_config: MakeConfig, tiny_model_folder: Path) -> None:
    model = {"init_from": str(tiny_model_folder), "lora_rank": 2}
    config = make_config(model=model, data={"micro_batch_size": 1}, run={"parallel": "fsdp"})
    with pytest.raises(UserError, match="choose ddp"):
        Trainer(config, ProcessGroup(0, 2, torch.device("cpu")))
