"""A run's events, read while they are written."""

import json
import os
from pathlib import Path

import pytest

from trainer.run_directory.events import EventTail
from trainer.run_directory.layout import EVENTS, FORMAT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "Läufe und mehr"
    made.mkdir()
    return made


def write(folder: Path, text: str) -> None:
    with (folder / EVENTS).open("a", encoding="utf-8") as file:
        file.write(text)


def line(step: int, version: int = FORMAT) -> str:
    return json.dumps({"v": version, "ev": "step", "step": step}) + "\n"


def steps(tail: EventTail) -> list[int]:
    return [event["step"] for event in tail.read()]


def test_each_read_gives_what_came_since_the_last(folder: Path) -> None:
    tail = EventTail(folder)
    assert steps(tail) == []
    write(folder, line(1) + line(2))
    assert steps(tail) == [1, 2]
    assert steps(tail) == []
    write(folder, line(3))
    assert steps(tail) == [3]


def test_half_a_line_waits_until_it_is_whole(folder: Path) -> None:
    tail = EventTail(folder)
    whole = line(2)
    write(folder, line(1) + whole[:9])
    assert steps(tail) == [1]
    assert steps(tail) == []
    write(folder, whole[9:])
    assert steps(tail) == [2]


def test_what_is_there_can_be_skipped(folder: Path) -> None:
    write(folder, line(1))
    tail = EventTail(folder)
    tail.skip()
    write(folder, line(2))
    assert steps(tail) == [2]


def test_a_line_that_was_left_broken_and_one_of_a_newer_format_are_passed_over(folder: Path) -> None:
    write(folder, line(1)[:7] + "\n" + line(2, FORMAT + 1) + "[]\n" + '{"v":"new"}\n' + "[" * 100_000 + "\n" + line(3))
    assert [event["step"] for event in EventTail(folder).read()] == [3]


def test_two_readers_do_not_disturb_each_other(folder: Path) -> None:
    one, other = EventTail(folder), EventTail(folder)
    write(folder, line(1))
    assert steps(one) == [1]
    write(folder, line(2))
    assert steps(other) == [1, 2]
    assert steps(one) == [2]


def test_a_file_that_was_cut_is_read_anew(folder: Path) -> None:
    tail = EventTail(folder)
    write(folder, line(1) + line(2))
    assert steps(tail) == [1, 2]
    os.truncate(folder / EVENTS, 0)
    write(folder, line(7))
    assert steps(tail) == [7]
    assert tail.restarts == 1


def test_another_file_in_its_place_is_read_from_its_beginning(folder: Path) -> None:
    tail = EventTail(folder)
    write(folder, line(1))
    assert steps(tail) == [1]
    (folder / EVENTS).rename(folder / "old.jsonl")
    write(folder, line(2) + line(3))
    assert steps(tail) == [2, 3]
    assert tail.restarts == 1


def test_a_folder_that_vanishes_reads_as_nothing(folder: Path) -> None:
    tail = EventTail(folder)
    write(folder, line(1))
    assert steps(tail) == [1]
    (folder / EVENTS).unlink()
    folder.rmdir()
    assert steps(tail) == []
