"""A run's history, read while it is written, cut, replaced and lost."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gptdesk.locks import is_locked
from gptdesk.training.history.history import ANSWERS, RECENT, RunHistory
from gptdesk.training.launch import start_run
from trainer.run_directory.layout import EVENTS, FORMAT, LOCK
from trainer.run_directory.writer import RunWriter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "Läufe und mehr 世界"
    made.mkdir()
    return made


@pytest.fixture
def run(folder: Path) -> Iterator[RunWriter]:
    writer = RunWriter(folder, {})
    yield writer
    if is_locked(folder / LOCK):
        writer.finish("stopped")


def line(ev: str, step: float | None, *, v: Any = FORMAT, t: float = 1_000.0, **values: Any) -> str:
    return json.dumps({"v": v, "t": t, "ev": ev, "step": step, **values}, separators=(",", ":")) + "\n"


def a_step(step: int, loss: Any = 3.0, **values: Any) -> str:
    return line("step", step, **{"t": 1_000.0 + step, "tokens": 100 * step, "loss": loss, **values})


def write(folder: Path, *lines: str) -> None:
    with (folder / EVENTS).open("a", encoding="utf-8", newline="") as file:
        file.write("".join(lines))


def read(folder: Path) -> RunHistory:
    history = RunHistory(folder)
    history.update()
    return history


def steps(history: RunHistory) -> list[float]:
    return history.series("loss").step.tolist()


def marks(history: RunHistory) -> list[tuple[str, int]]:
    return [(mark.kind, mark.step) for mark in history.marks]


def test_what_the_trainer_logs_comes_back_by_metric(run: RunWriter, folder: Path) -> None:
    parts = {"data": 0.25, "forward": 30.5, "backward": 60.0, "optimizer": 8.0}
    values = {"epoch": 0.5, "grad_norm": 1.5, "lr": 6e-4, "tokens_per_s": 5000.5, "memory": 2**31, "mfu": 0.4}
    values |= {"cpu": 0.98, "gpu": 0.5, "ram": 2**30}
    run.event("start", step=0, steps=20, tokens_per_step=4096)
    run.event("step", step=10, tokens=40_960, loss=3.25, ms=parts, **values)
    history = read(folder)
    assert history.complete
    assert history.facts["tokens_per_step"] == 4096
    assert history.last["step"] == 10
    assert history.last["backward"] == 60.0
    for metric, value in {"loss": 3.25, **parts, **values}.items():
        if metric != "epoch":
            assert history.series(metric).value.tolist() == [value], metric
    series = history.series("loss")
    assert series.x("step").tolist() == [10]
    assert series.x("tokens").tolist() == [40_960]
    assert series.x("time").tolist() == [pytest.approx(history.last["t"] - history.facts["t"])]


def test_only_what_is_new_is_read(run: RunWriter, folder: Path) -> None:
    history = RunHistory(folder)
    assert not history.update()
    run.event("step", step=1, loss=3.0)
    assert history.update()
    version, early = history.version, history.series("loss")
    assert not history.update()
    assert history.version == version
    run.event("step", step=2, loss=2.0)
    assert history.update()
    assert history.version > version
    assert history.series("loss").value.tolist() == [3.0, 2.0]
    assert early.value.tolist() == [3.0]


def test_a_metric_that_is_added_to_the_list_is_read(folder: Path) -> None:
    """In a process of its own: the columns are made when the reader is imported."""
    write(folder, a_step(1, made_up=0.5, lr=0.1), a_step(2), "{\n", a_step(4, made_up=1.5, lr="x"))
    program = """if True:
        import sys
        from pathlib import Path
        from gptdesk import metrics
        metrics.METRICS += (metrics.Metric(key="made_up", title="Made up"),)
        from gptdesk.training.history.history import RunHistory
        history = RunHistory(Path(sys.argv[1]))
        history.update()
        print([history.series(metric).value.tolist() for metric in ("made_up", "lr", "memory", "data")])
    """
    done = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str([[0.5, nan, 1.5], [0.1, nan, nan], [nan] * 3, [nan] * 3])


def test_metrics_that_are_missing_are_not_numbers(folder: Path) -> None:
    write(folder, a_step(1), a_step(2, lr=0.5))
    history = read(folder)
    np.testing.assert_array_equal(history.series("lr").value, [np.nan, 0.5])
    assert np.isnan(history.series("backward").value).all()


def test_arrays_cannot_be_written_to(folder: Path) -> None:
    write(folder, a_step(1))
    with pytest.raises(ValueError, match="read-only"):
        read(folder).series("loss").value[0] = 0


def test_reading_can_be_spread_over_several_calls(folder: Path) -> None:
    write(folder, *(a_step(step) for step in range(1, 20_001)))
    history = RunHistory(folder)
    calls = 0
    while not history.complete:
        assert history.update(budget=0.0)
        calls += 1
    assert calls > 1
    assert steps(history) == list(range(1, 20_001))


def test_a_run_is_followed_while_it_is_trained(
    make_values: Callable[..., dict[str, Any]], runs: Path, wait: Callable[..., Any]
) -> None:
    folder = runs / "erster Lauf 🐉"
    history = RunHistory(folder)
    start_run(make_values(schedule={"steps": 7}), folder)
    wait(lambda: history.update() and history.recent and history.recent[-1]["ev"] == "end")
    assert steps(history) == list(range(1, 8))
    for metric in ("grad_norm", "lr", "tokens_per_s", "memory", "cpu", "data", "forward", "backward", "optimizer"):
        assert np.isfinite(history.series(metric).value).all(), metric
    a_step = history.facts["tokens_per_step"]
    assert history.series("loss").tokens.tolist() == [a_step * step for step in range(1, 8)]
    assert history.validation.step.tolist() == [3, 6, 7]
    assert history.validation.tokens.tolist() == [3 * a_step, 6 * a_step, 7 * a_step]
    assert history.final_validation is not None
    assert {("checkpoint", 3), ("checkpoint", 6), ("checkpoint", 7)} <= set(marks(history))
    assert not history.alerts


# Long files, read little by little


MARK = 100_000

RESUMES = [
    (0, 9_000, False), (4_000, 12_000, False), (3_999, 4_100, True), (2_000, 3_000, True),
    (0, 50, False), (20, 8_000, False), (7_990, 8_100, False), (10, 9_000, True),
]  # fmt: skip
"""Where a run goes on from, until which step, and whether it is then read to its end."""


def marked_steps(segment: int, first: int, last: int) -> list[str]:
    """Steps all of whose values tell of which segment they are; many of them are not read at a time."""
    return [
        a_step(step, mark, t=1_000.0 + mark, tokens=mark, memory=mark, ms={"forward": mark})
        for step, mark in ((step, MARK * segment + step) for step in range(first, last + 1))
    ]


def test_all_metrics_of_a_long_run_are_read_together_little_by_little(folder: Path) -> None:
    write(folder, line("start", 0), *marked_steps(0, 1, 10_000), line("checkpoint", 10_000))
    history = RunHistory(folder)
    stages = []
    while not history.complete:
        assert history.update(budget=0.0)
        stages.append((len(history.series("loss")), len(history.series("memory"))))
    assert all(loss == memory for loss, memory in stages)
    assert sorted(stages) == stages
    assert len(set(stages)) > 3, "little by little"
    assert stages[-1] == (10_000, 10_000)
    assert not history.update()
    for metric in ("memory", "forward"):
        np.testing.assert_array_equal(history.series(metric).value, history.series("loss").value)


def test_alerts_come_with_the_steps_that_give_rise_to_them(folder: Path) -> None:
    write(folder, *marked_steps(0, 1, 9_998), a_step(9_999, float("nan")), a_step(10_000))
    history = RunHistory(folder)
    while not history.alerts:
        assert len(history.series("loss")) < 9_999
        assert history.update(budget=0.0)
    assert history.complete
    assert [(alert.kind, alert.step) for alert in history.alerts] == [("nonfinite", 9_999)]
    assert len(history.series("memory")) == 10_000


@pytest.mark.parametrize("told", [True, False])
def test_resumes_cut_all_metrics_alike_whenever_they_are_read(folder: Path, told: bool) -> None:
    """Whether many of them are met at once, or one by one as they are written."""
    history = RunHistory(folder)
    last = 0
    for number, (back_to, until, all_of_it) in enumerate(RESUMES):
        if told:
            write(folder, line("start", back_to, t=1_000.0 + MARK * number))
        write(folder, *marked_steps(number, back_to + 1, until))
        last = until
        for _ in range(10_000 if all_of_it else 3):
            history.update(budget=0.0)
            for of in (history.series, history.superseded):
                loss, memory, forward = (of(metric) for metric in ("loss", "memory", "forward"))
                assert len(memory) == len(forward) == len(loss)
                for axis in ("step", "tokens", "time"):
                    np.testing.assert_array_equal(memory.x(axis), loss.x(axis)[: len(memory)])
                np.testing.assert_array_equal(memory.value, loss.value[: len(memory)])
                np.testing.assert_array_equal(forward.value, memory.value)
            if history.complete:
                break
        assert history.complete or not all_of_it
    assert steps(history) == list(range(1, last + 1))
    whole = read(folder)
    for metric in ("loss", "memory", "forward"):
        np.testing.assert_array_equal(history.series(metric).value, whole.series(metric).value)
        np.testing.assert_array_equal(history.superseded(metric).value, whole.superseded(metric).value)
    assert len(whole.superseded("memory")) > 0


@pytest.mark.parametrize("cut", [True, False])
def test_a_file_that_changes_while_it_is_read_is_read_anew(folder: Path, cut: bool) -> None:
    write(folder, *marked_steps(0, 1, 10_000))
    history = RunHistory(folder)
    while len(history.series("loss")) < 5_000:
        history.update(budget=0.0)
    assert not history.complete
    if cut:
        os.truncate(folder / EVENTS, len("".join(marked_steps(0, 1, 3_000))))
    else:
        (folder / EVENTS).unlink()
        write(folder, *marked_steps(1, 1, 12_000))
    history.update()
    assert history.complete
    expected = np.arange(1, 3_001) if cut else MARK + np.arange(1, 12_001)
    for metric in ("loss", "memory", "forward"):
        np.testing.assert_array_equal(history.series(metric).value, expected)


def test_a_run_that_vanishes_while_it_is_read_can_come_back(folder: Path) -> None:
    write(folder, *marked_steps(0, 1, 10_000))
    history = RunHistory(folder)
    assert history.update(budget=0.0)
    (folder / EVENTS).rename(folder / "away.jsonl")
    assert not history.update()
    assert history.complete
    assert len(history.series("memory")) < 10_000
    (folder / "away.jsonl").rename(folder / EVENTS)
    assert history.update()
    np.testing.assert_array_equal(history.series("memory").value, history.series("loss").value)


# Files in every state


def test_half_a_line_waits_until_it_is_whole(folder: Path) -> None:
    whole = a_step(2)
    write(folder, a_step(1), whole[:-7])
    history = read(folder)
    assert steps(history) == [1]
    assert history.complete
    assert not history.update()
    write(folder, whole[-7:-1])
    assert not history.update()
    write(folder, "\n")
    assert history.update()
    assert steps(history) == [1, 2]


def test_a_line_longer_than_what_is_read_at_once_is_read(folder: Path) -> None:
    long = line("control", 1, id="a", args={"prompt": "Es war einmal. " * 200_000}, done=True)
    write(folder, long[:-1])
    history = read(folder)
    assert not history.answers
    write(folder, "\n", a_step(1))
    history.update()
    assert len(history.answers["a"]["args"]["prompt"]) == 3_000_000
    assert steps(history) == [1]


def test_a_line_without_an_end_is_passed_over(folder: Path) -> None:
    write(folder, "0" * (40 << 20) + "\n", a_step(1))
    assert steps(read(folder)) == [1]


@pytest.mark.parametrize(
    "broken",
    [
        a_step(2)[:20] + "\n",
        "\n\n",
        "\0\0\0\0\n",
        "[1]\n",
        "7\n",
        "null\n",
        '"ev"\n',
        "[" * 100_000 + "\n",
        '{"ev":"step","step":"two"}\n',
        '{"ev":["step"],"step":2}\n',
        '{"ev":"step","step":null,"loss":1}\n',
        '{"ev":"step","step":1e999,"loss":1}\n',
        '{"v":"new","ev":{},"ms":7}\n',
        '{"v":"new","t":"now"}\n',
        '{"ev":"step","step":1' + "0" * 400 + "}\n",
        '{"ev":"step","step":1e87,"loss":1}\n',
        '{"ev":"step","step":-2,"loss":1}\n',
        '{"ev":"step","step":2}{"ev":"step","step":2}\n',
        "{}\n",
    ],
)
def test_lines_that_are_no_events_are_passed_over(folder: Path, broken: str) -> None:
    write(folder, a_step(1), broken, line("checkpoint", 1, folder="step-1"), broken, a_step(3))
    history = read(folder)
    assert steps(history) == [1, 3]
    assert marks(history) == [("checkpoint", 1)]
    assert history.last["step"] == 3


@pytest.mark.parametrize(
    "broken", ['{"ev":"step","step":2}{"ev":"step","step":2}\n', "  \n", '{"ev":"step","step":null}\n']
)
def test_a_broken_line_after_the_newest_step_hides_nothing(folder: Path, broken: str) -> None:
    write(folder, a_step(1), broken, line("start", 1), a_step(2), broken)
    history = read(folder)
    assert steps(history) == [1, 2]
    assert history.last["step"] == 2
    assert history.facts["ev"] == "start"


@pytest.mark.parametrize("name", ["epoch", "memory"])
def test_a_number_that_python_refuses_to_read_hides_nothing_else(folder: Path, name: str) -> None:
    write(folder, a_step(1, memory=5), f'{{"ev":"step","step":2,"{name}":' + "1" * 5_000 + "}\n", a_step(3, memory=7))
    history = read(folder)
    assert steps(history) == [1, 2, 3]
    np.testing.assert_array_equal(history.series("memory").value, [5, np.nan, 7])


@pytest.mark.parametrize("huge", [10**400, float("inf"), float("-inf"), "1" * 400, True])
def test_numbers_that_are_too_large_are_none(folder: Path, huge: Any) -> None:
    strange = dict.fromkeys(("t", "tokens", "loss", "memory", "ms", "tokens_per_step", "val_loss"), huge)
    write(folder, a_step(1), line("start", 1, **strange), a_step(2, **strange), line("eval", 2, **strange))
    history = read(folder)
    np.testing.assert_array_equal(history.series("loss").value, [3.0, np.nan])
    np.testing.assert_array_equal(history.series("memory").value, [np.nan, np.nan])
    assert history.series("loss").time.tolist() == [0.0, 0.0]
    assert np.isnan(history.validation.value).all()
    assert np.isfinite(history.validation.time).all()


def test_bytes_that_are_no_text_are_passed_over(folder: Path) -> None:
    write(folder, a_step(1))
    with (folder / EVENTS).open("ab") as file:
        file.write(b'{"ev":"pause","reason":"\xff\xfe"}\n{"\xff":1,"ev":"pause","step":"\xff"}\n')
    write(folder, a_step(2))
    history = read(folder)
    assert steps(history) == [1, 2]
    assert not history.marks


def test_values_of_other_types_leave_the_rest_of_the_event(folder: Path) -> None:
    write(folder, a_step(1), a_step(2, loss="low", ms=7, lr=0.5), a_step(3, loss=float("nan"), ms={"data": "x"}))
    history = read(folder)
    np.testing.assert_array_equal(history.series("loss").value, [3.0, np.nan, np.nan])
    np.testing.assert_array_equal(history.series("lr").value, [np.nan, 0.5, np.nan])


def test_two_events_in_one_line_stay_two_or_none(folder: Path) -> None:
    write(folder, a_step(1).strip() + line("pause", 1), a_step(2), line("checkpoint", 2, folder="step-2"))
    history = read(folder)
    assert steps(history) == [2]
    assert marks(history) == [("checkpoint", 2)]


def test_a_run_of_a_newer_version_is_read_as_far_as_it_is_understood(folder: Path) -> None:
    write(folder, a_step(1), a_step(2, v=FORMAT + 1), line("pause", 2, v=FORMAT + 1, ms="?"), a_step(3))
    history = read(folder)
    assert steps(history) == [1, 3]
    assert history.newer
    assert not history.marks
    assert not read_older(folder).newer


def read_older(folder: Path) -> RunHistory:
    (folder / EVENTS).write_text(a_step(1))
    return read(folder)


def test_events_of_unknown_kinds_are_kept_for_the_log(folder: Path) -> None:
    write(folder, line("party", 1, loss={"of": "hats"}), a_step(1))
    history = read(folder)
    assert [event["ev"] for event in history.recent] == ["party"]
    assert steps(history) == [1]


def test_two_readers_do_not_disturb_each_other(run: RunWriter, folder: Path) -> None:
    one, other = RunHistory(folder), RunHistory(folder)
    run.event("step", step=1, loss=3.0)
    one.update()
    run.event("step", step=2, loss=2.0)
    other.update()
    assert (steps(one), steps(other)) == ([1], [1, 2])
    one.update()
    assert steps(one) == [1, 2]


def test_a_file_that_was_cut_is_read_anew(folder: Path) -> None:
    write(folder, a_step(1), a_step(2), line("eval", 2, val_loss=3.0))
    history = read(folder)
    os.truncate(folder / EVENTS, len(a_step(1)))
    assert history.update()
    assert steps(history) == [1]
    assert len(history.validation) == 0


def test_a_file_that_was_emptied_shows_nothing(folder: Path) -> None:
    write(folder, a_step(1))
    history = read(folder)
    os.truncate(folder / EVENTS, 0)
    assert history.update()
    assert steps(history) == []
    assert history.last == {}
    assert not history.update()


def test_another_file_in_its_place_is_read_from_its_beginning(folder: Path) -> None:
    write(folder, a_step(1), a_step(2))
    history = read(folder)
    (folder / EVENTS).rename(folder / "old.jsonl")
    write(folder, a_step(5), a_step(6), a_step(7))
    assert history.update()
    assert steps(history) == [5, 6, 7]


def test_a_file_that_was_written_over_in_place_is_noticed(folder: Path) -> None:
    """Also when it has grown beyond what had been read: a copy over a mounted folder keeps the file's number."""
    write(folder, a_step(1), a_step(2))
    history = read(folder)
    (folder / EVENTS).write_text("".join(a_step(step, t=9_000.0 + step) for step in (4, 5, 6)))
    assert history.update()
    assert steps(history) == [4, 5, 6]


