"""Numbers as text: one module writes them for command line, trainer and window."""

import re
from pathlib import Path

import pytest

from gptdesk import number_format

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (999.6, "1 kB"),
        (1_000, "1 kB"),
        (48_000_000, "48 MB"),
        (999_600_000, "1.0 GB"),
        (1_550_000_000, "1.6 GB"),
        (5e15, "5,000.0 TB"),
    ],
)
def test_sizes_have_the_unit_in_which_they_are_short(size: float, text: str) -> None:
    assert number_format.size(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.7, "1 min"),
        (60, "1 min"),
        (3_599, "1 h"),
        (12_000, "3 h 20 min"),
        (86_400, "1 d"),
        (187_200, "2 d 4 h"),
    ],
)
def test_durations_have_at_most_two_units(seconds: float, text: str) -> None:
    assert number_format.duration(seconds) == text


def test_one_thing_is_singular() -> None:
    assert [number_format.counted(n, "file") for n in (0, 1, 1024)] == ["0 files", "1 file", "1,024 files"]


@pytest.mark.parametrize(
    ("format", "value", "text"),
    [("bytes", 2e9, "2.0 GB"), ("share", 0.412, "41 %"), ("rate", 9.46, "9.5"), ("milliseconds", 38, "38.0 ms"),
     ("digits", 0.00042, "0.000420"), ("decimal", 3.6, "3.600"), ("decimal", float("nan"), "not finite")],
)  # fmt: skip
def test_values_of_metrics_have_their_units(format: number_format.Format, value: float, text: str) -> None:
    assert number_format.metric_value(format, value) == text


def test_no_other_module_writes_sizes_by_hand() -> None:
    by_hand = re.compile(r"/ (1e6|1e9|10\*\*[69]|2\*\*[23]0|_GB)[^{}]*:[,.0-9]+f\} ?(k|M|G)i?B")
    found = [
        path.relative_to(ROOT)
        for folder in ("gptdesk", "trainer")
        for path in (ROOT / folder).rglob("*.py")
        if by_hand.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
