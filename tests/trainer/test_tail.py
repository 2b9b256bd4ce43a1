"""Blocks of whole lines of a file that grows: lines that are too long, files that are overwritten."""

from pathlib import Path

import pytest

from trainer.run_directory import tail as module
from trainer.run_directory.tail import LineTail


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "lines.jsonl"


def read(tail: LineTail) -> bytes:
    return b"".join(tail.blocks())


def test_a_line_that_is_too_long_is_skipped_even_if_it_comes_in_pieces(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", 64)
    monkeypatch.setattr(module, "LONGEST_LINE", 1_000)
    tail = LineTail(file)
    file.write_bytes(b"first\n" + b"x" * 2_500)
    assert read(tail) == b"first\n"
    with file.open("ab") as opened:
        opened.write(b'{"ev":"step"}\nlast\n')
    assert read(tail) == b"last\n"
    assert tail.at_end
    assert tail.restarts == 0


def test_a_reader_that_stops_early_goes_on_where_it_stopped(file: Path) -> None:
    file.write_bytes(b"".join(b"%d\n" % number for number in range(100_000)))
    tail = LineTail(file)
    first = next(tail.blocks())
    assert not tail.at_end
    assert first + read(tail) == file.read_bytes()
    assert tail.at_end


def test_a_file_that_was_overwritten_in_place_is_read_from_its_beginning(file: Path) -> None:
    file.write_bytes(b"one\n")
    tail = LineTail(file)
    assert read(tail) == b"one\n"
    file.write_bytes(b"another\nand more\n")
    assert read(tail) == b"another\nand more\n"
    assert tail.restarts == 1
