"""Damaged run directories, events and control files: the runs beside them are there, and one sentence says why."""

import json
import shutil
import socket
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from gptdesk.training.checkpoints import checkpoints
from gptdesk.training.diagnosis import diagnose
from gptdesk.training.history.history import RunHistory
from gptdesk.training.history.loss_sketch import loss_sketch
from gptdesk.training.history.samples import SampleLog
from gptdesk.training.index import RunIndex
from gptdesk.training.labels import Labels
from gptdesk.training.launch_record import read_launch
from tests.fuzz.mutations import COUNTS, check_sentence, damaged_bytes, damaged_json, is_plain, refuse_or, run_examples
from trainer.cli import main
from trainer.config.schema import build_config
from trainer.run_directory.events import EventTail
from trainer.run_directory.layout import CONTROL_IN, EVENTS, SAMPLES
from trainer.run_directory.requests import send_request
from trainer.run_directory.state import read_config, read_description, read_state
from trainer.run_directory.writer import RunWriter

CONFIG = {"schedule": {"steps": 100, "warmup_steps": 2}, "run": {"folder": "x"}, "data": {"path": "y"}}
FILES: dict[str, Any] = {
    "run.json": {"format": 1, "id": "a", "t": 1.7e9, "config": CONFIG, "argv": ["x"], "python": "3.11"},
    "config.json": CONFIG,
    "status.json": {
        "format": 1, "state": "running", "segment": 3, "pid": 99, "host": socket.gethostname(), "boot_id": "b",
        "heartbeat": 1.7e9, "step": 40, "steps": 100, "loss": 3.5, "tokens": 4000, "seconds_left": 9, "val_loss": 3.25,
        "best_loss": 3.25, "best_step": 30, "reason": "", "checkpoint": "step-00000030", "checkpoint_time": 1.7e9,
    },
    "exit.json": {
        "state": "crashed", "t": 1.7e9, "segment": 3, "code": 1, "reason": "ValueError: no", "cause": "", "rank": 0,
        "traceback": "Traceback (most recent call last):\n  x\nValueError: no",
    },
    "launch.json": {
        "format": 1, "t": 1.7e9, "name": "a name", "launcher": {"kind": "here", "processes": 1, "template": ""},
        "segment": 2, "console": 0, "code": 1, "pid": 99,
    },
    "checkpoints/step-00000030/manifest.json": {"config.json": {"bytes": 2, "sha256": "0" * 64}},
}  # fmt: skip
LABELS = {
    "schema": 1,
    "watched": ["/nowhere/at all"],
    "runs": {
        "a": {"name": "first", "tags": ["x", "y"], "pinned": True},
        "b": {"name": "", "tags": [], "pinned": False},
    },
}
LINES: list[dict[str, Any]] = [
    {
        "v": 1,
        "seq": 0,
        "seg": 0,
        "t": 1.7e9,
        "ev": "start",
        "step": 0,
        "steps": 9,
        "tokens_per_step": 64,
        "device": "cpu",
    },
    {"v": 1, "seq": 1, "seg": 0, "t": 1.7e9, "ev": "step", "step": 1, "tokens": 64, "loss": 5.5, "ms": {"data": 1.5}},
    {"v": 1, "seq": 2, "seg": 0, "t": 1.7e9, "ev": "eval", "step": 1, "val_loss": 5.4, "tokens": 9, "best": True},
    {"v": 1, "seq": 3, "seg": 0, "t": 1.7e9, "ev": "checkpoint", "step": 1, "folder": "step-00000001"},
    {
        "v": 1,
        "seq": 4,
        "seg": 0,
        "t": 1.7e9,
        "ev": "control",
        "id": "r",
        "action": "set",
        "args": {"name": "x"},
        "step": 1,
    },
    {"v": 1, "seq": 5, "seg": 0, "t": 1.7e9, "ev": "crash", "step": 1, "reason": "no", "cause": "not finite"},
    {"v": 1, "seq": 6, "seg": 1, "t": 1.7e9, "ev": "pause", "step": 1, "reason": "no room"},
    {"v": 1, "seq": 7, "seg": 1, "t": 1.7e9, "ev": "final_eval", "step": 1, "val_loss": 5.4},
]
SAMPLE = {
    "v": 1, "seg": 0, "t": 1.7e9, "step": 5, "prompt": "Once", "text": " upon", "seed": 1, "temperature": 0.8,
    "top_k": 4,
}  # fmt: skip
REQUEST = {"id": "r", "action": "set", "args": {"name": "log_interval", "value": 5}, "t": 1.7e9, "to": 0}