def test_a_run_that_vanishes_leaves_what_was_read(folder: Path) -> None:
    write(folder, a_step(1))
    history = read(folder)
    shutil.rmtree(folder)
    assert not history.update()
    assert history.complete
    assert steps(history) == [1]
    folder.mkdir()
    write(folder, a_step(8), a_step(9))
    assert history.update()
    assert steps(history) == [8, 9]


def test_a_run_that_is_not_there_reads_as_empty(tmp_path: Path) -> None:
    history = RunHistory(tmp_path / "nowhere" / "at all")
    assert not history.update()
    assert history.complete
    assert (steps(history), history.marks, history.last, history.facts) == ([], (), {}, {})


FILL_THE_DISK = """
import resource, sys
from pathlib import Path
from trainer.run_directory.writer import RunWriter

run = RunWriter(Path(sys.argv[1]), {})
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, hard))  # a write that reaches it is cut short, as on a full disk
for step in range(1, 101):
    if step == 81:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    run.event("step", step=step, loss=3.0, tokens=step)
assert 0 < run.dropped < 80
run.finish("finished")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_disk_that_was_full_for_a_while_leaves_a_gap_and_no_wrong_numbers(folder: Path) -> None:
    subprocess.run([sys.executable, "-c", FILL_THE_DISK, str(folder)], check=True, timeout=600)
    read_steps = steps(read(folder))
    before = [step for step in read_steps if step <= 80]
    assert before == list(range(1, len(before) + 1))
    assert len(before) < 80
    assert read_steps[len(before) :] == list(range(81, 101))


def test_a_million_events_are_read_right(folder: Path) -> None:
    count = 1_000_000
    with (folder / EVENTS).open("w", encoding="utf-8") as file:
        for thousand in range(count // 1000):
            first = thousand * 1000
            file.writelines(
                f'{{"v":1,"t":{step},"ev":"step","step":{step},"tokens":{step},"loss":{step % 977}}}\n'
                for step in range(first + 1, first + 1001)
            )
            file.write(f'{{"v":1,"t":{first + 1000},"ev":"eval","step":{first + 1000},"val_loss":{thousand}}}\n')
    history = read(folder)
    loss = history.series("loss")
    expected = np.arange(1, count + 1)
    np.testing.assert_array_equal(loss.step, expected)
    np.testing.assert_array_equal(loss.value, expected % 977)
    assert (loss.value.min(), loss.value.max()) == (0, 976)
    assert loss.time[-1] == count - 1
    assert history.validation.value.tolist() == list(range(1000))
    assert history.last["step"] == count
    assert len(history.recent) == 1000


# Clocks


def test_a_clock_that_was_set_back_does_not_set_back_the_axis(folder: Path) -> None:
    times = [100, 110, 120, 60, 70, 80]
    write(folder, *(a_step(step, t=t) for step, t in enumerate(times, 1)))
    assert read(folder).series("loss").time.tolist() == [0, 10, 20, 20, 30, 40]


def test_a_clock_is_followed_over_several_reads_and_kinds(folder: Path) -> None:
    write(folder, line("start", 0, t=100), a_step(1, t=110))
    history = read(folder)
    write(folder, line("eval", 1, t=50, val_loss=3.0), a_step(2, t=60), line("checkpoint", 2, t=55, folder="step-2"))
    history.update()
    assert history.series("loss").time.tolist() == [10, 20]
    assert history.validation.time.tolist() == [10]
    assert history.marks[-1].time == 20


def test_events_without_a_time_take_that_of_the_one_before(folder: Path) -> None:
    write(folder, a_step(1, t=100), a_step(2, t=None), '{"ev":"step","step":3}\n', a_step(4, t=130))
    assert read(folder).series("loss").time.tolist() == [0, 0, 0, 30]


# Resumes


def test_a_resume_leaves_later_points_behind(folder: Path) -> None:
    write(folder, line("start", 0), *(a_step(step, 5.0) for step in range(1, 7)), line("eval", 6, val_loss=5.0))
    history = read(folder)
    early = history.series("loss")
    write(folder, line("start", 4, t=2_000.0), a_step(5, 4.0), a_step(6, 3.0), line("eval", 6, val_loss=4.0))
    history.update()
    assert steps(history) == [1, 2, 3, 4, 5, 6]
    assert history.series("loss").value.tolist() == [5, 5, 5, 5, 4, 3]
    left = history.superseded("loss")
    assert left.step.tolist() == [5, 6]
    assert left.value.tolist() == [5, 5]
    assert history.validation.value.tolist() == [4.0]
    assert marks(history) == [("resume", 4)]
    assert early.value.tolist() == [5.0] * 6, "what was handed out does not change"


def test_resumes_one_after_the_other_keep_every_piece(folder: Path) -> None:
    write(folder, line("start", 0), a_step(1), a_step(2), a_step(3))
    write(folder, line("start", 2), a_step(3), a_step(4), line("start", 1), a_step(2))
    history = read(folder)
    assert steps(history) == [1, 2]
    assert history.superseded("loss").step.tolist() == [3, 2, 3, 4]


def test_a_resume_whose_start_was_not_recorded_is_noticed(folder: Path) -> None:
    write(folder, *(a_step(step, 5.0) for step in (1, 2, 3, 4)), a_step(3, 2.0), a_step(4, 1.0))
    history = read(folder)
    assert history.series("loss").value.tolist() == [5, 5, 2, 1]
    assert history.superseded("loss").step.tolist() == [3, 4]


def test_checkpoints_that_were_left_behind_lose_their_marks(folder: Path) -> None:
    write(folder, line("start", 0), a_step(1), line("checkpoint", 1, folder="step-1"), a_step(2))
    write(folder, line("checkpoint", 2, folder="step-2"), line("crash", 2, reason="It broke."), line("start", 1))
    assert marks(read(folder)) == [("checkpoint", 1), ("crash", 2), ("resume", 1)]


# The other events


def test_validation_losses_stand_at_the_tokens_of_their_step(folder: Path) -> None:
    """Between two logged steps too; the event's own tokens are those it was measured on."""
    write(folder, line("start", 0, tokens_per_step=100), a_step(10), line("eval", 15, val_loss=3.5, tokens=7))
    validation = read(folder).validation
    assert validation.step.tolist() == [15]
    assert validation.tokens.tolist() == [1_500]
    assert validation.value.tolist() == [3.5]


