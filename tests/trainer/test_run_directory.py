import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gptdesk.errors import UserError
from gptdesk.files import read_json, write_json
from gptdesk.locks import is_locked
from tests.patience import wait_for
from trainer.run_directory.events import EventTail
from trainer.run_directory.layout import CONTROL_DONE, CONTROL_IN, EVENTS, EXIT, LOCK, RUN, SAMPLES, STATUS
from trainer.run_directory.requests import LARGEST_REQUEST, send_request, withdraw_requests
from trainer.run_directory.state import find_runs, read_description, read_state
from trainer.run_directory.writer import RunWriter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ein Lauf 世界"


@pytest.fixture
def run(folder: Path) -> Iterator[RunWriter]:
    writer = RunWriter(folder, {"config": {"name": "é"}})
    yield writer
    if is_locked(folder / LOCK):
        writer.finish("stopped")


def test_events_come_back_as_written(run: RunWriter, folder: Path) -> None:
    run.event("step", step=1, loss=2.5, text="naïve 世界\n")
    run.event("step", step=2, loss=float("nan"), norm=float("inf"))
    first, second = EventTail(folder).read()
    assert first | {"t": 0} == {
        "v": 1, "seq": 0, "seg": 0, "t": 0, "ev": "step", "step": 1, "loss": 2.5, "text": "naïve 世界\n",
    }  # fmt: skip
    assert second["loss"] is None
    assert sorted(second["nonfinite"]) == ["loss", "norm"]
    assert b"NaN" not in (folder / EVENTS).read_bytes()


def test_half_a_line_is_not_read_and_never_glued_to_the_next(folder: Path) -> None:
    run = RunWriter(folder, {})
    run.event("step", step=1)
    run.finish("crashed")
    with (folder / EVENTS).open("ab") as file:
        file.write(b'{"v":1,"ev":"step","st')  # what a kill in the middle of a write leaves
    assert [event["step"] for event in EventTail(folder).read()] == [1]
    again = RunWriter(folder, {})
    again.event("step", step=2)
    assert [event["step"] for event in EventTail(folder).read()] == [1, 2]
    assert [event["seg"] for event in EventTail(folder).read()] == [0, 1]
    again.finish("finished")


def test_half_a_sample_is_never_glued_to_the_next(run: RunWriter, folder: Path) -> None:
    run.sample(step=1, text="one")
    with (folder / SAMPLES).open("ab") as file:
        file.write(b'{"v":1,"step":2,"te')  # what a full disk leaves
    run.sample(step=3, text="three")
    assert [sample["step"] for sample in EventTail(folder, SAMPLES).read()] == [1, 3]


def test_what_a_starting_trainer_was_asked_for_is_no_leftover(folder: Path) -> None:
    first = RunWriter(folder, {})
    first.finish("stopped")
    left, early = send_request(folder, "stop", to=0), send_request(folder, "checkpoint", to=1)
    second = RunWriter(folder, {})
    answers = [event for event in EventTail(folder).read() if event["ev"] == "control"]
    assert [answer["id"] for answer in answers] == [left]
    assert [request.id for request in second.requests()] == [early]
    second.finish("stopped")


def test_what_was_asked_of_a_trainer_that_never_began_is_taken_back(folder: Path) -> None:
    send_request(folder, "stop", to=0)
    kept = send_request(folder, "pause", to=1)
    withdraw_requests(folder, 0)
    assert [(read_json(path) or {})["id"] for path in (folder / CONTROL_IN).glob("*.json")] == [kept]


def test_events_of_a_newer_format_are_passed_over(run: RunWriter, folder: Path) -> None:
    with (folder / EVENTS).open("ab") as file:
        file.write(b'{"v":99,"ev":"step","step":7}\n[1]\n')
    run.event("step", step=8)
    assert [event["step"] for event in EventTail(folder).read()] == [8]


