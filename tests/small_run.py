"""A small run that a trainer has finished, with three checkpoints, for tests that look into it."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from gptdesk.training.checkpoints import checkpoints
from trainer.config.schema import build_config
from trainer.parallel.distributed import ProcessGroup
from trainer.prepare.run import Request, prepare
from trainer.session import run_training

STEPS = (4, 8, 12)


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder. Copy it before changing it."""
    return train_small(tmp_path_factory.mktemp("small run"), STEPS)


def train_small(place: Path, steps: Sequence[int]) -> Path:
    """Trains on sentences that are nearly the same, and returns the run's folder.

    Args:
        place: where data and run are put.
        steps: at which checkpoints are saved, the multiples of the first one.
    """
    text = "\n<|endoftext|>\n".join(f"Once upon a time there were {number} dragons. " * 6 for number in range(60))
    (place / "tales.txt").write_text(text, encoding="utf-8")
    prepare(Request(sources=(str(place / "tales.txt"),), validation_share=0.2), place / "prepared")
    config = build_config(
        {
            "model": {"n_layer": 2, "n_head": 2, "n_embd": 16, "n_positions": 16},
            "data": {"path": str(place / "prepared"), "batch_size": 4, "micro_batch_size": 4},
            "optim": {"learning_rate": 3e-2},
            "schedule": {"steps": steps[-1], "warmup_steps": 2},
            "run": {
                "folder": str(place / "a run"),
                "device": "cpu",
                "precision": "float32",
                "compile": "off",
                "threads": 1,
                "eval_interval": steps[-1],
                "eval_tokens": 64,
                "checkpoint_interval": steps[0],
                "keep_checkpoints": len(steps),
                "sample_tokens": 0,
            },
        }
    )
    assert run_training(config, ProcessGroup(0, 1, torch.device("cpu")), log=lambda _: None) == "finished"
    assert [one.step for one in checkpoints(place / "a run")] == list(steps)
    return place / "a run"
