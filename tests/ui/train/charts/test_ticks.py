"""Ticks of an axis."""

import math

import pytest

from gptdesk.ui.train.charts.painting.ticks import ticks


@pytest.mark.parametrize(
    ("low", "high", "most", "log", "unit", "texts"),
    [
        (0, 12_000, 7, False, "whole", ["0", "2,000", "4,000", "6,000", "8,000", "10,000", "12,000"]),
        (0, 6.2e-4, 4, False, "", ["0", "0.0002", "0.0004", "0.0006"]),
        (0, 3, 6, True, "whole", ["1", "10", "100", "1,000"]),
        (math.log10(2.5), math.log10(11), 6, True, "", ["3", "5", "7", "10"]),
        (0, 8_000, 6, False, "time", ["0", "30 min", "1 h", "1 h 30 min", "2 h"]),
        (0, 2.3e9, 4, False, "bytes", ["0", "1.0 GB", "2.0 GB"]),
        (0, 2, 8, False, "whole", ["0", "1", "2"]),
        (3, 3, 8, False, "", []),
        (math.nan, 3, 8, False, "", []),
    ],
)
def test_ticks_are_round_and_read_well(
    low: float, high: float, most: int, log: bool, unit: str, texts: list[str]
) -> None:
    assert [tick.text for tick in ticks(low, high, most, log=log, unit=unit)] == texts