def test_a_run_of_a_newer_format_is_refused(folder: Path) -> None:
    folder.mkdir()
    write_json(folder / RUN, {"format": 99})
    with pytest.raises(UserError, match="newer version"):
        read_description(folder)


def test_a_second_trainer_is_refused(run: RunWriter, folder: Path) -> None:
    with pytest.raises(UserError, match="Another trainer is running"):
        RunWriter(folder, {})


def test_the_description_is_that_of_the_first_start(run: RunWriter, folder: Path) -> None:
    run.finish("stopped")
    RunWriter(folder, {"config": {"name": "another"}}).finish("stopped")
    assert read_description(folder)["config"] == {"name": "é"}


def test_the_heart_beats_while_the_loop_does_something_long(run: RunWriter, folder: Path) -> None:
    run.status(state="compiling", step=3)
    first = read_json(folder / STATUS)
    assert first is not None
    assert first["state"] == "compiling"
    assert first["pid"] == os.getpid()
    wait_for(lambda: (read_json(folder / STATUS) or first)["heartbeat"] != first["heartbeat"], "the next beat")
    assert read_state(folder).state == "compiling"


def test_a_run_whose_trainer_died_is_told_by_its_free_lock(run: RunWriter, folder: Path) -> None:
    run.status(state="running")
    assert read_state(folder).active
    run._closing.set()
    run._heart.join()
    run._lock.release()  # what the end of the process does
    state = read_state(folder)
    assert state.state == "crashed"
    assert not state.active


def test_a_process_that_got_the_dead_ones_number_is_not_taken_for_it(folder: Path) -> None:
    folder.mkdir()
    write_json(folder / RUN, {"format": 1})
    write_json(folder / STATUS, {"state": "running", "pid": os.getpid(), "host": socket.gethostname()})
    assert read_state(folder).state == "crashed"


@pytest.mark.parametrize("clock", [0, 3_600, -3_600])
def test_a_clock_that_jumps_changes_nothing_here(run: RunWriter, folder: Path, clock: float) -> None:
    run._closing.set()
    run._heart.join()
    write_json(folder / STATUS, {"state": "running", "host": socket.gethostname(), "heartbeat": time.time() + clock})
    assert read_state(folder).state == "running"


@pytest.mark.parametrize(("age", "state"), [(1, "running"), (60, "lost")])
def test_a_run_on_another_computer_is_lost_when_its_heart_stops(folder: Path, age: float, state: str) -> None:
    folder.mkdir()
    write_json(folder / RUN, {"format": 1})
    write_json(folder / STATUS, {"state": "running", "host": "elsewhere", "heartbeat": time.time() - age})
    assert read_state(folder).state == state


def test_how_it_ended_is_told_by_its_last_words(run: RunWriter, folder: Path) -> None:
    run.finish("crashed", reason="The loss is not finite.", code=2)
    state = read_state(folder)
    assert state.state == "crashed"
    assert state.exit["reason"] == "The loss is not finite."
    RunWriter(folder, {}).finish("finished")
    assert read_state(folder).state == "finished"


def test_requests_are_handed_out_once_in_order_and_answered(run: RunWriter, folder: Path) -> None:
    sent = [send_request(folder, "pause"), send_request(folder, "sample", prompt="Ein Wort: 世界")]
    requests = list(run.requests())
    assert [request.id for request in requests] == sent
    assert requests[1].args == {"prompt": "Ein Wort: 世界"}
    assert list(run.requests()) == []
    assert len(list((folder / CONTROL_DONE).iterdir())) == 2
    run.answer(requests[0], step=5)
    run.answer(requests[1], step=5, refused="no")
    answers = [(event["id"], event.get("done"), event.get("refused")) for event in EventTail(folder).read()]
    assert answers == [(sent[0], True, None), (sent[1], None, "no")]