def write_run(folder: Path) -> Path:
    for name, values in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(values | ({"id": folder.name} if name == "run.json" else {})))
    (folder / "checkpoints/step-00000030/config.json").write_text("{}")
    return folder


def damaged_files() -> st.SearchStrategy[dict[str, bytes]]:
    """One to three files of a run, damaged."""
    one = st.sampled_from(sorted(FILES)).flatmap(lambda name: st.tuples(st.just(name), damaged_json(FILES[name])))
    return st.lists(one, min_size=1, max_size=3).map(dict)


@COUNTS
def test_a_damaged_run_costs_itself_alone(count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = tmp_path / "runs"
    neighbour = write_run(runs / "neighbour")

    def check(files: dict[str, bytes]) -> None:
        shutil.rmtree(runs / "target", ignore_errors=True)
        target = write_run(runs / "target")
        for name, data in files.items():
            (target / name).write_bytes(data)
        entries = {entry.folder: entry for entry in RunIndex(tmp_path / "labels.json", runs).scan()}
        assert set(entries) == {neighbour, target}
        beside, entry = entries[neighbour], entries[target]
        assert (beside.problem, beside.damage, beside.step, beside.steps) == ("", "", 40, 100)
        for sentence in filter(None, (entry.problem, entry.damage)):
            check_sentence(sentence)
        shown = [
            entry.step,
            entry.loss,
            entry.best_loss,
            entry.best_step,
            entry.seconds_left,
            entry.ended,
            entry.created,
        ]
        assert is_plain([*shown, entry.id, entry.name])
        state = read_state(target)
        assert is_plain([state.state, *state.status.values()])
        explained = diagnose(target, state)
        assert explained.sentence
        assert [checkpoint.step for checkpoint in checkpoints(target)] in ([], [30])
        read_launch(target)
        refuse_or(lambda: read_description(target))
        config = refuse_or(lambda: read_config(target))
        if config is not None:
            refuse_or(lambda: build_config(config))
        assert main(["list", str(runs)]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 2
        assert lines[0] == f"crashed     {neighbour}  step 40 of 100  loss 3.5000  best 3.2500 at 30"
        assert main(["list", str(runs), "--json"]) == 0
        assert main(["info", str(target)]) == 0
        capsys.readouterr()

    run_examples(count, damaged_files(), check)


@COUNTS
def test_damaged_labels_of_runs_are_kept_and_cost_no_run(count: int, tmp_path: Path) -> None:
    write_run(tmp_path / "runs" / "a")
    file = tmp_path / "labels.json"

    def check(data: bytes) -> None:
        for path in tmp_path.glob("labels.json*"):
            path.unlink()
        file.write_bytes(data)
        labels = Labels(file)
        index = RunIndex(file, tmp_path / "runs")
        (entry,) = index.scan()
        assert is_plain([entry.name, entry.tags])
        refuse_or(lambda: index.rename(entry.id, "another name"))
        refuse_or(lambda: index.watch(tmp_path))
        assert index.scan()[0].name == "another name"
        assert is_plain([str(folder) for folder in labels.watched])
        kept = [path.read_bytes() for path in tmp_path.glob("labels.json*")]
        assert data in kept or Labels(file).of("a").name == "another name"

    run_examples(count, damaged_json(LABELS), check)


@st.composite
def damaged_lines(draw: st.DrawFn, lines: list[dict[str, Any]]) -> bytes:
    """A file of JSON lines, of which some are damaged."""
    written = [json.dumps(line).encode() for line in lines]
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(lines) - 1))
        written[place] = draw(damaged_json(lines[place]))
    data = b"\n".join(written) + b"\n"
    return draw(damaged_bytes(data)) if draw(st.integers(0, 4)) == 0 else data


