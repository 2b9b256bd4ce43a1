"""Values of a chart as text: the box beside the crosshair, and the description for screen readers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout

from gptdesk.metrics import METRICS, metric_of
from gptdesk.ui.number_format import count, decimal, metric_value, span
from gptdesk.ui.palette import Colours
from gptdesk.ui.throttle import RateLimit
from gptdesk.ui.train.charts.chart import Chart
from gptdesk.ui.train.charts.marks import ROLES
from gptdesk.ui.train.charts.points import NO_POINTS
from gptdesk.ui.train.charts.settings import PlottedRun, value_name

_AWAY: Final = 14
"""Pixels between the crosshair and the box."""

_MOST_MARKS: Final = 4
_MARK_REACH: Final = 6.0
_DOT: Final = "●"

KEYS: Final = (
    "Plus and minus zoom, arrows pan, 0 shows everything, Control with the left and right arrows moves from point to "
    "point."
)

_EVERY_MS: Final = 1000
"""Least milliseconds between two descriptions; a screen reader reads each."""


@dataclass(frozen=True)
class Row:
    """A value with its name and the colour of its line."""

    name: str
    value: str
    colour: str = ""


class ValueBox(QFrame):
    """A box over a chart that lets the pointer through."""

    def __init__(self, chart: Chart) -> None:
        super().__init__(chart)
        self._chart = chart
        self.setProperty("kind", "card")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.label = QLabel()
        self.label.setTextFormat(Qt.TextFormat.RichText)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 10, 8)
        layout.addWidget(self.label)
        self.hide()

    def show_values(self) -> None:
        """Shows the values at the crosshair; hides where there is none."""
        number = self._chart.point_at()
        if number is None or not self._chart.lines:
            self.hide()
            return
        self.label.setText(html(*describe(self._chart, number), self._chart.theme.colours))
        self.adjustSize()
        box = self._chart.box
        left = box.mapToScene(box.rect().topLeft()).x()
        line = round(left + self._chart.crosshair.left(self._chart.crosshair.place or 0.0))
        x = line + _AWAY if line + _AWAY + self.width() <= self._chart.width() - 4 else line - _AWAY - self.width()
        self.move(max(4, x), 12)
        self.show()


def describe(chart: Chart, number: int) -> tuple[str, str, list[Row]]:
    """Heading, line below it, and values at a point of the selected run."""
    colours, run, lines = chart.theme.colours, chart.runs[0], chart.lines[0]
    series = lines.train.series
    step = float(series.step[number])
    rows = _losses(chart, number)
    for metric in METRICS:
        if metric.pointed:
            logged = [(key, _logged(run, key, number, step)) for key in metric.keys]
            text = values_text(run, [(key, value) for key, value in logged if math.isfinite(value)])
            if text:
                rows.append(Row(metric.title, text))
    near = chart.marks.near(chart.crosshair.place or 0.0, _MARK_REACH)
    for mark in near[:_MOST_MARKS]:
        rows.append(Row(mark.text or mark.kind, "", getattr(colours, ROLES.get(mark.kind, "muted"))))
    under = f"{count(round(series.tokens[number]))} tokens · {span(float(series.time[number]))}"
    return f"Step {count(round(step))}", under, rows


def _logged(run: PlottedRun, key: str, number: int, step: float) -> float:
    """A value of one logged step; NaN where it is missing."""
    values = run.history.series(key)
    return float(values.value[number]) if number < len(values) and values.step[number] == step else math.nan


def values_text(run: PlottedRun, values: Sequence[tuple[str, float]]) -> str:
    """CPU 98 %, GPU 87 %; a single value without its name; "" for none."""
    if len(values) == 1:
        return plain(*values[0])
    return ", ".join(f"{value_name(run, key)} {plain(key, value)}" for key, value in values)


def _losses(chart: Chart, number: int) -> list[Row]:
    colours, place = chart.theme.colours, chart.crosshair.place or 0.0
    rows = []
    for order, lines in enumerate(chart.lines):
        colour = getattr(colours, lines.run.role)
        at = number if order == 0 else lines.train.nearest(place)
        if at is None or (order and place > lines.train.x[-1]):
            continue
        raw, smooth = float(lines.train.series.value[at]), float(lines.train.smooth[at])
        rows.append(Row(lines.run.name if order else "Train, smoothed", _loss(smooth), colour))
        if order == 0:
            rows.append(Row("Train, as recorded", _loss(raw)))
            rows += _validation(chart, place)
    return rows


def _validation(chart: Chart, place: float) -> list[Row]:
    curve = chart.lines[0].validation
    at = curve.nearest(place) if curve is not None else None
    if curve is None or at is None:
        return []
    step = count(round(float(curve.series.step[at])))
    return [Row(f"Validation, step {step}", _loss(float(curve.series.value[at])), chart.theme.colours.good)]


def _loss(value: float) -> str:
    return decimal(value, 4) if math.isfinite(value) else "not finite"


def plain(key: str, value: float) -> str:
    """A value of a metric, by its key, with its unit."""
    return metric_value(metric_of(key).format, value)


def html(heading: str, under: str, rows: Sequence[Row], colours: Colours) -> str:
    """Contents of the box."""
    top = f'<span style="font-weight:600">{heading}</span><br><span style="color:{colours.muted}">{under}</span>'
    lines = "".join(_line(row, colours) for row in rows)
    return f"{top}<table cellspacing='1' style='margin-top:4px'>{lines}</table>"


def _line(row: Row, colours: Colours) -> str:
    dot = f'<td style="color:{row.colour or "transparent"}">{_DOT}&nbsp;</td>'
    if not row.value:
        return f'<tr>{dot}<td colspan="2">{escape(row.name)}</td></tr>'
    name = f'<td style="color:{colours.muted}">{escape(row.name)}&nbsp;&nbsp;</td>'
    return f'<tr>{dot}{name}<td align="right">{row.value}</td></tr>'


def small_value(chart: Chart, number: int | None = None) -> str:
    """Value of a small chart at an index, else at the crosshair, else the newest; "" where there is none."""
    number = chart.point_at() if number is None else number if number >= 0 else None
    if chart.areas is not None:
        parts = [part.series.value for part in chart.areas.parts]
        length = min(map(len, parts))
        at = length - 1 if number is None else min(number, length - 1)
        total = sum(float(part[at]) for part in parts) if length else math.nan
        return metric_value(chart.quantity.format, total) if math.isfinite(total) else ""
    found = []
    for lines in chart.lines:
        values = lines.train.series.value
        if lines.run is chart.runs[0] and len(values):
            value = float(values[-1 if number is None else min(number, len(values) - 1)])
            if math.isfinite(value) or chart.quantity.always_recorded:  # else: not recorded
                found.append((lines.value, value))
    return values_text(chart.runs[0], found) if found else ""


class Narrator(QObject):
    """Keeps the accessible description of a chart up to date."""

    def __init__(self, chart: Chart) -> None:
        super().__init__(chart)
        self._chart = chart
        self._telling = RateLimit(self._tell, _EVERY_MS, self)
        chart.drawn.connect(self._telling.request)
        chart.news.connect(self._telling.request)
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
    if not chart.quantity.primary:
        return f"{chart.quantity.title} {small_value(chart, -1) or 'is not known'}"
    lines = chart.lines[0]
    words = f"Train loss {_spoken_loss(float(lines.train.series.value[-1]))}"
    validation = lines.validation.series.value if lines.validation else NO_POINTS.y
    return f"{words}, validation {_spoken_loss(float(validation[-1]))}" if len(validation) else words


def _spoken_loss(value: float) -> str:
    return decimal(value, 2) if math.isfinite(value) else "not finite"


def pointed(chart: Chart) -> str:
    """Describes the values at the crosshair."""
    number, curve = chart.point_at(), chart.main_curve
    if number is None or curve is None:
        return shown(chart)
    if chart.quantity.primary:
        heading, under, rows = describe(chart, number)
        values = ", ".join(f"{row.name} {row.value}".strip() for row in rows)
        return f"{heading}: {values}; {under.replace(' · ', ', ')}."
    value = small_value(chart, number) or "is not known"
    return f"Step {count(round(float(curve.series.step[number])))}: {chart.quantity.title} {value}."
