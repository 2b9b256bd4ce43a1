"""Whole runs: started, steered, stopped, killed and gone on with, as processes of their own where that matters."""

import json
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from gptdesk.errors import UserError
from gptdesk.files import read_json
from gptdesk.inference.engine import Engine
from tests.trainer.processes import Program, program
from trainer.cli import main
from trainer.config.reference import to_toml
from trainer.config.schema import TrainConfig
from trainer.parallel.distributed import ProcessGroup
from trainer.run_directory.events import EventTail
from trainer.run_directory.layout import EXIT, SAMPLES
from trainer.run_directory.requests import send_request
from trainer.run_directory.state import read_config, read_state
from trainer.session import run_training

MakeConfig = Callable[..., TrainConfig]
ALONE = ProcessGroup(0, 1, torch.device("cpu"))
ENDLESS = {"schedule": {"steps": 100_000}, "run": {"eval_interval": 100_000, "checkpoint_interval": 100_000}}


def train(config: TrainConfig) -> str:
    return run_training(config, ALONE, log=lambda _: None)


def train_asking(config: TrainConfig, *requests: dict[str, Any]) -> str:
    """Trains with these requests waiting at the first step, in this order."""
    waiting = list(requests)

    def ask(_line: str) -> None:
        while waiting:
            send_request(Path(config.run.folder), **waiting.pop(0))

    return run_training(config, ALONE, log=ask)


def events(config: TrainConfig, kind: str) -> list[dict[str, Any]]:
    return [event for event in EventTail(Path(config.run.folder)).read() if event["ev"] == kind]


def final_weights(config: TrainConfig) -> dict[str, torch.Tensor]:
    newest = sorted((Path(config.run.folder) / "checkpoints").glob("step-*"))[-1]
    return load_file(newest / "model.safetensors")


