"""Training starts without torch's compiler, and steps as torch's own optimizers do."""

from collections.abc import Callable
from pathlib import Path

import torch

from tests.test_layers import REFUSE, RUN_MODULE, python
from trainer.config.reference import to_toml
from trainer.config.schema import TrainConfig
from trainer.optimizers.lazy_compiler import AdamW, spare_compiler
from trainer.run_directory.state import read_state


def test_a_run_that_compiles_nothing_imports_no_compiler(
    make_config: Callable[..., TrainConfig], tmp_path: Path
) -> None:
    """It needs sympy, and importing both takes as long as all the rest of torch."""
    config = make_config(schedule={"steps": 2, "warmup_steps": 0})
    (tmp_path / "run.toml").write_text(to_toml(config), encoding="utf-8")
    done = python(REFUSE + RUN_MODULE, "sympy", "trainer", "train", "--config", str(tmp_path / "run.toml"))
    assert (done.returncode, done.stderr) == (0, "")
    assert read_state(Path(config.run.folder)).state == "finished"


def test_its_adamw_steps_as_torchs_does() -> None:
    spare_compiler()
    start = torch.randn(40, generator=torch.Generator().manual_seed(0))
    ours, theirs = (torch.nn.Parameter(start.clone()) for _ in range(2))
    optimizers = [kind([weight], lr=0.1, fused=True) for kind, weight in ((AdamW, ours), (torch.optim.AdamW, theirs))]
    for step in range(5):
        for weight, optimizer in zip((ours, theirs), optimizers, strict=True):
            weight.grad = torch.sin(weight.detach() + step)
            optimizer.step()
    assert torch.equal(ours, theirs)
    assert ours.requires_grad
