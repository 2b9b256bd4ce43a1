"""The table of optimizers: one that is added is offered, documented, estimated, trained with and resumed."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from trainer.config.reference import to_toml
from trainer.config.schema import OptimSection, TrainConfig
from trainer.optim import Optimizers
from trainer.optimizers.table import OPTIMIZERS, OptimizerKind
from trainer.planning.plan import memory_need, plan_run

PROGRAM = """if True:
    import json, sys
    from pathlib import Path
    from trainer.optimizers import table

    def build(decayed, others, config):
        import torch
        groups = table.decay_groups(decayed, others, config.weight_decay)
        return torch.optim.SGD(groups, lr=config.learning_rate, momentum=0.9)

    table.OPTIMIZERS["made_up"] = table.OptimizerKind(
        help="SGD for all weights", build=build, state=("momentum_buffer",), floats_per_weight=1
    )
    import torch
    from gptdesk.ui.train.new_run.draft.schema import read_sections
    from trainer.checkpoint import load_checkpoint
    from trainer.cli import main
    from trainer.config.schema import TrainConfig, build_config
    from trainer.config.values import merge, read_toml
    from trainer.parallel.distributed import ProcessGroup
    from trainer.planning.fit import checkpoint_bytes
    from trainer.loop import Trainer
    from trainer.planning.plan import memory_need, plan_run
    from trainer.config.reference import reference_page
    from trainer.resume import restore

    file = sys.argv[1]
    assert main(["train", "--config", file, "--optim.optimizer", "made_up"]) == 0  # saves at step 2 of 4
    assert main(["train", "--config", file, "--optim.optimizer", "none"]) == 2
    config = build_config(merge(read_toml(Path(file)), {"optim": {"optimizer": "made_up"}}))
    alone = ProcessGroup(0, 1, torch.device("cpu"))
    whole, resumed = Trainer(config, alone), Trainer(config, alone)
    for _ in range(4):
        whole.step()
    half = Path(config.run.folder) / "checkpoints" / "step-00000002"
    resumed.state = load_checkpoint(half, resumed.model, resumed.optimizers)
    while resumed.state.step < 4:
        resumed.step()
    ended = Trainer(config, alone)
    restore(ended, Path(config.run.folder) / "checkpoints")
    same = lambda one, other: all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    plan = plan_run(config)
    sections = read_sections(TrainConfig)
    setting = next(each for one in sections for each in one.settings if each.key == "optim.optimizer")
    print(json.dumps({
        "trained": ended.state.step,
        "resumed": same(whole.model.parameters(), resumed.model.parameters())
            and same(whole.model.parameters(), ended.model.parameters())
            and same(whole.optimizers.state_tensors().values(), resumed.optimizers.state_tensors().values()),
        "state": sorted({name.rpartition(".")[2] for name in whole.optimizers.state_tensors()}),
        "choices": setting.choices,
        "help": setting.help,
        "page": reference_page(),
        "memory": memory_need(config, plan, bytes_per_activation=4).optimizer,
        "checkpoint": checkpoint_bytes(config, plan),
        "parameters": plan.shape.num_parameters(),
    }))
"""


def test_an_optimizer_that_is_added_to_the_table_is_offered_documented_estimated_trained_with_and_resumed_exactly(
    make_config: Callable[..., TrainConfig], tmp_path: Path
) -> None:
    """In a process of its own: the table is read when the configuration is imported."""
    file = tmp_path / "run.toml"
    config = make_config(schedule={"steps": 4}, run={"checkpoint_interval": 2})
    file.write_text(to_toml(config), encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "made_up" in done.stderr, "the message about one that there is not names all"
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["trained"] == 4
    assert found["resumed"]
    assert found["state"] == ["momentum_buffer"]
    assert "made_up" in found["choices"]
    assert "SGD for all weights" in found["help"]
    assert "`made_up`" in found["page"]
    assert found["memory"] == 4 * found["parameters"]
    assert found["checkpoint"] == 8 * found["parameters"]


@pytest.mark.parametrize("rank", [0, 4], ids=["all weights", "LoRA"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_estimate_of_its_state_is_what_an_optimizer_keeps(
    make_config: Callable[..., TrainConfig], tiny_model_folder: Path, optimizer: str, rank: int
) -> None:
    from trainer.loop import Trainer
    from trainer.parallel.distributed import ProcessGroup

    model = {"init_from": str(tiny_model_folder), "lora_rank": rank} if rank else {}
    config = make_config(optim={"optimizer": optimizer}, model=model)
    trainer = Trainer(config, ProcessGroup(0, 1, torch.device("cpu")))
    trainer.step()
    kept = sum(value.numel() for value in trainer.optimizers.state_tensors().values() if value.ndim)
    assert memory_need(config, plan_run(config), bytes_per_activation=4).optimizer == 4 * kept


def test_an_optimizer_that_forgets_a_weight_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    forgetful = OptimizerKind(
        help="", build=lambda decayed, others, _: torch.optim.SGD(decayed), state=(), floats_per_weight=0
    )
    monkeypatch.setitem(OPTIMIZERS, "forgetful", forgetful)
    with pytest.raises(AssertionError, match="in no group, or in several: bias"):
        Optimizers(nn.Linear(2, 2), OptimSection.model_construct(optimizer="forgetful"))
