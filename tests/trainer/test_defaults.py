"""What nobody gave gives way to what was given and to the data, and says so; what was given never does."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from gptdesk.errors import UserError
from tests.trainer.conftest import write_data
from trainer.cli import main
from trainer.config.schema import build_config
from trainer.config.values import merge, parse_flags, preset_names, read_preset
from trainer.planning.defaults import DataFacts, data_facts, fit_defaults, settings_to_give
from trainer.planning.plan import plan_run

LARGE = DataFacts(10**9, 10**7)


def fit(*flags: str, preset: str = "", data: DataFacts | None = LARGE, **more: Any) -> tuple[dict[str, Any], list[str]]:
    """(settings that gave way, their notes)."""
    base, given = read_preset(preset) if preset else {}, parse_flags(flags)
    fitted = fit_defaults(base, given, data=data, **more)
    before, after = (build_config_loosely(merge(base, given)), build_config_loosely(fitted.values))
    changed = {key: value for key, value in after.items() if value != before.get(key)}
    assert len(changed) == len(fitted.notes)
    return changed, list(fitted.notes)


def build_config_loosely(values: dict[str, Any]) -> dict[str, Any]:
    defaults = {name: dict(section) for name, section in build_config({}).model_dump().items()}
    merged = merge(defaults, values)
    return {f"{name}.{key}": value for name, section in merged.items() for key, value in section.items()}


@pytest.mark.parametrize("preset", ["", *preset_names()])
def test_presets_and_defaults_fit_as_they_are(preset: str) -> None:
    assert fit(preset=preset) == ({}, [])


def test_a_warmup_takes_a_tenth_of_the_steps_at_most() -> None:
    changed, notes = fit("--schedule.steps", "10", preset="story-10m")
    assert changed["schedule.warmup_steps"] == 1
    assert "schedule.warmup_steps is 1 instead of 100: a tenth of the 10 steps." in notes
    assert build_config(fit_defaults(read_preset("story-10m"), {"schedule": {"steps": 2}}).values)


def test_intervals_are_no_longer_than_the_run() -> None:
    changed, _ = fit("--schedule.steps", "5")
    assert changed == {
        "schedule.warmup_steps": 0,
        "run.eval_interval": 5,
        "run.checkpoint_interval": 5,
        "run.log_interval": 1,
    }


@pytest.mark.parametrize(
    ("flags", "processes", "expected"),
    [
        (["--data.batch_size", "4"], 1, {"data.micro_batch_size": 4}),
        (["--data.batch_size", "12"], 1, {"data.micro_batch_size": 6}),
        (["--data.micro_batch_size", "3"], 1, {"data.batch_size": 6}),
        (["--data.micro_batch_size", "20"], 1, {"data.batch_size": 20}),
        ([], 2, {"data.micro_batch_size": 4}),
        ([], 3, {"data.batch_size": 6, "data.micro_batch_size": 2}),
        (["--data.micro_batch_size", "8"], 2, {"data.batch_size": 16}),
    ],
)
def test_micro_batches_and_steps_divide(flags: list[str], processes: int, expected: dict[str, int]) -> None:
    assert fit(*flags, processes=processes)[0] == expected
    values = fit_defaults({}, parse_flags(flags), processes=processes).values
    assert plan_run(build_config(values), world_size=processes).accumulation >= 1


def test_heads_divide_the_width() -> None:
    assert fit("--model.n_embd", "100")[0] == {"model.n_head": 10}


def test_a_text_shorter_than_the_context_is_trained_with_a_shorter_one() -> None:
    changed, notes = fit(preset="story-10m", data=DataFacts(900, 100))
    assert changed == {"model.n_positions": 128, "data.batch_size": 6, "data.micro_batch_size": 6}
    assert "model.n_positions is 128 instead of 512: the text has only 900 tokens." in notes
    changed, _ = fit("--model.n_positions", "512", preset="smoke", data=DataFacts(900, 100))
    assert changed["data.context_length"] == 128
    changed, _ = fit("--model.init_from", "x", preset="finetune-gpt2", data=DataFacts(900, 100), context=1024)
    assert changed["data.context_length"] == 128


def test_contexts_of_a_model_and_of_a_run_go_together() -> None:
    assert fit("--data.context_length", "2048")[0] == {"model.n_positions": 2048}
    base = {"data": {"context_length": 512}}
    assert fit_defaults(base, {"model": {"init_from": "x"}}, context=64).values["data"]["context_length"] == 64


def test_without_validation_text_nobody_waits_for_a_better_loss() -> None:
    assert fit(preset="finetune-gpt2", data=DataFacts(10**6, 0))[0] == {"schedule.early_stop_evaluations": 0}


@pytest.mark.parametrize(
    ("flags", "both"),
    [
        (["--schedule.steps", "5", "--schedule.warmup_steps", "5"], ("warmup_steps (5)", "steps (5)")),
        (["--schedule.warmup_steps", "2000"], ("warmup_steps (2000)", "steps (1000)")),
        (["--data.batch_size", "6", "--data.micro_batch_size", "4"], ("batch_size (6)", "micro_batch_size (4)")),
        (["--model.n_embd", "10", "--model.n_head", "3"], ("n_embd (10)", "n_head (3)")),
        (["--model.n_positions", "8", "--data.context_length", "9"], ("context_length (9)", "context (8)")),
    ],
)
def test_values_that_were_given_are_refused_with_both_named(flags: list[str], both: tuple[str, str]) -> None:
    with pytest.raises(UserError) as refused:
        plan_run(build_config(fit_defaults({}, parse_flags(flags), data=LARGE).values))
    assert all(named in str(refused.value) for named in both)


@for_all(
    st.dictionaries(
        st.sampled_from(["steps", "warmup_steps"]), st.integers(0, 10**6) | st.sampled_from([None, "x", 10**400])
    ),
    st.dictionaries(
        st.sampled_from(["batch_size", "micro_batch_size", "context_length"]), st.integers(-1, 10**6) | st.just(1.5)
    ),
    st.dictionaries(st.sampled_from(["n_positions", "n_embd", "n_head"]), st.integers(0, 5_000)),
    st.integers(0, 10**5),
    st.integers(1, 9),
)
def test_whatever_is_given_stays_and_fitting_again_changes_nothing(
    schedule: dict[str, Any], data: dict[str, Any], model: dict[str, Any], tokens: int, processes: int
) -> None:
    given = {"schedule": schedule, "data": data, "model": model}
    facts = DataFacts(tokens, tokens // 10)
    fitted = fit_defaults(read_preset("smoke"), given, data=facts, processes=processes)
    assert all(fitted.values[name][key] == value for name, part in given.items() for key, value in part.items())
    again = fit_defaults(fitted.values, given, data=facts, processes=processes)
    assert (again.values, again.notes) == (fitted.values, ())


def test_the_settings_to_give_make_the_same_configuration(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", train=np.arange(300), val=np.arange(30))
    odd = {"schedule": {"steps": 500, "warmup_steps": 100}, "data": {"path": str(data), "context_length": 32}}
    config = build_config(merge(odd, {"model": {"n_embd": 100, "n_head": 5}, "run": {"eval_interval": 500}}))
    given = settings_to_give(config)
    assert given["schedule"] == {"steps": 500, "warmup_steps": 100}, "a default that would give way is given"
    assert "log_interval" not in given.get("run", {})
    assert build_config(fit_defaults({}, given, data=data_facts(str(data))).values) == config


def test_data_that_cannot_be_told_is_left_to_who_opens_it(tmp_path: Path) -> None:
    assert data_facts("") is None
    assert data_facts(str(tmp_path)) is None
    (tmp_path / "manifest.json").write_text(json.dumps({"version": 2, "splits": {"train": {"tokens": "many"}}}))
    assert data_facts(str(tmp_path)) is None


def test_config_prints_what_fits(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--preset", "story-10m", "--schedule.steps", "10"]) == 0
    printed = capsys.readouterr()
    assert "warmup_steps = 1\n" in printed.out
    assert "schedule.warmup_steps is 1 instead of 100" in printed.err