def test_marks_say_what_happened(folder: Path) -> None:
    write(folder, line("start", 0), a_step(1), line("pause", 1, t=1_001.0), line("resume", 1, t=1_002.0))
    write(folder, line("checkpoint", 2, t=1_003.0, folder="step-000002"))
    write(folder, line("early_stop", 3, t=1_004.0, best_step=1), line("crash", None, t=1_005.0, reason="Lost."))
    history = read(folder)
    assert [mark.kind for mark in history.marks] == ["pause", "resume", "checkpoint", "early_stop", "crash"]
    assert "step-000002" in history.marks[2].text
    assert history.marks[-1].text == "Lost."
    assert history.marks[-1].step == 1, "that of the last step, as the event has none"
    assert history.marks[-1].time == 5.0


def test_the_whole_split_counts_until_the_run_goes_on(folder: Path) -> None:
    write(folder, line("start", 0), a_step(5), line("final_eval", 5, val_loss=2.75))
    history = read(folder)
    assert history.final_validation == 2.75
    write(folder, line("start", 5), a_step(6))
    history.update()
    assert history.final_validation is None


def test_the_whole_split_of_a_future_that_was_left_does_not_count(folder: Path) -> None:
    write(folder, a_step(1), a_step(9), line("final_eval", 9, val_loss=2.5))
    assert read(folder).final_validation == 2.5
    write(folder, line("start", 1))
    assert read(folder).final_validation is None