ODD_REQUESTS = {
    "no JSON": "{",
    "a list": "[]",
    "nested deeply": "[" * 10_000,
    "too large": " " * (LARGEST_REQUEST + 1),
    "no action": "{}",
    "an action that is no text": '{"action": 5}',
    "an id that is no text": '{"id": [], "action": "stop"}',
    "arguments that are a list": '{"action": "stop", "args": [1]}',
}


@pytest.mark.parametrize("contents", ODD_REQUESTS.values(), ids=ODD_REQUESTS.keys())
def test_a_request_that_is_none_is_refused_in_the_events_and_hinders_no_other(
    run: RunWriter, folder: Path, contents: str
) -> None:
    (folder / CONTROL_IN / "0.json").write_text(contents)
    sent = send_request(folder, "stop")
    assert [request.id for request in run.requests()] == [sent]
    (answer,) = [event for event in EventTail(folder).read() if event["ev"] == "control"]
    assert (answer["id"], bool(answer["refused"])) == ("0", True)
    assert sorted((folder / CONTROL_IN).iterdir()) == []


def test_a_request_that_cannot_be_read_is_said_once_and_left_where_it_is(run: RunWriter, folder: Path) -> None:
    (folder / CONTROL_IN / "0.json").symlink_to("0.json")  # reading it fails, whoever one is
    sent = send_request(folder, "stop")
    assert [request.id for request in run.requests()] == [sent]
    assert list(run.requests()) == []
    (answer,) = [event for event in EventTail(folder).read() if event["ev"] == "control"]
    assert "left where it is" in answer["refused"]
    assert (folder / CONTROL_IN / "0.json").is_symlink()


@pytest.mark.parametrize("contents", ["{", '{"segment": "x"}', '{"segment": -1}', "[" * 10_000])
def test_a_damaged_status_stops_no_run_and_its_trainers_are_counted_on(folder: Path, contents: str) -> None:
    for _ in range(2):
        writer = RunWriter(folder, {"config": {}})
        writer.event("start", step=0)
        writer.finish("stopped")
    (folder / STATUS).write_text(contents)
    writer = RunWriter(folder, {"config": {}})
    assert writer.attempt == 2
    writer.finish("stopped")


def test_an_action_that_does_not_exist_is_refused(folder: Path) -> None:
    with pytest.raises(UserError, match="cannot be asked for 'explode'"):
        send_request(folder, "explode")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs the device that is always full")
def test_a_full_disk_drops_records_and_says_so(folder: Path) -> None:
    folder.mkdir()
    (folder / EVENTS).symlink_to("/dev/full")
    run = RunWriter(folder, {})
    run.event("step", step=1)
    run.event("step", step=2)
    assert run.dropped == 2
    run.status(state="running")
    status = read_json(folder / STATUS)
    assert status is not None
    assert "2 records could not be written" in status["degraded"]
    run.finish("stopped")


def test_runs_are_found_in_a_folder_and_by_themselves(run: RunWriter, folder: Path) -> None:
    (folder.parent / "no run").mkdir()
    assert list(find_runs([folder.parent])) == [folder]
    assert list(find_runs([folder])) == [folder]
    assert list(find_runs([folder / "nowhere"])) == []


def test_a_folder_that_vanished_reads_as_nothing(folder: Path) -> None:
    assert list(EventTail(folder).read()) == []
    assert not read_state(folder).active
    with pytest.raises(UserError, match="no run directory"):
        read_description(folder)


def test_json_is_replaced_whole(folder: Path) -> None:
    folder.mkdir()
    for number in range(3):
        write_json(folder / STATUS, {"number": number})
        assert json.loads((folder / STATUS).read_text()) == {"number": number}
    assert [path.name for path in folder.iterdir()] == [STATUS]
    (folder / EXIT).write_text("[]")
    assert read_json(folder / EXIT) is None


def test_a_file_that_is_nested_without_end_reads_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("[" * 100_000)
    assert read_json(tmp_path / "run.json") is None
