"""Reading what anybody may have written: bounded in size, depth and numbers, and refused with a reason."""

import os
from pathlib import Path
from typing import Any

import pytest

from gptdesk.bounded_read import (
    DEEPEST,
    LARGEST_TOML,
    ContentError,
    parse_json,
    parse_toml,
    read_bytes,
    read_json,
    read_object,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2.5, "é", null, true]}', {"a": [1, 2.5, "é", None, True]}),
        ("\ufeff[1]", [1]),
        ("NaN", None),
        ("[-Infinity, 1e999]", [None, None]),
        ("1" + "0" * 400, None),
        ("9223372036854775807", 9223372036854775807),
        ("123456789012345678901", 1.2345678901234568e20),
        ('"\\ud800x"', "\ufffdx"),
        ('"\\ud83d\\udc09"', "🐉"),
        ('{"a\\u0000": "\\\\ud800"}', {"a\ufffd": "\\ud800"}),
    ],
)
def test_json_is_read_as_it_is_or_as_near_as_it_can_be_used(text: str, value: Any) -> None:
    assert parse_json(text.encode()) == value


def test_json_may_be_nested_so_deeply() -> None:
    assert parse_json("[" * DEEPEST + "]" * DEEPEST) != []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is not JSON: line 1, column 1"),
        (b'{"a": 1', "it is not JSON: line 1, column 8"),
        (b"\xff", "it is not UTF-8 text"),
        (b"9" * 5_000 + b"x", "it is not JSON"),
        (b"[" * 10_000 + b"]" * 10_000, "it is nested more than 64 deep"),
        (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), "it is nested more than 64 deep"),
        (b'{"a":' * 500 + b"1" + b"}" * 500, "it is nested more than 64 deep"),
    ],
)
def test_what_is_no_json_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(ContentError) as caught:
        parse_json(data)
    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = " + "[" * 10_000, "it is nested more than 64 deep"),
        (".".join("a" * 500) + " = 1", "it is nested more than 64 deep"),
        ("steps = 1" + "0" * 400, "a number in it needs more than 64 bits"),
        ("steps = 0x" + "f" * 9_000, "a number in it needs more than 64 bits"),
        ("steps = 1" + "0" * 5_000, "it is not TOML"),
        ("day = 2020-13-45", "it is not TOML"),
        ("x = ", "it is not TOML: Invalid value"),
        ("#" * (LARGEST_TOML + 1), "it is larger than 128 KB"),
    ],
)
def test_what_is_no_toml_of_ours_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ContentError) as caught:
        parse_toml(text)
    assert str(caught.value).startswith(reason)
    assert len(str(caught.value)) < 200


def test_a_file_is_read_up_to_a_size(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b" " * (1 << 20) + b"1")
    assert read_json(path) == 1
    with pytest.raises(ContentError, match="larger than 1 MB"):
        read_json(path, largest=1 << 20)
    with pytest.raises(ContentError, match="no JSON object"):
        read_object(path)


def test_what_is_no_file_is_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path / "a\0b"):
        with pytest.raises(ContentError):
            read_bytes(path)
    with pytest.raises(IsADirectoryError):
        read_bytes(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "nothing")
