"""Ticks of an axis and their labels, in the language of the system."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from gptdesk.metrics import Format
from gptdesk.ui.number_format import count, decimal, memory

TICK_UNITS: Final[dict[Format, str]] = {
    "decimal": "",
    "digits": "",
    "milliseconds": "",
    "rate": "whole",
    "bytes": "bytes",
    "share": "share",
}
"""The unit of the ticks of an axis, by the format of a metric's values."""

_NICE: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
_TIMES: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_LOG_TIMES: Final = (0.1, 1, 10, 60, 600, 3600, 36_000, 86_400, 864_000, 8_640_000)
_DAY: Final = 86_400
_DECADE: Final = ((1,), (1, 3), (1, 2, 5), (1, 2, 3, 5, 7), (1, 2, 3, 4, 5, 6, 7, 8, 9))
"""Ticks in every power of ten, fewest first."""

_MOST_DIGITS: Final = 12


@dataclass(frozen=True)
class Tick:
    """A tick of an axis.

    Attributes:
        place: on the axis; the logarithm to base 10 where that is logarithmic.
        text: its label.
    """

    place: float
    text: str


Label = Callable[[float, float], str]
"""Label of a tick, from its value and the distance between ticks."""


def ticks(low: float, high: float, most: int, *, log: bool, unit: str = "") -> list[Tick]:
    """Returns at most ``most`` ticks between two coordinates.

    Args:
        low: left or lower end, a logarithm where ``log``.
        high: the other end.
        most: number of ticks that fit.
        log: the axis is logarithmic.
        unit: "" for numbers, "whole" for numbers without fractions, "time" for seconds, "bytes" for memory,
            "share" for parts of one.
    """
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low or most < 1:
        return []
    label: Label = {"time": _time_label, "bytes": _bytes_label, "share": _share_label}.get(unit, number_label)
    if log:
        values = _log_times(low, high, most) if unit == "time" else _decade_values(low, high, most, unit == "whole")
        return _log_ticks(low, high, most, label, values)
    step = _time_step(high - low, most) if unit == "time" else _step(high - low, most, fine=unit != "bytes")
    if unit == "whole":
        step = max(1.0, math.ceil(step))
    return [Tick(value, label(value, step)) for value in _multiples(low, high, step)]


def number_label(value: float, step: float) -> str:
    """A number with as many digits as distinguish it from its neighbours: 12,000 or 0.0006."""
    if value == 0:
        return "0"
    digits = max(0, min(_MOST_DIGITS, -math.floor(math.log10(step) + 1e-9)))
    if digits and not math.isclose(step * 10**digits, round(step * 10**digits), rel_tol=1e-6):
        digits += 1  # 2.5 and 0.25
    return decimal(value, digits) if digits else count(round(value))


def _time_label(value: float, _step: float) -> str:
    """Two parts at most: 45 s, 20 min, 1 h 30 min, 2 d 6 h."""
    return exact_span(value)


def exact_span(seconds: float) -> str:
    """A duration in its two largest units, not rounded to minutes."""
    whole = round(seconds)
    if whole < 1 and seconds > 0:
        return f"{decimal(seconds, 1)} s"
    parts = ((_DAY, "d"), (3600, "h"), (60, "min"), (1, "s"))
    for number, (size, unit) in enumerate(parts):
        if whole >= size:
            rest, (smaller, smaller_unit) = whole % size, parts[min(number + 1, len(parts) - 1)]
            more = rest // smaller if smaller < size else 0
            return f"{count(whole // size)} {unit}" + (f" {more} {smaller_unit}" if more else "")
    return "0"


def _share_label(value: float, step: float) -> str:
    return f"{number_label(100 * value, 100 * step)} %" if value else "0"


def _bytes_label(value: float, _step: float) -> str:
    return memory(round(value)) if value else "0"


def _step(length: float, most: int, *, fine: bool = True) -> float:
    """The smallest round distance that gives at most ``most`` ticks; without ``fine``, of a single digit."""
    least = length / most
    power = 10.0 ** math.floor(math.log10(least))
    nice = (nice for nice in _NICE if fine or nice != 2.5)
    return next(number * power for number in nice if number * power >= least * (1 - 1e-9))


def _time_step(length: float, most: int) -> float:
    least = length / most
    if least < _TIMES[0]:
        return _step(length, most)
    return float(next((step for step in _TIMES if step >= least), math.ceil(_step(length / _DAY, most)) * _DAY))


def _multiples(low: float, high: float, step: float) -> Sequence[float]:
    first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
    return [number * step for number in range(first, last + 1)]


def _log_ticks(low: float, high: float, most: int, label: Label, values: list[float]) -> list[Tick]:
    if len(values) < 2:  # less than a decade, with no round number in it
        start, end = 10.0**low, 10.0**high
        step = _step(end - start, most)
        return [Tick(math.log10(value), label(value, step)) for value in _multiples(start, end, step) if value > 0]
    return [Tick(math.log10(value), label(value, min(value, 10 ** math.floor(math.log10(value))))) for value in values]


def _log_times(low: float, high: float, most: int) -> list[float]:
    """Round times, as dense as ``most`` allows."""
    values = [value for value in _LOG_TIMES if low - 1e-9 <= math.log10(value) <= high + 1e-9]
    return values[:: math.ceil(len(values) / most)] if values else []


def _decade_values(low: float, high: float, most: int, whole: bool) -> list[float]:
    """Values of the densest pattern that fits; else powers of ten further apart."""
    first, last = math.floor(low), math.ceil(high)
    if last - first > 400:
        return []
    chosen: list[float] = []
    for pattern in _DECADE:
        values = [digit * 10.0**power for power in range(first, last + 1) for digit in pattern]
        values = [value for value in values if low - 1e-9 <= math.log10(value) <= high + 1e-9]
        if whole:
            values = [value for value in values if value >= 1]
        if len(values) > most:
            break
        chosen = values
    if chosen or last - first < most:
        return chosen
    apart = math.ceil((high - low) / most)
    return [10.0**power for power in range(first, last + 1) if power % apart == 0 and low <= power <= high]
