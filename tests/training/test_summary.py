"""What a run would take, told before it starts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gptdesk.errors import UserError
from gptdesk.training.estimate import dry_run, summarise
from trainer.config.schema import build_config
from trainer.config.values import preset_names, read_preset
from trainer.data.arrays import VERSION
from trainer.planning.plan import plan_run

Values = Callable[..., dict[str, Any]]

HUGE = 10**9 + 7


def test_what_settings_make_is_told_at_once(make_values: Values) -> None:
    summary = summarise(make_values())
    plan = plan_run(build_config(make_values()))
    assert not summary.problems
    assert summary.parameters == plan.shape.num_parameters()
    assert (summary.tokens_per_step, summary.tokens) == (64, 6 * 64)
    assert summary.epochs is not None
    assert 0 < summary.epochs < 1
    assert summary.memory is not None
    assert summary.memory.weights == 4 * summary.parameters
    assert summary.checkpoint_bytes == 12 * summary.parameters
    assert summary.checkpoints_at_once == 4


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_lacks_nothing_but_data(name: str) -> None:
    values = read_preset(name)
    values.setdefault("run", {})["device"] = "cuda"  # whose memory only a dry run can tell
    assert list(summarise(values).problems) == ["data.path"]


@pytest.mark.parametrize(
    ("over", "where", "part"),
    [
        ({"model": {"n_embd": 10, "n_head": 3}}, "model.n_embd", "multiple of n_head"),
        ({"model": {"n_layer": 0}}, "model.n_layer", "greater than 0"),
        ({"model": {"n_positions": 10**7}}, "model.n_positions", "131,072"),
        ({"model": {"lora_rank": 4}}, "model.lora_rank", "set init_from"),
        ({"model": {"init_from": "/nowhere"}}, "model.init_from", "no folder"),
        ({"data": {"batch_size": 6}}, "data.batch_size", "multiple of micro_batch_size"),
        ({"data": {"context_length": 64}}, "data.context_length", "longer than the model's context"),
        ({"data": {"path": ""}}, "data.path", "Choose"),
        ({"data": {"path": "/nowhere"}}, "data.path", "no prepared data"),
        ({"model": {"n_positions": 4096}}, "data.path", "shorter context length"),
        ({"data": {"path": "~nobody-here"}}, "data.path", "no prepared data"),
        ({"data": {"path": "a\0b"}}, "data.path", "cannot be that of a file"),
        ({"run": {"folder": "a\0b"}}, "run.folder", "cannot be used"),
        ({"run": {"folder": "x" * 5000}}, "run.folder", "cannot be used"),
        ({"data": {"batch_size": 4 * HUGE, "micro_batch_size": HUGE}}, "data.micro_batch_size", "of memory"),
        ({"schedule": {"warmup_steps": 6}}, "schedule.warmup_steps", "below steps"),
        ({"optim": {"betas": (0.9, 1.0)}}, "optim.betas", "less than 1"),
        ({"optim": {"learning_rate": float("nan")}}, "optim.learning_rate", "finite"),
        ({"optim": {"optimizer": "sgd"}}, "optim.optimizer", "'adamw' or 'muon'"),
        ({"run": {"sample_prompts": ["a", 3]}}, "run.sample_prompts", "valid string"),
        ({"run": {"nothing": 1}}, "run.nothing", "no such setting"),
        ({"runs": {}}, "runs", "no such setting"),
        ({"run": 3}, "run", "valid dictionary"),
        ({"data": {"batch_size": 4096, "micro_batch_size": 4096}, "model": {"n_embd": 4096, "n_layer": 900}},
         "model.n_embd", "of memory"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_told_at_its_setting(make_values: Values, over: Any, where: str, part: str) -> None:
    summary = summarise(make_values(**over))
    assert list(summary.problems) == [where]
    assert part in summary.problems[where]
    assert summary.problems[where].endswith(".")


def test_all_problems_are_told_together(make_values: Values) -> None:
    values = make_values(model={"n_layer": -1}, optim={"eps": 0}, schedule={"steps": "many"}, data={"path": ""})
    summary = summarise(values)
    assert set(summary.problems) == {"model.n_layer", "optim.eps", "schedule.steps", "data.path"}
    assert summary.parameters > 0, "of the defaults in their place"


def test_a_default_that_does_not_go_with_a_setting_leaves_the_data_alone(make_values: Values) -> None:
    values = make_values()
    values["data"] = {"path": values["data"]["path"], "micro_batch_size": 3}
    assert list(summarise(values).problems) == ["data.batch_size"]


def test_a_step_divides_among_the_processes(make_values: Values) -> None:
    assert not summarise(make_values(data={"micro_batch_size": 1}), processes=4).problems
    summary = summarise(make_values(data={"micro_batch_size": 1}), processes=3)
    assert list(summary.problems) == ["data.batch_size"]
    assert summary.tokens == 6 * 64


def test_a_model_to_start_from_gives_the_shape(make_values: Values, tmp_path: Path, tiny_config: Any) -> None:
    (tmp_path / "config.json").write_text(json.dumps(tiny_config.to_json()))
    summary = summarise(make_values(model={"init_from": str(tmp_path)}))
    assert not summary.problems
    assert summary.parameters == tiny_config.num_parameters()


def test_paths_may_begin_at_home(
    make_values: Values, tmp_path: Path, tiny_config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(json.dumps(tiny_config.to_json()))
    (tmp_path / "run.json").touch()
    Path(tmp_path / "data").symlink_to(make_values()["data"]["path"], target_is_directory=True)
    values = make_values(model={"init_from": "~/model"}, data={"path": "~/data"}, run={"folder": "~"})
    summary = summarise(values)
    assert summary.parameters == tiny_config.num_parameters()
    assert list(summary.problems) == ["run.folder"]


def test_the_place_of_the_run_must_be_free_and_large_enough(
    make_values: Values, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def problems(folder: Path) -> dict[str, str]:
        return dict(summarise(make_values(run={"folder": str(folder)})).problems)

    assert problems(tmp_path / "not" / "there yet") == {}
    assert problems(tmp_path) == {}
    (tmp_path / "file").touch()
    assert "is a file" in problems(tmp_path / "file")["run.folder"]
    assert list(problems(tmp_path / "file" / "below")) == ["run.folder"]
    (tmp_path / "run.json").touch()
    assert "holds a run" in problems(tmp_path)["run.folder"]

    class Usage:
        free = 1000

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage)
    assert "do not fit on the disk" in problems(tmp_path / "new")["run.folder"]


def test_a_dry_run_measures_here(make_values: Values, tmp_path: Path) -> None:
    values = make_values(run={"folder": str(tmp_path / "run")})
    outlook = dry_run(values)
    assert (outlook.device, outlook.precision, outlook.compiled) == ("cpu", "float32", False)
    assert outlook.seconds > 0
    assert outlook.disk_free > 0
    summary = summarise(values)
    assert summary.memory is not None
    assert outlook.memory == summary.memory.total
    assert not (tmp_path / "run").exists()


def test_a_home_that_is_nobodys_is_a_folder_like_any_other(
    make_values: Values, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert dict(summarise(make_values(run={"folder": "~nobody-here/run"})).problems) == {}


def test_a_dry_run_of_a_path_that_is_no_text_is_refused(make_values: Values) -> None:
    with pytest.raises(UserError, match="no valid Unicode"):
        dry_run(make_values(data={"path": "/data/\udcff"}))


@pytest.mark.parametrize("tokens", [10**400, float("inf"), "many", None, -5])
def test_data_whose_manifest_is_strange_is_said_to_be_damaged(make_values: Values, tmp_path: Path, tokens: Any) -> None:
    splits = {"train": {"tokens": tokens, "documents": 1}, "val": {"tokens": 100, "documents": 1}}
    (tmp_path / "manifest.json").write_text(json.dumps({"version": VERSION, "splits": splits}))
    assert "damaged" in summarise(make_values(data={"path": str(tmp_path)})).problems["data.path"]


def test_a_dry_run_says_what_the_trainer_refuses(make_values: Values) -> None:
    with pytest.raises(UserError, match="holds no prepared data"):
        dry_run(make_values(data={"path": "/nowhere"}))
