"""From a text that somebody has to a model, with nothing set: prepare X --out D; train --preset smoke --data D."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gptdesk.files import read_json
from gptdesk.gpt2.layout import read_config
from gptdesk.training.checkpoints import checkpoints
from gptdesk.training.estimate import summarise
from gptdesk.training.history.history import RunHistory
from gptdesk.training.index import RunIndex
from trainer.cli import main
from trainer.config.values import read_preset
from trainer.run_directory.events import EventTail
from trainer.run_directory.layout import CHECKPOINTS
from trainer.run_directory.requests import send_request
from trainer.run_directory.state import read_state

SMALL = ("--model.n_layer", "1", "--model.n_embd", "16", "--run.sample_tokens", "8", "--run.device", "cpu")

Train = Callable[..., Path]


def prepared(tmp_path: Path, *arguments: str) -> Path:
    assert main(["prepare", *arguments, "--out", str(tmp_path / "data"), "--workers", "1"]) == 0
    return tmp_path / "data"


def train(tmp_path: Path, data: Path, *flags: str) -> Path:
    run = tmp_path / "run"
    assert main(["train", "--preset", "smoke", "--data", str(data), "--out", str(run), *SMALL, *flags]) == 0
    return run


def eval_events(run: Path) -> list[dict[str, Any]]:
    return [event for event in EventTail(run).read() if event["ev"] in ("eval", "final_eval")]


@pytest.mark.parametrize(
    ("text", "context"),
    [
        ("\n".join(chr(ord("a") + i) for i in range(26)), 8),
        ("\n".join(f"{i}. One of twenty-six lines of a list." for i in range(26)), 64),
        ("A sentence of a tale that is told again and again. " * 1_600, 64),  # 80 kB
    ],
    ids=["26 letters", "26 lines", "80 kB"],
)
def test_a_short_text_is_prepared_and_trained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, context: int
) -> None:
    (tmp_path / "a.txt").write_text(text)
    data = prepared(tmp_path, str(tmp_path / "a.txt"))
    assert "the last tenth of the text is held out" in capsys.readouterr().out
    run = train(tmp_path, data, "--schedule.steps", "2")
    said = capsys.readouterr().out
    config = read_json(run / "config.json")
    assert config is not None
    assert config["model"]["n_positions"] == context
    assert ("model.n_positions is 8 instead of 64: the text has only" in said) == (context == 8)
    assert "schedule.warmup_steps is 0 instead of 5: a tenth of the 2 steps." in said
    assert read_config(run / CHECKPOINTS / "step-00000002").n_positions == context
    assert eval_events(run)
    described = read_json(run / "run.json")
    assert described is not None
    assert "schedule.steps" in described["given"]
    assert "schedule.warmup_steps" not in described["given"]
    assert all(note in said for note in described["fitted"])
    assert "fitted" not in config


def test_a_dry_run_says_what_gives_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("A short tale. " * 20)
    data = prepared(tmp_path, str(tmp_path / "a.txt"))
    capsys.readouterr()
    asked = ["train", "--preset", "story-10m", "--data", str(data), "--schedule.steps", "10", "--dry-run", *SMALL]
    assert main([*asked, "--json"]) == 0
    outlook = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert outlook["context_length"] == 16
    assert "schedule.warmup_steps is 1 instead of 100: a tenth of the 10 steps." in outlook["fitted"]
    assert main(asked) == 0
    assert "schedule.warmup_steps is 1 instead of 100" in capsys.readouterr().out


def test_a_resumed_run_keeps_what_was_given_and_fits_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").write_text("A sentence of a tale that is told again and again. " * 99)
    data = prepared(tmp_path, str(tmp_path / "a.txt"))
    small_steps = ("--data.batch_size", "1", "--data.micro_batch_size", "1")
    run = train(tmp_path, data, "--schedule.steps", "10", "--run.eval_interval", "9", *small_steps)
    assert main(["resume", str(run), "--schedule.steps", "11"]) == 0
    config = read_json(run / "config.json")
    assert config is not None
    assert (config["schedule"]["steps"], config["schedule"]["warmup_steps"]) == (11, 1)
    assert config["run"]["eval_interval"] == 9
    assert main(["resume", str(run), "--schedule.steps", "40", "--schedule.warmup_steps", "40"]) == 2
    assert "warmup_steps (40) must be below steps (40)" in capsys.readouterr().err


def test_without_validation_nothing_is_evaluated_and_the_last_checkpoint_is_the_best(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").write_text("A sentence of a tale that is told again and again. " * 99)
    data = prepared(tmp_path, str(tmp_path / "a.txt"), "--val-share", "0")
    assert "No text is held out for validation." in capsys.readouterr().out
    run = train(tmp_path, data, "--schedule.steps", "4", "--run.checkpoint_interval", "2", "--run.eval_interval", "2")
    assert "There is no validation text" in capsys.readouterr().out
    assert not eval_events(run)
    assert (run / "samples.jsonl").read_text().count("\n") == 2, "samples are written all the same"
    assert [(each.step, each.best) for each in checkpoints(run)] == [(2, False), (4, True)]
    assert main(["list", str(run)]) == 0
    assert "best" not in capsys.readouterr().out
    (entry,) = RunIndex(tmp_path / "labels.json", tmp_path).scan()
    assert (entry.state.state, entry.best_loss, entry.best_step) == ("finished", None, None)
    history = RunHistory(run)
    history.update()
    request = send_request(run, "evaluate", to=1)
    assert main(["resume", str(run), "--schedule.steps", "5"]) == 0
    answer = next(event for event in EventTail(run).read() if event.get("id") == request)
    assert answer["refused"] == "the data holds no validation text"
    assert read_state(run).state == "finished"


def test_early_stopping_without_validation_is_refused_with_both_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").write_text("A sentence of a tale that is told again and again. " * 99)
    data = prepared(tmp_path, str(tmp_path / "a.txt"), "--val-share", "0")
    asked = ["train", "--preset", "smoke", "--data", str(data), "--out", str(tmp_path / "run"), *SMALL]
    flag = ("--schedule.early_stop_evaluations", "3")
    for more in ((), ("--dry-run",)):
        assert main([*asked, *flag, *more]) == 2
        refusal = capsys.readouterr().err
        assert "schedule.early_stop_evaluations (3) needs validation text" in refusal
        assert f"data.path ({data})" in refusal
    values = read_preset("smoke") | {"data": {"path": str(data)}}
    assert not summarise(values).problems
    values["schedule"] |= {"early_stop_evaluations": 3}
    assert set(summarise(values).problems) == {"schedule.early_stop_evaluations"}
