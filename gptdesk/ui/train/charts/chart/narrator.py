"""Describes a chart for screen readers."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject

from gptdesk.ui.number_format import count
from gptdesk.ui.throttle import RateLimit
from gptdesk.ui.train.charts.chart.chart import Chart
from gptdesk.ui.train.charts.chart.values import describe, loss_text, small_value

KEYS: Final = (
    "Plus and minus zoom, arrows pan, 0 shows everything, Control with the left and right arrows moves from point to "
    "point."
)

_EVERY_MS: Final = 1000
"""Least milliseconds between two descriptions; a screen reader reads each."""


_SPOKEN_DIGITS: Final = 2
"""Digits of a loss after the point."""


class Narrator(QObject):
    """Keeps the accessible description of a chart up to date."""

    def __init__(self, chart: Chart) -> None:
        super().__init__(chart)
        self._chart = chart
        self._telling = RateLimit(self._tell, _EVERY_MS, self)
        chart.drawn.connect(self._telling.request)
        chart.points_added.connect(self._telling.request)
        chart.stepped.connect(self.tell)
        self.tell()

    def tell(self) -> None:
        """Updates the description."""
        self._telling.work_now()

    def _tell(self) -> None:
        words = f"{pointed(self._chart) if self._chart.by_keys else shown(self._chart)} {KEYS}"
        if words != self._chart.accessibleDescription():
            self._chart.setAccessibleDescription(words)


def shown(chart: Chart) -> str:
    """The newest values: "Train loss 3.62, validation 3.71 at step 4,920 of 12,000; 492 points."."""
    curve = chart.main_curve
    if curve is None or not len(curve.series):
        return "Nothing is recorded yet."
    step, run = float(curve.series.step[-1]), chart.runs[0]
    steps = run.steps or run.history.facts.get("steps")
    of = f" of {count(int(steps))}" if isinstance(steps, int | float) and steps else ""
    number = count(len(curve.series))
    points = f"{number} point{'' if number == '1' else 's'}"
    more = f", with {len(chart.runs) - 1} pinned" if len(chart.runs) > 1 else ""
    return f"{_newest(chart)} at step {count(round(step))}{of}; {points}{more}."


def _newest(chart: Chart) -> str:
    if chart.unit is None:
        return f"{chart.quantity.title} {small_value(chart, -1) or 'is not known'}"
    lines = chart.lines[0]
    words = f"Train {chart.unit.noun} {loss_text(lines, lines.recorded_at(-1), _SPOKEN_DIGITS)}"
    if lines.validation is None or not len(lines.validation.series):
        return words
    return f"{words}, validation {loss_text(lines, lines.validated_at(-1), _SPOKEN_DIGITS)}"


def pointed(chart: Chart) -> str:
    """Describes the values at the crosshair."""
    number, curve = chart.point_at(), chart.main_curve
    if number is None or curve is None:
        return shown(chart)
    if chart.unit is not None:
        heading, under, rows = describe(chart, number)
        values = ", ".join(f"{row.name} {row.value}".strip() for row in rows)
        return f"{heading}: {values}; {under.replace(' · ', ', ')}."
    value = small_value(chart, number) or "is not known"
    return f"Step {count(round(float(curve.series.step[number])))}: {chart.quantity.title} {value}."