def test_a_resume_whose_start_was_not_recorded_is_noticed_by_an_evaluation(folder: Path) -> None:
    write(folder, a_step(10), line("eval", 12, val_loss=3.0), line("eval", 3, val_loss=3.5), a_step(10, loss=2.0))
    history = read(folder)
    assert history.validation.step.tolist() == [3]
    assert history.series("loss").value.tolist() == [2.0]
    assert history.superseded("loss").value.tolist() == [3.0]


def test_answers_are_found_by_their_request_and_the_oldest_are_forgotten(run: RunWriter, folder: Path) -> None:
    for number in range(ANSWERS + 5):
        run.event("control", id=f"request {number}", action="checkpoint", args={}, step=1, done=True)
    history = read(folder)
    assert len(history.answers) == ANSWERS
    assert "request 4" not in history.answers
    assert history.answers[f"request {ANSWERS + 4}"]["done"] is True


def test_the_log_of_events_is_bounded(folder: Path) -> None:
    write(folder, *(line("pause", number) for number in range(RECENT + 50)))
    recent = read(folder).recent
    assert len(recent) == RECENT
    assert recent[-1]["step"] == RECENT + 49


def test_a_loss_that_is_not_finite_is_marked_and_told_once(run: RunWriter, folder: Path) -> None:
    run.event("step", step=1, loss=3.0)
    for step in (2, 3):
        run.event("step", step=step, loss=float("nan"))
    history = read(folder)
    run.event("step", step=4, loss=float("inf"))
    run.event("crash", reason="The loss is not finite in step 5.", cause="not finite")
    history.update()
    assert np.isnan(history.series("loss").value).tolist() == [False, True, True, True]
    assert marks(history) == [("nonfinite", 2), ("crash", 4)]
    assert [(alert.kind, alert.step) for alert in history.alerts] == [("nonfinite", 2)]


