"""Values of a chart as text, and the box beside the crosshair that shows them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from gptdesk.metrics import METRICS, metric_of
from gptdesk.ui.number_format import count, decimal, metric_value, span
from gptdesk.ui.palette import Colours
from gptdesk.ui.train.charts.chart.chart import Chart
from gptdesk.ui.train.charts.painting.marks import ROLES
from gptdesk.ui.train.charts.painting.run_lines import RunLines
from gptdesk.ui.train.charts.settings import PlottedRun, value_name

_AWAY: Final = 14
"""Pixels between the crosshair and the box."""

_MOST_MARKS: Final = 4
_LONGEST_NAME: Final = 28
"""Letters of a run's name in the box."""

_MARK_REACH: Final = 6.0
_DOT: Final = "●"


@dataclass(frozen=True)
class Row:
    """A value with its name and the colour of its line."""

    name: str
    value: str
    colour: str = ""


class ValueBox(QFrame):
    """A box beside the crosshair that lets the pointer through."""

    def __init__(self, chart: Chart) -> None:
        super().__init__(chart)
        self._chart = chart
        self._host: QWidget = chart
        self.setProperty("kind", "card")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.label = QLabel()
        self.label.setTextFormat(Qt.TextFormat.RichText)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 10, 8)
        layout.addWidget(self.label)
        self.hide()

    def float_over(self, host: QWidget) -> None:
        """Floats over a larger widget that contains the chart: a low chart is not as high as the box."""
        self._host = host
        self.setParent(host)

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
        corner = self._chart.mapTo(self._host, QPoint(max(4, x), 12))
        self.move(corner.x(), max(4, min(corner.y(), self._host.height() - self.height() - 4)))
        self.show()
        self.raise_()


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
        averaged = loss_text(lines, lines.averaged_at(at))
        rows.append(Row(lines.run.name if order else "Train, smoothed", averaged, colour))
        if order == 0:
            rows.append(Row("Train, as recorded", loss_text(lines, lines.recorded_at(at))))
            rows += _validation(chart, place)
    return rows


def _validation(chart: Chart, place: float) -> list[Row]:
    lines = chart.lines[0]
    at = lines.validation.nearest(place) if lines.validation is not None else None
    if lines.validation is None or at is None:
        return []
    step = count(round(float(lines.validation.series.step[at])))
    return [Row(f"Validation, step {step}", loss_text(lines, lines.validated_at(at)), chart.theme.colours.good)]


def loss_text(lines: RunLines, loss: float, digits: int | None = None) -> str:
    """A loss of a run in the unit of the chart; with the digits of the unit if none are given."""
    if math.isfinite(loss) and lines.sources is not None:
        return decimal(loss, lines.sources.training.unit.digits if digits is None else digits)
    return "not available" if lines.sources is not None and not lines.sources.training.known else "not finite"


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
    short = row.name if len(row.name) <= _LONGEST_NAME else f"{row.name[: _LONGEST_NAME - 1].rstrip()}…"
    name = f'<td style="color:{colours.muted}">{escape(short)}&nbsp;&nbsp;</td>'
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