def assert_equal(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> None:
    assert ours.keys() == theirs.keys()
    for name, weight in ours.items():
        assert torch.equal(weight, theirs[name]), name


def trainer_process(config: TrainConfig, tmp_path: Path, *command: str) -> AbstractContextManager[Program]:
    file = tmp_path / "run.toml"
    file.write_text(to_toml(config), encoding="utf-8")
    return program(tmp_path / "printed", "trainer", *(command or ("train", "--config", str(file))))


def test_a_run_records_what_it_did(make_config: MakeConfig) -> None:
    config = make_config(run={"sample_tokens": 3, "sample_prompts": ["Once", "He"]})
    assert train(config) == "finished"
    steps = events(config, "step")
    assert [event["step"] for event in steps] == list(range(1, 9))
    assert all(event["loss"] > 0 and event["tokens_per_s"] > 0 for event in steps)
    assert all(0 < event["cpu"] <= 1 for event in steps)
    assert not {"gpu", "ram"} & set(steps[0]), "what there is on CUDA alone"
    assert steps[-1]["tokens"] == 8 * 4 * 16
    assert set(steps[0]["ms"]) == {"data", "forward", "backward", "optimizer"}
    assert [(event["step"], event["best"]) for event in events(config, "eval")] == [(4, True), (8, True)]
    assert [(event["step"], event["tokens"]) for event in events(config, "final_eval")] == [(8, 299)]
    assert [event["step"] for event in events(config, "checkpoint")] == [4, 8]
    (start,) = events(config, "start")
    assert start["parameters"] == 810_960
    samples = [json.loads(line) for line in (Path(config.run.folder) / SAMPLES).read_text().splitlines()]
    assert [(sample["step"], sample["prompt"], sample["seed"]) for sample in samples] == [
        (4, "Once", 1), (4, "He", 2), (8, "Once", 1), (8, "He", 2),
    ]  # fmt: skip
    assert read_state(Path(config.run.folder)).state == "finished"


def test_a_checkpoint_completes_a_prompt(make_config: MakeConfig) -> None:
    from gptdesk.inference.sampling.settings import DecodingSettings

    config = make_config()
    train(config)
    engine = Engine.load(Path(config.run.folder) / "checkpoints" / "step-00000008")
    assert list(engine.generate("Once upon", DecodingSettings(max_tokens=3)))


def test_a_finished_run_has_nothing_left_to_do(make_config: MakeConfig) -> None:
    config = make_config()
    train(config)
    before = final_weights(config)
    assert train(config) == "finished"
    assert_equal(final_weights(config), before)


def test_the_best_checkpoint_stays_beside_the_newest(make_config: MakeConfig) -> None:
    """A learning rate that ruins the model later: the best one is early."""
    config = make_config(
        optim={"learning_rate": 0.5, "grad_clip": 0.0},
        schedule={"steps": 24, "warmup_steps": 23, "kind": "constant"},
        run={"eval_interval": 1, "checkpoint_interval": 2, "keep_checkpoints": 2},
    )
    train(config)
    evaluations = events(config, "eval")
    best = min(evaluations, key=lambda event: event["val_loss"])["step"]
    kept = sorted(path.name for path in (Path(config.run.folder) / "checkpoints").iterdir())
    assert best < 22
    assert kept == [f"step-{best:08d}", "step-00000022", "step-00000024"]


def test_early_stopping_ends_a_run_that_gets_worse(make_config: MakeConfig) -> None:
    config = make_config(
        optim={"learning_rate": 0.5, "grad_clip": 0.0},
        schedule={"steps": 1000, "warmup_steps": 999, "kind": "constant", "early_stop_evaluations": 3},
        run={"eval_interval": 1, "checkpoint_interval": 1000, "log_interval": 1000},
    )
    assert train(config) == "finished"
    losses = [event["val_loss"] for event in events(config, "eval")]
    assert len(losses) < 200
    assert min(losses) == losses[-4]
    (ended,) = events(config, "early_stop")
    assert ended["best_step"] == len(losses) - 3
    assert train(config) == "finished"
    assert [event["val_loss"] for event in events(config, "eval")] == losses  # patience stays lost: no step more


def answer_to(config: TrainConfig, request: str) -> dict[str, Any] | None:
    return next((event for event in events(config, "control") if event["id"] == request), None)


def test_a_run_is_steered_by_requests(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(**{**ENDLESS, "run": {**ENDLESS["run"], "sample_tokens": 3}})
    folder = Path(config.run.folder)
    with trainer_process(config, tmp_path) as process:

        def ask(action: str, **args: Any) -> dict[str, Any]:
            request = send_request(folder, action, **args)
            answer: dict[str, Any] = process.wait_for(lambda: answer_to(config, request))
            return answer

        process.wait_for(lambda: events(config, "step"))
        assert ask("checkpoint")["step"] == events(config, "checkpoint")[0]["step"]
        ask("evaluate")
        assert len(events(config, "eval")) == 1
        ask("sample", prompt="A cat", seed=5)
        samples = [json.loads(line) for line in (folder / SAMPLES).read_text().splitlines()]
        assert (samples[-1]["prompt"], samples[-1]["seed"]) == ("A cat", 5)
        assert "needs a prompt" in ask("sample", prompt=7)["refused"]
        assert "cannot be changed" in ask("set", name="seed", value=3)["refused"]
        assert "above 0" in ask("set", name="log_interval", value=0)["refused"]
        ask("set", name="learning_rate_factor", value=0.5)
        changed = len(events(config, "step")) + 1
        process.wait_for(lambda: len(events(config, "step")) > changed)
        assert events(config, "step")[-1]["lr"] == pytest.approx(config.optim.learning_rate * 0.5, rel=1e-2)

        ask("pause")
        process.wait_for(lambda: read_state(folder).state == "paused")
        paused_at = events(config, "pause")[0]["step"]
        assert "paused" in ask("checkpoint")["refused"]
        ask("evaluate")
        assert events(config, "step")[-1]["step"] <= paused_at
        ask("resume")
        process.wait_for(lambda: events(config, "step")[-1]["step"] > paused_at)

        assert main(["stop", str(folder)]) == 0
        assert process.wait() == 0
    assert read_state(folder).state == "stopped"
    assert events(config, "checkpoint")[-1]["step"] == events(config, "end")[0]["step"]
    assert main(["stop", str(folder)]) == 2


def test_the_factor_of_the_learning_rate_outlives_the_process(make_config: MakeConfig) -> None:
    config = make_config()
    factor = {"action": "set", "name": "learning_rate_factor", "value": 0.25}
    assert train_asking(config, factor, {"action": "stop"}) == "stopped"
    train(config)
    assert events(config, "step")[-1]["lr"] < 0.25 * config.optim.learning_rate


def test_what_was_changed_while_training_holds_for_the_next_start(make_config: MakeConfig) -> None:
    config = make_config()
    interval = {"action": "set", "name": "checkpoint_interval", "value": 2}
    train_asking(config, interval, {"action": "stop"})
    assert main(["resume", config.run.folder, "--schedule.steps", "10"]) == 0
    assert [event["step"] for event in events(config, "checkpoint")] == [1, 2, 4, 6, 8, 10]
    assert main(["resume", config.run.folder]) == 0
    assert read_config(Path(config.run.folder))["schedule"]["steps"] == 10
    assert len(events(config, "step")) == 10


def test_abort_saves_nothing(make_config: MakeConfig) -> None:
    config = make_config()
    assert train_asking(config, {"action": "abort"}) == "stopped"
    assert not list((Path(config.run.folder) / "checkpoints").iterdir())


def test_a_pause_does_not_hide_the_stop_behind_it(make_config: MakeConfig) -> None:
    config = make_config()
    assert train_asking(config, {"action": "pause"}, {"action": "stop"}) == "stopped"
    assert [event["step"] for event in events(config, "checkpoint")] == [1]
    assert [event["action"] for event in events(config, "control")] == ["pause", "stop"]


def test_a_request_to_a_trainer_that_ended_is_refused_by_the_next(make_config: MakeConfig) -> None:
    config = make_config()
    (Path(config.run.folder) / "control" / "in").mkdir(parents=True)
    left = send_request(Path(config.run.folder), "stop")
    assert train(config) == "finished"
    answer = answer_to(config, left)
    assert answer is not None
    assert "had ended" in answer["refused"]


def test_an_evaluation_on_request_decides_nothing(make_config: MakeConfig) -> None:
    config = make_config(run={"eval_interval": 1000})
    train_asking(config, {"action": "evaluate"}, {"action": "stop"})
    (evaluation,) = events(config, "eval")
    assert (evaluation["step"], evaluation["best"]) == (1, False)
    assert read_state(Path(config.run.folder)).status["best_step"] == 0


def test_a_run_is_gone_on_with_from_another_folder(
    make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_config()
    (tmp_path / "run.toml").write_text(to_toml(config))
    monkeypatch.chdir(Path(config.data.path).parent)
    command = ["train", "--config", str(tmp_path / "run.toml"), "--schedule.steps", "4"]
    assert main([*command, "--data", Path(config.data.path).name]) == 0
    monkeypatch.chdir(tmp_path)
    assert main(["resume", Path(config.run.folder).name, "--schedule.steps", "8"]) == 0
    assert events(config, "step")[-1]["step"] == 8


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_stops(make_config: MakeConfig, tmp_path: Path, number: signal.Signals) -> None:
    config = make_config(**ENDLESS)
    with trainer_process(config, tmp_path) as process:
        process.wait_for(lambda: events(config, "step"))
        process.send_signal(number)
        assert process.wait() == 0
    assert read_state(Path(config.run.folder)).state == "stopped"
    assert events(config, "checkpoint")[-1]["step"] == events(config, "end")[0]["step"]


@pytest.mark.parametrize(("kills", "data"), [(3, "data_folder"), (1, "own_data_folder")])
def test_killed_and_gone_on_with_it_gives_the_same_weights(
    make_config: MakeConfig, tmp_path: Path, request: pytest.FixtureRequest, kills: int, data: str
) -> None:
    """The rate is constant, so that steps are the same however many there are to be."""
    over = {"model": {"dropout": 0.1}, "run": {"eval_interval": 4, "checkpoint_interval": 3}}
    over["data"] = {"path": str(request.getfixturevalue(data))}
    config = make_config(**over, schedule={"steps": 100_000, "kind": "constant"})
    folder = Path(config.run.folder)

    def is_behind_a_checkpoint(saved: int) -> bool:
        kinds = [event["ev"] for event in EventTail(folder).read()]
        return kinds.count("checkpoint") >= saved and "step" in kinds[len(kinds) - kinds[::-1].index("checkpoint") :]

    for kill in range(kills):
        command = () if kill == 0 else ("resume", str(folder))
        with trainer_process(config, tmp_path, *command) as process:
            process.wait_for(lambda kill=kill: is_behind_a_checkpoint(2 * (kill + 1)))
            process.kill()
        assert read_state(folder).state == "crashed"
    end = events(config, "step")[-1]["step"] + 2
    assert main(["resume", str(folder), "--schedule.steps", str(end)]) == 0
    assert read_state(folder).state == "finished"
    assert len(events(config, "start")) == kills + 1
    over["run"] |= {"folder": str(tmp_path / "undisturbed")}
    undisturbed = make_config(**over, schedule={"steps": end, "kind": "constant"})
    assert train(undisturbed) == "finished"
    assert_equal(final_weights(config), final_weights(undisturbed))


def test_starting_again_where_a_run_is_asks_to_go_on(
    make_config: MakeConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = make_config()
    train(config)
    (tmp_path / "run.toml").write_text(to_toml(config))
    assert main(["train", "--config", str(tmp_path / "run.toml")]) == 2
    assert "holds a run already; continue it with `resume`" in capsys.readouterr().err


def test_two_trainers_do_not_share_a_run(
    make_config: MakeConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = make_config(**ENDLESS)
    with trainer_process(config, tmp_path) as process:
        process.wait_for(lambda: events(config, "step"))
        assert main(["resume", config.run.folder]) == 2
        assert "Another trainer is running" in capsys.readouterr().err
        assert main(["stop", config.run.folder, "--abort"]) == 0
        assert process.wait() == 0


@pytest.mark.parametrize("interval", [1, 1000])
def test_a_loss_that_is_not_finite_ends_the_run_and_is_named(make_config: MakeConfig, interval: int) -> None:
    """Also in a step that is not logged. A learning rate beyond all measure makes the loss infinite in a few steps."""
    config = make_config(
        optim={"learning_rate": 1e30, "grad_clip": 0.0},
        schedule={"steps": 100, "warmup_steps": 1, "kind": "constant"},
        run={"log_interval": interval, "eval_interval": 1000},
    )
    with pytest.raises(UserError, match=r"is not finite in step \d+; the weights were left as they were"):
        train(config)
    ending = read_json(Path(config.run.folder) / EXIT)
    assert ending is not None
    assert ending["state"] == "crashed"
    assert ending["cause"] == "not finite"
    crashes = [(event["reason"], event["cause"]) for event in events(config, "crash")]
    assert crashes == [(ending["reason"], "not finite")]


@contextmanager
def run_on_a_full_disk(config: TrainConfig, tmp_path: Path) -> Iterator[tuple[Program, str]]:
    """A run whose second checkpoint does not fit, paused, and that checkpoint's request.

    A limit on the size of files stands in for the full disk: checkpoints do not fit, records still do.
    """
    folder = Path(config.run.folder)
    with trainer_process(config, tmp_path) as process:
        process.wait_for(lambda: events(config, "step"))
        first = send_request(folder, "checkpoint")
        process.wait_for(lambda: answer_to(config, first))
        kept = sorted(path.name for path in (folder / "checkpoints").iterdir())
        limit_files(process, 1_000_000)
        second = send_request(folder, "checkpoint")
        process.wait_for(lambda: read_state(folder).state == "paused")
        assert "could not be written" in read_state(folder).status["reason"]
        assert sorted(path.name for path in (folder / "checkpoints").iterdir()) == kept
        yield process, second


def limit_files(process: Program, size: int) -> None:
    _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, hard))


needs_prlimit = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="changes another process's limits")


@needs_prlimit
def test_a_full_disk_pauses_the_run_until_there_is_room(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(**ENDLESS)
    folder = Path(config.run.folder)
    with run_on_a_full_disk(config, tmp_path) as (process, request):
        limit_files(process, resource.RLIM_INFINITY)
        send_request(folder, "resume")
        process.wait_for(lambda: answer_to(config, request))
        assert [event["step"] for event in events(config, "checkpoint")][1] == answer_to(config, request)["step"]
        assert main(["stop", str(folder)]) == 0


@needs_prlimit
def test_a_run_on_a_full_disk_stops_once_there_is_room(
    make_config: MakeConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = make_config(**ENDLESS)
    with run_on_a_full_disk(config, tmp_path) as (process, _):
        assert main(["stop", config.run.folder]) == 2
        assert "make room and stop it again, or end it with --abort" in capsys.readouterr().err
        assert read_state(Path(config.run.folder)).state == "paused"
        limit_files(process, resource.RLIM_INFINITY)
        assert main(["stop", config.run.folder]) == 0
        assert process.wait() == 0
    assert len(events(config, "checkpoint")) == 2


@needs_prlimit
def test_a_run_on_a_full_disk_can_be_aborted(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(**ENDLESS)
    with run_on_a_full_disk(config, tmp_path) as (process, _):
        main(["stop", config.run.folder])
        assert main(["stop", "--abort", config.run.folder]) == 0
        assert process.wait() == 0
    assert len(events(config, "checkpoint")) == 1


@needs_prlimit
def test_a_second_signal_ends_the_process_at_once_and_says_so(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(**ENDLESS)
    folder = Path(config.run.folder)
    with run_on_a_full_disk(config, tmp_path) as (process, _):
        process.send_signal(signal.SIGTERM)
        process.wait_for(lambda: len(events(config, "checkpoint_failed")) == 2)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 128 + signal.SIGTERM
    state = read_state(folder)
    assert state.state == "stopped"
    assert "second signal" in state.exit["reason"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs the device that is always full")
def test_training_goes_on_when_metrics_cannot_be_written(make_config: MakeConfig) -> None:
    config = make_config()
    folder = Path(config.run.folder)
    folder.mkdir()
    (folder / "events.jsonl").symlink_to("/dev/full")
    assert train(config) == "finished"
    assert "could not be written" in read_state(folder).status["degraded"]
    assert (folder / "checkpoints" / "step-00000008").is_dir()


def test_the_console_is_kept(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config()
    with trainer_process(config, tmp_path) as process:
        assert process.wait() == 0, process.printed
    assert "validation loss" in process.printed
    assert (Path(config.run.folder) / "console.log").read_text() == process.printed


def test_runs_are_listed_and_described(make_config: MakeConfig, capsys: pytest.CaptureFixture[str]) -> None:
    config = make_config()
    train(config)
    assert main(["list", "--json", config.run.folder]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert (listed["state"], listed["step"], listed["steps"]) == ("finished", 8, 8)
    assert main(["info", config.run.folder]) == 0
    assert "step-00000008" in capsys.readouterr().out
    assert main(["info", str(Path(config.run.folder).parent)]) == 2
    assert "is no run directory" in capsys.readouterr().err


def test_a_dry_run_tells_what_it_would_take_and_makes_nothing(
    make_config: MakeConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = make_config()
    (tmp_path / "run.toml").write_text(to_toml(config))
    assert main(["train", "--config", str(tmp_path / "run.toml"), "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "810,960" in printed
    assert "8 steps, 512 tokens, 0.26 epochs of 2,000" in printed
    assert not Path(config.run.folder).exists()