def test_a_trainer_that_stops_at_a_loss_that_is_not_finite_is_told_of(run: RunWriter, folder: Path) -> None:
    """It stops before it logs such a step."""
    run.event("step", step=1, loss=3.0)
    run.event("crash", reason="The loss is not finite in step 2.", cause="not finite")
    history = read(folder)
    assert [alert.kind for alert in history.alerts] == ["nonfinite"]
    assert history.alerts[0].explanation == "The loss is not finite in step 2."


def test_alerts_do_not_depend_on_how_often_one_looks(folder: Path) -> None:
    rng = np.random.default_rng(0)
    losses = 3 + rng.normal(0, 0.05, 600)
    losses[300] = 6
    speeds = [5_000.0] * 400 + [2_000.0] * 50 + [5_000.0] * 150
    often = RunHistory(folder)
    for step, (loss, speed) in enumerate(zip(losses, speeds, strict=True), 1):
        write(folder, a_step(step, float(loss), tokens_per_s=speed))
        if step % 7 == 0:
            often.update()
    often.update()
    assert [(alert.kind, alert.step) for alert in often.alerts] == [("spike", 301), ("slow", 408)]
    assert often.alerts == read(folder).alerts
    assert marks(often) == [("alert", 301), ("alert", 408)]
    assert often.marks[0].time == 300


