"""The charts as a picture or a drawing, and what they show as a table."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import numpy as np
from PySide6.QtCore import (
    QBuffer,
    QByteArray,
    QIODevice,
    QPoint,
    QPointF,
    QRect,
    QRectF,
    QSize,
    QSizeF,
    Qt,
)
from PySide6.QtGui import QColor, QFont, QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgGenerator

from gptdesk.errors import UserError
from gptdesk.store.files import write_atomic
from gptdesk.training.history.series import METRICS, Series
from gptdesk.ui.fonts import smaller
from gptdesk.ui.train.charts.points import Floats
from gptdesk.ui.train.charts.settings import AXIS_TITLES, Y_TITLES, PlottedRun, parts

if TYPE_CHECKING:
    from gptdesk.ui.train.charts.card import LossCard, SmallCard
    from gptdesk.ui.train.charts.panel import ChartPanel

_SCALE: Final = 2
"""Pixels of a picture for one of the screen, so that it can be printed."""

_MARGIN: Final = 16
_FOOTER: Final = 18
"""Below each row of charts, for the name of the axis."""

_EDGE: Final = 14
_LEGEND: Final = 18
_ROWS_AT_ONCE: Final = 4_096
_COLUMNS: Final = {"data": "data_ms", "forward": "forward_ms", "backward": "backward_ms", "optimizer": "optimizer_ms"}


def save_picture(panel: ChartPanel, kind: str, path: Path) -> None:
    """Writes all charts as they are seen, as "png" or "svg"."""
    content = _png(panel) if kind == "png" else _svg(panel)
    try:
        write_atomic(path, content)
    except (OSError, UserError) as error:
        panel.failed.emit(_sentence(path, error))
        return
    panel.saved.emit(path)


def _size(panel: ChartPanel) -> QSize:
    return panel.size() + QSize(2 * _MARGIN, 2 * (_MARGIN + _FOOTER))


def _png(panel: ChartPanel) -> bytes:
    image = QImage(_size(panel) * _SCALE, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(_SCALE)
    painter = QPainter(image)
    _paint(panel, painter)
    painter.end()
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(image)
    return bytes(content.data())


def _svg(panel: ChartPanel) -> bytes:
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator(QSvgGenerator.SvgVersion.Svg11)
    generator.setOutputDevice(buffer)
    generator.setSize(_size(panel))
    generator.setViewBox(QRect(0, 0, _size(panel).width(), _size(panel).height()))
    generator.setResolution(96)
    generator.setTitle(", ".join(run.name for run in panel.runs))
    painter = QPainter(generator)
    _paint(panel, painter)
    painter.end()
    return bytes(content.data())


def _paint(panel: ChartPanel, painter: QPainter) -> None:
    """Draws every card where it is on the screen, with a title, the legend, and names of the axes."""
    assert panel.loss is not None
    colours = panel.loss.chart.theme.colours
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(QRect(0, 0, _size(panel).width(), _size(panel).height()), QColor(colours.surface))
    names = ", ".join(run.name for run in panel.runs)
    axis = AXIS_TITLES[panel.settings.axis]
    cards: list[LossCard | SmallCard] = [panel.loss, *panel.small]
    for card in cards:
        at = card.mapTo(panel, QPoint(0, 0))
        place = QRectF(QPointF(at) + QPointF(_MARGIN, _MARGIN + (_FOOTER if at.y() else 0)), QSizeF(card.size()))
        name = Y_TITLES[card.chart.quantity]
        _paint_card(card, painter, place, f"{name}  ·  {names}" if card is panel.loss else name, axis)


def _paint_card(card: LossCard | SmallCard, painter: QPainter, place: QRectF, title: str, axis: str) -> None:
    chart = card.chart
    font = QFont(chart.font())
    font.setWeight(QFont.Weight.DemiBold)
    painter.setFont(font)
    painter.setPen(QColor(chart.theme.colours.text))
    inside = place.adjusted(_EDGE, 0, -_EDGE, 0)
    words = painter.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, int(inside.width()))
    target = QRectF(place.topLeft() + QPointF(chart.pos()), QSizeF(chart.size()))
    legend = 0 if card.legend.isHidden() else _LEGEND
    painter.drawText(QPointF(inside.left(), target.top() - legend - 10), words)
    painter.save()
    if legend:
        card.legend.paint(painter, QRectF(inside.left(), target.top() - legend - 2, inside.width(), legend))
    painter.restore()
    painter.save()
    chart.render(painter, target, chart.rect())
    painter.restore()
    painter.setFont(smaller(chart.font()))
    painter.setPen(QColor(chart.theme.colours.muted))
    below = QRectF(target.left(), target.bottom(), target.width(), _FOOTER)
    painter.drawText(below, Qt.AlignmentFlag.AlignCenter, axis)


def write_csv(runs: Sequence[PlottedRun], metrics: Sequence[str], path: Path) -> None:
    """Writes a table of all points that count, in full precision: a row for every step of every run.

    Raises:
        UserError: when it cannot be written; a file that was there is then as it was.
    """
    columns = [name for chart in metrics for name in parts(chart)]
    columns = [name for name in dict.fromkeys(columns) if name in METRICS]
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            names = [_COLUMNS.get(name, name) for name in columns]
            writer.writerow(["run", "step", "tokens", "seconds", *names, "validation"])
            for run in runs:
                _write_run(run, columns, file)
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise UserError(_sentence(path, error)) from error


def _write_run(run: PlottedRun, columns: Sequence[str], file: TextIO) -> None:
    table = _table([run.history.series(name) for name in columns], run.history.validation)
    writer = csv.writer(file)
    for start in range(0, len(table), _ROWS_AT_ONCE):
        rows = table[start : start + _ROWS_AT_ONCE].tolist()
        writer.writerows(
            [run.name, int(step), int(tokens), *("" if value != value else value for value in values)]
            for step, tokens, *values in rows
        )


def _table(series: Sequence[Series], validation: Series) -> Floats:
    """(rows, 4 + metrics): step, tokens, seconds, the metrics and the validation loss; NaN where there is none.

    An evaluation after a step that was not logged has a row of its own.
    """
    length = min((len(one) for one in series), default=0)
    logged = series[0].step[:length] if series else np.empty(0)
    steps = np.union1d(logged, validation.step)
    table = np.full((len(steps), 4 + len(series)), np.nan)
    table[:, 0] = steps
    places = np.searchsorted(steps, validation.step)
    table[places, 1], table[places, 2], table[places, -1] = validation.tokens, validation.time, validation.value
    places = np.searchsorted(steps, logged)
    for number, one in enumerate(series):
        table[places, 1], table[places, 2] = one.tokens[:length], one.time[:length]
        table[places, 3 + number] = one.value[:length]
    table[np.isnan(table[:, 1]), 1] = 0
    return table


def _sentence(path: Path, error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return f"The charts cannot be saved to {path} ({reason}); choose another place."
