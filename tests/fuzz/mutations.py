"""Damaged copies of sound files, drawn by hypothesis, and what every reader of them promises."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gptdesk.errors import UserError

COUNTS = pytest.mark.parametrize(
    "count", [200, pytest.param(2_000, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])]
)
"""How many damaged copies a test reads: so many in every run, and more when slow tests are asked for."""

LONGEST_SENTENCE = 400

DEEP = "[" * 10_000 + "]" * 10_000

ODD_JSON = (
    "null", "true", "0", "-1", "1.5", "2", "99", "1e308", "1e999", "-1e999", "NaN", "-Infinity", "1" + "0" * 400,
    "9" * 5_000, "9223372036854775807", "9223372036854775808", "253402300800", '""', '"x"', '"5"', '"\\ud800"',
    '"a\\u0000b"', '"../../etc/passwd"', '"' + "x" * 5_000 + '"', '"\\n\\u001b[31m"', "[]", "{}", "[[]]", '[1, "a"]',
    '{"a": 1}', '{"file": "a.bin"}', "[" * 70 + "]" * 70, DEEP, '{"a":' * 10_000 + "1" + "}" * 10_000,
)  # fmt: skip
"""JSON of other types, ranges and depths than any entry of ours."""

ODD_BYTES = (
    b"",
    b"\0",
    b"\0" * 4096,
    b"\xff\xfe",
    b"[",
    b'{"',
    b"{}",
    b"[]",
    b"5",
    b"null",
    DEEP.encode(),
    b"\xef\xbb\xbf{}",
)

_MARK = "\ue000"
"""Stands for a piece of JSON that Python's own writer would not write."""


def run_examples(count: int, examples: st.SearchStrategy[Any], check: Callable[[Any], None]) -> None:
    """Calls ``check`` with ``count`` examples, the same ones each time; a failure prints the smallest."""
    checks = list(HealthCheck)
    limits = settings(max_examples=count, derandomize=True, database=None, deadline=None, suppress_health_check=checks)
    limits(given(examples)(check))()


def refuse_or(read: Callable[[], Any]) -> Any:
    """What ``read`` returns; None when it refuses with one sentence. Anything else that it raises is a fault."""
    try:
        return read()
    except UserError as error:
        check_sentence(str(error))
        return None


def check_sentence(text: str) -> None:
    assert text
    assert "\n" not in text
    assert "Traceback" not in text
    assert len(text) < LONGEST_SENTENCE, text


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places in nested values, those of the whole and of its parts."""
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        found += paths(child, (*path, key))
    return found


def _put(value: Any, path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> None:
    for key in path[:-1]:
        value = value[key]
    change(value, path[-1])


@st.composite
def damaged_text(draw: st.DrawFn, value: Any) -> str:
    """JSON text of a value in which one to three places are of another type, gone or misspelt."""
    value = json.loads(json.dumps(value))
    odd: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        places = [path for path in paths(value) if path]
        if not places:
            break
        path = draw(st.sampled_from(places))
        match draw(st.sampled_from(["replace", "replace", "replace", "remove", "rename"])):
            case "replace":
                odd.append(draw(st.sampled_from(ODD_JSON)))
                mark = f"{_MARK}{len(odd) - 1}{_MARK}"
                _put(value, path, lambda parent, key, mark=mark: parent.__setitem__(key, mark))
            case "remove":
                _put(value, path, lambda parent, key: parent.pop(key))
            case "rename":
                _put(value, path, _rename)
    text = json.dumps(value, ensure_ascii=False)
    for number, replacement in enumerate(odd):
        text = text.replace(f'"{_MARK}{number}{_MARK}"', replacement)
    return text


def _rename(parent: Any, key: Any) -> None:
    if isinstance(parent, dict):
        parent[f"{key}x"] = parent.pop(key)
    else:
        parent.append(parent[key])


@st.composite
def damaged_bytes(draw: st.DrawFn, data: bytes) -> bytes:
    """A file's bytes, cut, with some of them others, or replaced as a whole."""
    match draw(st.sampled_from(["cut", "flip", "insert", "whole"])):
        case "cut":
            return data[: draw(st.integers(0, max(0, len(data) - 1)))]
        case "flip":
            copy = bytearray(data)
            for _ in range(draw(st.integers(1, 8)) if copy else 0):
                copy[draw(st.integers(0, len(copy) - 1))] = draw(st.integers(0, 255))
            return bytes(copy)
        case "insert":
            place = draw(st.integers(0, len(data)))
            return data[:place] + draw(st.sampled_from(ODD_BYTES)) + data[place:]
    return draw(st.sampled_from(ODD_BYTES))


class Contents(bytes):
    """Bytes of a large file, shown by their length alone."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


def damaged_json(value: Any) -> st.SearchStrategy[bytes]:
    """The bytes of a JSON file, damaged in its values or in its bytes."""
    whole = json.dumps(value).encode()
    return st.one_of(
        damaged_text(value).map(lambda text: text.encode("utf-8", "surrogatepass")),
        damaged_text(value).map(lambda text: text.encode("utf-8", "surrogatepass")),
        damaged_bytes(whole),
    )


def is_plain(value: Any) -> bool:
    """Whether a value can be written as JSON, shown and reckoned with: finite, no half characters."""
    if isinstance(value, dict):
        return all(is_plain(key) and is_plain(child) for key, child in value.items())
    if isinstance(value, list | tuple):
        return all(map(is_plain, value))
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, str):
        return not any("\ud800" <= letter <= "\udfff" for letter in value)
    return True


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