@COUNTS
def test_damaged_events_are_passed_over(count: int, tmp_path: Path) -> None:
    good = {**LINES[1], "seg": 9, "step": 2, "loss": 4.5}

    def check(data: bytes) -> None:
        (tmp_path / EVENTS).write_bytes(data + b"\n" + json.dumps(good).encode() + b"\n")
        history = RunHistory(tmp_path)
        history.update()
        assert history.last["loss"] == 4.5 or history.newer
        assert is_plain([mark.text for mark in history.marks])
        assert is_plain(list(history.recent))
        assert is_plain(history.facts)
        assert is_plain(history.last)
        for alert in history.alerts:
            assert is_plain(alert.t)
        assert history.series("loss").step[-1] == 2
        assert is_plain(loss_sketch(tmp_path))
        events = list(EventTail(tmp_path).read())
        assert is_plain(events)
        assert events[-1]["step"] == 2

    run_examples(count, damaged_lines(LINES), check)


@COUNTS
def test_damaged_samples_are_passed_over(count: int, tmp_path: Path) -> None:
    def check(data: bytes) -> None:
        good = json.dumps({**SAMPLE, "prompt": "good"}).encode()
        (tmp_path / SAMPLES).write_bytes(data + b"\n" + good + b"\n")
        log = SampleLog(tmp_path)
        log.update()
        assert "good" in {sample.prompt for sample in log.samples}
        for sample in log.samples:
            assert is_plain([sample.prompt, sample.text, sample.t, sample.temperature])
            assert abs(sample.t) < 1e12
            assert abs(sample.seed) < 2**64

    run_examples(count, damaged_lines([SAMPLE, SAMPLE]), check)


@COUNTS
def test_damaged_requests_are_refused_and_hinder_no_other(count: int, tmp_path: Path) -> None:
    writer = RunWriter(tmp_path, {"config": {}})

    def check(data: bytes) -> None:
        (tmp_path / CONTROL_IN / "00.json").write_bytes(data)
        sent = send_request(tmp_path, "stop")
        requests = list(writer.requests())
        assert requests[-1].id == sent
        for request in requests:
            assert is_plain([request.id, request.action, dict(request.args)])
            writer.answer(request, step=1)
        assert list((tmp_path / CONTROL_IN).iterdir()) == []

    try:
        run_examples(count, damaged_json(REQUEST), check)
        assert all(len(event["id"]) <= 200 for event in EventTail(tmp_path).read())
    finally:
        writer.finish("stopped")


@COUNTS
def test_a_trainer_starts_on_a_damaged_run(count: int, tmp_path: Path) -> None:
    def check(files: dict[str, bytes]) -> None:
        target = tmp_path / "run"
        shutil.rmtree(target, ignore_errors=True)
        write_run(target)
        (target / EVENTS).write_text('{"v":1,"seq":0,"seg":3,"t":1.0,"ev":"end","step":1}\n')
        for name, data in files.items():
            (target / name).write_bytes(data)
        with closing(_Finishing(RunWriter(target, {"config": {}}))) as run:
            assert run.writer.attempt >= 1
            assert read_state(target).state == "starting"

    run_examples(count // 4, damaged_files(), check)


class _Finishing:
    def __init__(self, writer: RunWriter) -> None:
        self.writer = writer

    def close(self) -> None:
        self.writer.finish("stopped")
