"""`trainer train --dry-run`: what a run would take, and what it refuses."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from gptdesk.errors import UserError
from trainer.cli import main
from trainer.config.schema import TrainConfig, build_config
from trainer.config.values import merge, preset_names, read_preset
from trainer.planning import estimate
from trainer.planning.estimate import estimate_run
from trainer.planning.fit import require_disk, require_fit
from trainer.planning.plan import flops_per_token, memory_need, plan_run

GB = 10**9
LARGE = ("gpt2-124m", "gpt2-355m", "gpt2-774m", "gpt2-1558m")


def preset(name: str, **over: object) -> TrainConfig:
    return build_config(merge(read_preset(name), over))


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)


def test_a_token_of_gpt2_124m_costs_what_nanogpt_and_the_paper_say() -> None:
    assert flops_per_token(preset("gpt2-124m").model.gpt2_config(), 1024) == 855_166_464


def test_a_dry_run_says_parameters_tokens_work_memory_and_time(
    make_config: Callable[..., TrainConfig], data_folder: Path
) -> None:
    lines = dict(re.split(r"  +", line, maxsplit=1) for line in str(estimate_run(make_config())).splitlines())
    assert list(lines) == [
        "Start", "Parameters", "Context", "A step", "The run", "Work", "Memory", "Disk", "Here", "Time",
    ]  # fmt: skip
    config = make_config()
    assert lines["Parameters"] == f"{config.model.gpt2_config().num_parameters():,}"
    assert lines["A step"].startswith("64 tokens")
    assert lines["The run"] == "8 steps, 512 tokens, 0.26 epochs of 2,000"
    assert "GB free" in lines["Disk"]


def test_a_dry_run_makes_no_run_directory(
    make_config: Callable[..., TrainConfig], capsys: pytest.CaptureFixture[str], data_folder: Path, tmp_path: Path
) -> None:
    asked = ["train", "--preset", "smoke", "--data", str(data_folder), "--out", str(tmp_path / "run"), "--dry-run"]
    assert main(asked) == 0
    assert "Parameters" in capsys.readouterr().out
    assert not (tmp_path / "run").exists()


def test_a_dry_run_as_json_says_the_same(
    make_config: Callable[..., TrainConfig], capsys: pytest.CaptureFixture[str], data_folder: Path, tmp_path: Path
) -> None:
    asked = ["train", "--preset", "smoke", "--data", str(data_folder), "--out", str(tmp_path / "run"), "--dry-run"]
    assert main([*asked, "--json"]) == 0
    outlook = json.loads(capsys.readouterr().out)
    assert outlook["tokens"] == outlook["steps"] * outlook["tokens_per_step"] == 60 * 8 * 64
    assert outlook["train_tokens"] == 2_000
    assert outlook["memory"]["total"] == sum(outlook["memory"].values()) / 2
    assert outlook["seconds"] > 0
    assert outlook["disk_free"] > 0
    assert outlook["precision"] == "float32"


@pytest.mark.parametrize("name", LARGE)
def test_a_large_preset_is_refused_where_it_does_not_fit_and_the_advice_works(name: str) -> None:
    available = 30 * GB
    with pytest.raises(UserError, match="it would fit with") as caught:
        require_fit(preset(name), available, bytes_per_activation=2)
    advised = dict(re.findall(r"--(\S+) (\w+)", str(caught.value)))
    data = {"micro_batch_size": int(advised["data.micro_batch_size"])}
    model = {"activation_checkpointing": True} if "model.activation_checkpointing" in advised else {}
    assert require_fit(preset(name, data=data, model=model), available, bytes_per_activation=2).total <= available


def test_a_model_that_fits_with_no_micro_batch_is_refused_without_that_advice() -> None:
    with pytest.raises(UserError, match="no micro-batch is small enough"):
        require_fit(preset("gpt2-1558m"), 20 * GB, bytes_per_activation=2)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_fits_a_gpu_of_80_gb_with_eight_processes(name: str) -> None:
    world = 8 if name in LARGE else 1
    require_fit(preset(name), 78 * GB, bytes_per_activation=2, world_size=world)


def test_memory_that_nobody_knows_refuses_nothing() -> None:
    require_fit(preset("gpt2-1558m"), None, bytes_per_activation=2)


def test_ddp_keeps_20_bytes_a_parameter_and_fsdp_a_share_of_16() -> None:
    def state_bytes(parallel: str) -> int:
        config = preset("gpt2-355m", run={"parallel": parallel}, data={"micro_batch_size": 8})
        need = memory_need(config, plan_run(config, world_size=8), bytes_per_activation=2, world_size=8)
        return need.weights + need.gradients + need.optimizer

    parameters = preset("gpt2-355m").model.gpt2_config().num_parameters()
    assert state_bytes("ddp") == 20 * parameters
    assert state_bytes("fsdp") == pytest.approx(16 * parameters / 8, abs=64)


def test_processes_on_one_cpu_share_its_memory_and_speed(
    make_config: Callable[..., TrainConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "available_memory", lambda device: 8 * GB)
    monkeypatch.setattr(estimate, "measured_flops", lambda device, precision: 1e9)
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    told = str(estimate_run(make_config(data={"micro_batch_size": 1})))
    assert "which has 4.0 GB" in told
    assert "of the 2 GFLOP/s" in told  # two machines


class _Usage(NamedTuple):
    free: int


def test_checkpoints_that_the_disk_does_not_hold_are_refused(
    make_config: Callable[..., TrainConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda place: _Usage(4 * GB))
    assert require_disk(make_config(), GB) == 4 * GB
    with pytest.raises(UserError, match=r"4 checkpoints of 1\.5 GB do not fit .* 4\.0 GB free"):
        require_disk(make_config(), GB * 3 // 2)


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"data": {"path": "nowhere"}}, "holds no prepared data"),
        ({"model": {"n_positions": 1024}}, "The training data has 2,000 tokens"),
        ({"data": {"context_length": 17}}, "longer than the model's context"),
        ({"model": {"init_from": "nowhere"}}, "no folder nowhere"),
        ({"run": {"precision": "float16"}}, "float16 trains on CUDA only"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_a_sentence(
    over: dict[str, object], said: str, make_config: Callable[..., TrainConfig]
) -> None:
    with pytest.raises(UserError, match=said) as caught:
        estimate_run(make_config(**over))
    assert "\n" not in str(caught.value)
