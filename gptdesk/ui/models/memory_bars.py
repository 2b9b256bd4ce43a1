"""Bars that compare the memory a model needs in each precision with the free memory."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gptdesk.gpt2.config import GPT2Config
from gptdesk.library.memory import memory_needed
from gptdesk.ui import number_format
from gptdesk.ui.services.models.memory_check import Room
from gptdesk.ui.stylesheet import mix
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.tooltips import wrapped

_ROWS: Final = {"float32": "float32", "bfloat16, float16": "bfloat16", "int8": "int8", "int4": "int4"}
"""Labels of the rows, each with the precision for which it is computed."""

_BAR: Final = 6
_GAP: Final = 12


class MemoryBars(QWidget):
    """One label and bar per precision."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._needs: dict[str, int] = {}
        self._free: int | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(wrapped("Weights, key-value cache of a full context, and working memory"))
        theme.changed.connect(self.update)

    def show_needs(self, config: GPT2Config | None, room: Room) -> None:
        """Shows the memory that a model of that shape needs."""
        needs = {} if config is None else {name: memory_needed(config, each) for name, each in _ROWS.items()}
        if (needs, room.free) == (self._needs, self._free):
            return
        self._needs, self._free = needs, room.free
        self.setVisible(bool(needs))
        self.setFixedHeight(self._row * len(needs))
        self.setAccessibleName("Memory needed")
        self.setAccessibleDescription("; ".join(f"{name}: {self._words(need)}" for name, need in needs.items()))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, self._row * len(self._needs))

    @property
    def _row(self) -> int:
        """Height of one row: label, bar and gap, in pixels."""
        return self._line + _BAR + _GAP

    @property
    def _line(self) -> int:
        return self.fontMetrics().height() + 6

    def _words(self, need: int) -> str:
        fits = self._free is None or need <= self._free
        return number_format.memory(need) + ("" if fits else ", more than is free")

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = self._theme.colours
        for number, (name, need) in enumerate(self._needs.items()):
            top = number * self._row
            role = "accent" if self._free is None or need <= self._free else "warn"
            line = QRect(0, top, self.width(), self._line)
            painter.setPen(QColor(colours.muted))
            painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)
            painter.setPen(QColor(colours.text if role == "accent" else colours.warn))
            painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self._words(need))
            groove = QRectF(0, top + self._line, self.width(), _BAR)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(mix(colours.text, colours.surface, 0.12)))
            painter.drawRoundedRect(groove, _BAR / 2, _BAR / 2)
            share = min(1.0, need / self._free) if self._free else 0.0
            if share:
                groove.setWidth(max(float(_BAR), groove.width() * share))
                painter.setBrush(QColor(getattr(colours, role)))
                painter.drawRoundedRect(groove, _BAR / 2, _BAR / 2)
        painter.end()
