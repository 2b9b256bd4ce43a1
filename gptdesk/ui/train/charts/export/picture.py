"""Exports charts as PNG or SVG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

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
from PySide6.QtWidgets import QWidget

from gptdesk.errors import UserError
from gptdesk.store.files import write_atomic
from gptdesk.ui.fonts import smaller
from gptdesk.ui.train.charts.chart.chart import Chart
from gptdesk.ui.train.charts.export.failure import why_not_saved
from gptdesk.ui.train.charts.painting.legend import Legend

_SCALE: Final = 2
"""Pixels of a picture for one of the screen, so that it can be printed."""

_MARGIN: Final = 16
_FOOTER: Final = 18
"""Below each row of charts, for the name of the axis."""

_EDGE: Final = 14
_LEGEND: Final = 18


class Card(Protocol):
    """What is exported of a chart's card; a `QWidget` too."""

    chart: Chart
    legend: Legend


def picture(panel: QWidget, cards: Sequence[Card], kind: str, *, runs: Sequence[str], axis: str) -> bytes:
    """Renders all charts as they are on the screen.

    Args:
        panel: that the cards stand in.
        cards: the large one first.
        kind: "png" or "svg".
        runs: names of the runs that are shown.
        axis: title of the x axis.
    """
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    size = panel.size() + QSize(2 * _MARGIN, 2 * (_MARGIN + _FOOTER))
    names = ", ".join(runs)
    image = QImage(size * _SCALE, QImage.Format.Format_RGB32) if kind == "png" else None
    device: QImage | QSvgGenerator = image or _svg_generator(buffer, size, names)
    if image:
        image.setDevicePixelRatio(_SCALE)
    painter = QPainter(device)
    _paint(panel, cards, painter, size, names, axis)
    painter.end()
    if image:
        QImageWriter(buffer, QByteArray(b"png")).write(image)
    return bytes(content.data())


def write_picture(content: bytes, path: Path) -> None:
    """Writes what `picture` returned.

    Raises:
        UserError: when it cannot be written; a file that was there is then as it was.
    """
    try:
        write_atomic(path, content)
    except (OSError, UserError) as error:
        raise UserError(why_not_saved(path, error)) from error


def _svg_generator(buffer: QBuffer, size: QSize, title: str) -> QSvgGenerator:
    generator = QSvgGenerator(QSvgGenerator.SvgVersion.Svg11)
    generator.setOutputDevice(buffer)
    generator.setSize(size)
    generator.setViewBox(QRect(0, 0, size.width(), size.height()))
    generator.setResolution(96)
    generator.setTitle(title)
    return generator


def _paint(panel: QWidget, cards: Sequence[Card], painter: QPainter, size: QSize, names: str, axis: str) -> None:
    """Draws every card where it is on the screen, with a title, the legend, and names of the axes."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(QRect(0, 0, size.width(), size.height()), QColor(cards[0].chart.theme.colours.surface))
    for number, card in enumerate(cards):
        widget = card.chart.parentWidget()
        at = widget.mapTo(panel, QPoint(0, 0))
        place = QRectF(QPointF(at) + QPointF(_MARGIN, _MARGIN + (_FOOTER if at.y() else 0)), QSizeF(widget.size()))
        title = card.chart.axis_title
        _paint_card(card, painter, place, title if number else f"{title}  ·  {names}", axis)


def _paint_card(card: Card, painter: QPainter, place: QRectF, title: str, axis: str) -> None:
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
