"""Two processes with gloo on the CPU, against one: one run under torchrun, the others as forks, which start at once."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from gptdesk.files import read_json
from tests.trainer.processes import Group, Program, group, program
from trainer.config.reference import to_toml
from trainer.config.schema import TrainConfig
from trainer.parallel.distributed import ProcessGroup
from trainer.planning.plan import plan_run
from trainer.run_directory.events import EventTail
from trainer.run_directory.layout import EXIT
from trainer.run_directory.requests import send_request
from trainer.run_directory.state import read_state
from trainer.session import run_training

MakeConfig = Callable[..., TrainConfig]


def torchrun(config: TrainConfig, tmp_path: Path) -> AbstractContextManager[Program]:
    launcher = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    return program(tmp_path / "printed", *launcher, "-m", "trainer", "train", "--config", written(config, tmp_path))


def forks(config: TrainConfig, tmp_path: Path) -> AbstractContextManager[Group]:
    return group(tmp_path / "printed", "trainer", "train", "--config", written(config, tmp_path))


def written(config: TrainConfig, tmp_path: Path) -> str:
    file = tmp_path / "run.toml"
    file.write_text(to_toml(config), encoding="utf-8")
    return str(file)


def train_alone(config: TrainConfig, folder: Path) -> Path:
    config = config.model_copy(update={"run": config.run.model_copy(update={"folder": str(folder)})})
    assert run_training(config, ProcessGroup(0, 1, torch.device("cpu")), log=lambda _: None) == "finished"
    return folder


def steps(folder: Path) -> list[dict[str, Any]]:
    return [event for event in EventTail(folder).read() if event["ev"] == "step"]


def newest_weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(sorted((folder / "checkpoints").glob("step-*"))[-1] / "model.safetensors")


def assert_close(one: Path, other: Path) -> None:
    """The same losses step by step and the same weights, but for the order of sums."""
    ours, theirs = steps(one), steps(other)
    assert [event["step"] for event in ours] == [event["step"] for event in theirs]
    for mine, their in zip(ours, theirs, strict=True):
        assert mine["loss"] == pytest.approx(their["loss"], rel=1e-4)
        assert mine["grad_norm"] == pytest.approx(their["grad_norm"], rel=1e-3)
    weights = newest_weights(other)
    for name, weight in newest_weights(one).items():
        torch.testing.assert_close(weight, weights[name], rtol=0, atol=2e-3, msg=name)


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_two_processes_equal_one_and_one_goes_on_for_two(
    make_config: MakeConfig, tmp_path: Path, parallel: str
) -> None:
    config = make_config(
        data={"micro_batch_size": 1}, run={"parallel": parallel, "sample_tokens": 2}, optim={"learning_rate": 3e-3}
    )
    folder = Path(config.run.folder)
    stopped = config.model_copy(update={"schedule": config.schedule.model_copy(update={"steps": 4})})
    alone = train_alone(config, tmp_path / "alone")
    with forks(stopped, tmp_path) as launcher:
        assert launcher.wait() == 0, launcher.printed
    assert read_state(folder).state == "finished"
    assert [event["processes"] for event in EventTail(folder).read() if event["ev"] == "start"] == [2]
    first = [event["loss"] for event in steps(alone)[:4]]
    assert [event["loss"] for event in steps(folder)] == pytest.approx(first, rel=1e-3)

    from trainer.cli import main  # the same run, now in one process, to the end

    assert main(["resume", str(folder), "--schedule.steps", "8"]) == 0
    assert [event["step"] for event in steps(folder)] == list(range(1, 9))
    assert steps(folder)[-1]["tokens"] == steps(alone)[-1]["tokens"]


def test_a_whole_run_of_two_equals_that_of_one(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(data={"micro_batch_size": 2}, optim={"learning_rate": 3e-3})
    with torchrun(config, tmp_path) as launcher:
        assert launcher.wait() == 0, launcher.printed
    assert_close(Path(config.run.folder), train_alone(config, tmp_path / "alone"))


def test_a_process_that_fails_ends_the_run_and_says_why(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(
        optim={"learning_rate": 1e30, "grad_clip": 0.0},
        data={"micro_batch_size": 2},
        schedule={"steps": 100, "warmup_steps": 1, "kind": "constant"},
    )
    with forks(config, tmp_path) as launcher:
        assert launcher.wait() != 0
    ending = read_json(Path(config.run.folder) / EXIT)
    assert ending is not None
    assert ending["state"] == "crashed"
    assert "is not finite" in ending["reason"]
    assert not read_state(Path(config.run.folder)).active


def test_all_processes_stop_at_the_step_at_which_one_is_asked(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(
        data={"micro_batch_size": 2},
        schedule={"steps": 100_000},
        run={"eval_interval": 100_000, "checkpoint_interval": 100_000},
    )
    folder = Path(config.run.folder)
    with forks(config, tmp_path) as launcher:
        launcher.wait_for(lambda: steps(folder))
        send_request(folder, "stop")
        assert launcher.wait() == 0, launcher.printed
    assert read_state(folder).state == "stopped"
    assert [event["step"] for event in EventTail(folder).read() if event["ev"] == "checkpoint"] == [
        event["step"] for event in EventTail(folder).read() if event["ev"] == "end"
    ]


def test_a_step_must_divide_among_the_processes(make_config: MakeConfig) -> None:
    from gptdesk.errors import UserError

    config = make_config(data={"micro_batch_size": 2})
    assert plan_run(config, world_size=2).accumulation == 1
    with pytest.raises(UserError, match="multiple of micro_batch_size times processes"):
        plan_run(config, world_size=3)
