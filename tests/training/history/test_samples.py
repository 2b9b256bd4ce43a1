"""Samples and console of a run, read while they are written."""

import json
from pathlib import Path
from typing import Any

from gptdesk.training.history.samples import ConsoleTail, SampleLog


def line(step: int, *, prompt: str = "Once", seed: int = 1, text: str = "", **over: Any) -> str:
    values = {"v": 1, "seg": 0, "t": 1.0, "step": step, "prompt": prompt, "text": text or f"at {step}",
              "seed": seed, "temperature": 0.8, "top_k": 40}  # fmt: skip
    return json.dumps(values | over) + "\n"


def write(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(text)


def test_samples_of_a_prompt_and_seed_come_by_step(tmp_path: Path) -> None:
    log = SampleLog(tmp_path)
    assert not log.update()
    write(tmp_path / "samples.jsonl", line(10) + line(10, prompt="猫", seed=2) + line(20))
    assert log.update()
    assert not log.update()
    assert log.prompts == [("Once", 1), ("猫", 2)]
    assert [sample.text for sample in log.of("Once", 1)] == ["at 10", "at 20"]
    assert log.of("Once", 2) == []


def test_a_step_that_was_trained_again_shows_its_new_text(tmp_path: Path) -> None:
    log = SampleLog(tmp_path)
    write(tmp_path / "samples.jsonl", line(10) + line(20, text="old"))
    log.update()
    write(tmp_path / "samples.jsonl", line(20, text="new") + line(15, text="asked for"))
    assert log.update()
    assert [sample.text for sample in log.of("Once", 1)] == ["at 10", "asked for", "new"]
    assert [sample.text for sample in log.samples] == ["at 10", "new", "asked for"]


def test_a_half_line_waits_and_a_broken_one_is_passed_over(tmp_path: Path) -> None:
    log, file = SampleLog(tmp_path), tmp_path / "samples.jsonl"
    whole = line(20)
    write(file, line(10) + whole[:30])
    log.update()
    assert len(log.samples) == 1
    write(file, whole[30:] + '{"step": 3}\nnonsense\n[]\n' + line(30, top_k="x") + line(40, v=99) + line(50))
    write(
        file,
        line(60, v="new")
        + line(60, v=None)
        + "[" * 100_000
        + "\n"
        + line(10**400)
        + line(-1)
        + line(60, seed=float("inf")),
    )
    log.update()
    assert [sample.step for sample in log.samples] == [10, 20, 30, 50]


def test_another_file_in_its_place_is_read_from_its_beginning(tmp_path: Path) -> None:
    log, file = SampleLog(tmp_path), tmp_path / "samples.jsonl"
    write(file, line(10) + line(20))
    log.update()
    file.unlink()
    log.update()
    write(tmp_path / "new", line(5))
    (tmp_path / "new").rename(file)
    log.update()
    assert [sample.step for sample in log.samples] == [5]


def test_a_file_that_was_emptied_holds_no_samples(tmp_path: Path) -> None:
    log, file = SampleLog(tmp_path), tmp_path / "samples.jsonl"
    write(file, line(10))
    log.update()
    file.write_bytes(b"")
    assert log.update()
    assert log.samples == []
    assert not log.update()


def lines(tail: ConsoleTail) -> list[str]:
    tail.update()
    return list(tail.lines)


def test_the_console_is_followed_and_its_last_line_may_be_half(tmp_path: Path) -> None:
    tail, file = ConsoleTail(tmp_path), tmp_path / "console.log"
    assert not tail.update()
    write(file, "one\ntwo\nth")
    assert lines(tail) == ["one", "two", "th"]
    write(file, "ree\r\nfo")
    assert lines(tail) == ["one", "two", "three", "fo"]
    write(file, "ur\n")
    assert lines(tail) == ["one", "two", "three", "four"]
    assert not tail.update()


def test_a_carriage_return_writes_over_the_line(tmp_path: Path) -> None:
    tail, file = ConsoleTail(tmp_path), tmp_path / "console.log"
    write(file, " 10%\r 20%\r")
    assert lines(tail) == [" 20%"]
    write(file, " 30%")
    assert lines(tail) == [" 30%"]
    write(file, "\rdone\nnext\n")
    assert lines(tail) == ["done", "next"]


def test_letters_that_arrive_in_two_parts_are_whole(tmp_path: Path) -> None:
    tail = ConsoleTail(tmp_path)
    data = "Märchen 🐉\n".encode()
    for count in range(1, len(data) + 1):
        (tmp_path / "console.log").write_bytes(data[:count])
        tail.update()
    assert list(tail.lines) == ["Märchen 🐉"]


def test_only_the_newest_lines_are_kept_and_only_the_end_is_read(tmp_path: Path) -> None:
    tail, file = ConsoleTail(tmp_path, lines=3), tmp_path / "console.log"
    write(file, "".join(f"line {number} {'x' * 1000}\n" for number in range(5_000)))
    assert [text.split(" x")[0] for text in lines(tail)] == ["line 4997", "line 4998", "line 4999"]
    write(file, "end\n")
    assert lines(tail)[-1] == "end"
    write(file, "".join(f"more {number} {'x' * 1000}\n" for number in range(5_000)))
    assert [text.split(" x")[0] for text in lines(tail)] == ["more 4997", "more 4998", "more 4999"]


def test_a_line_without_end_stays_bounded(tmp_path: Path) -> None:
    tail, file = ConsoleTail(tmp_path), tmp_path / "console.log"
    for _ in range(50):
        write(file, "x" * 10_000)
        tail.update()
    assert len(lines(tail)) == 1
    assert len(tail.lines[0]) <= 20_000


def test_a_console_that_was_cut_or_replaced_is_read_anew(tmp_path: Path) -> None:
    tail, file = ConsoleTail(tmp_path), tmp_path / "console.log"
    write(file, "a long first line\n")
    tail.update()
    file.write_text("b\n")
    assert lines(tail) == ["b"]
    file.unlink()
    assert not tail.update()