def test_overfitting_is_seen_in_evaluations_and_the_losses_between(folder: Path) -> None:
    validation = [4.0, 3.0, 3.1, 3.2, 3.3, 3.4]
    for number, loss in enumerate(validation):
        first = 10 * number
        write(folder, *(a_step(first + step, 4.0 - 0.01 * (first + step)) for step in range(1, 11)))
        write(folder, line("eval", first + 10, t=1_010.0 + first, val_loss=loss))
    alerts = read(folder).alerts
    assert [(alert.kind, alert.step) for alert in alerts] == [("overfitting", 50)]


def test_overfitting_is_seen_across_resumes_and_names_the_best_of_the_run(folder: Path) -> None:
    for number, loss in enumerate([4.0, 3.0, 3.1, 3.2, 3.3, 3.4]):
        first = 10 * number
        write(folder, line("start", first))
        write(folder, *(a_step(first + step, 4.0 - 0.01 * (first + step)) for step in range(1, 11)))
        write(folder, line("eval", first + 10, t=1_010.0 + first, val_loss=loss))
    (alert,) = read(folder).alerts
    assert (alert.kind, alert.step) == ("overfitting", 50)
    assert "with 3.000" in alert.explanation


def test_evaluations_that_a_resume_left_behind_are_no_rise(folder: Path) -> None:
    for step, loss in ((10, 3.0), (20, 3.1), (30, 3.2)):
        write(folder, a_step(step, 4.0 - 0.01 * step), line("eval", step, val_loss=loss))
    write(folder, line("start", 10), a_step(20, 3.7), line("eval", 20, val_loss=3.3))
    assert read(folder).alerts == ()


def test_a_short_disk_is_told_once_until_there_is_room(folder: Path) -> None:
    write(folder, a_step(7))
    history = read(folder)
    assert history.check_disk(free=150, checkpoint_bytes=100)
    assert not history.check_disk(free=120, checkpoint_bytes=100)
    assert not history.check_disk(free=900, checkpoint_bytes=100)
    assert history.check_disk(free=99, checkpoint_bytes=100)
    assert [(alert.kind, alert.step) for alert in history.alerts] == [("disk", 7), ("disk", 7)]
    assert marks(history) == [("alert", 7), ("alert", 7)]


def test_a_short_disk_can_be_told_before_the_first_step(tmp_path: Path) -> None:
    history = RunHistory(tmp_path)
    assert history.check_disk(free=1, checkpoint_bytes=100)
    assert history.alerts[0].step == 0
