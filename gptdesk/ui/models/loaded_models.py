"""Loaded models in the panel: one bar of the memory that models may take, and a row for each engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from gptdesk.ui import number_format
from gptdesk.ui.model_names import model_title
from gptdesk.ui.services.engines.plan import COMPUTER
from gptdesk.ui.services.engines.service import EngineView
from gptdesk.ui.stylesheet import mix
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.tooltips import wrapped

_BAR: Final = 6
_GAP: Final = 2
"""Between the parts of two engines in the bar, in pixels."""


class LoadedModels(QWidget):
    """The bar and the rows; hidden while nothing is loaded.

    Attributes:
        summary: how much of the budget is taken.
        rows: for each engine, in the order of the list.

    Signals:
        pin_wanted(object, bool): an `EngineView` is to be pinned, or not to be.
        unload_wanted(object): an `EngineView` is to be unloaded.
    """

    pin_wanted = Signal(object, bool)
    unload_wanted = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shown: tuple[tuple[EngineView, ...], int | None] = ((), None)
        self.summary = QLabel()
        self.summary.setProperty("kind", "muted")
        self.summary.setWordWrap(True)
        self._bar = _BudgetBar(theme)
        self.rows: list[EngineRow] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._column.addWidget(self._bar)
        self._column.addWidget(self.summary)

    def show_engines(self, engines: Sequence[EngineView], budget: int | None) -> None:
        """Shows the engines that are loaded, and the bytes that they may take; ``None`` if that is not known."""
        if (tuple(engines), budget) == self._shown:
            return
        same = [(row.engine.folder, row.engine.precision, row.engine.device) for row in self.rows]
        if same != [(engine.folder, engine.precision, engine.device) for engine in engines]:
            self._make_rows(engines)
        for row, engine in zip(self.rows, engines, strict=True):
            row.show_engine(engine)
        self._shown = (tuple(engines), budget)
        here = [engine.memory for engine in engines if not engine.device.startswith("cuda")]
        self._bar.show_parts(here, budget)
        self.summary.setText(taken_words(engines, budget))

    def _make_rows(self, engines: Sequence[EngineView]) -> None:
        for row in self.rows:
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = [EngineRow(self._theme, engine) for engine in engines]
        for row in self.rows:
            row.pin_wanted.connect(self.pin_wanted)
            row.unload_wanted.connect(self.unload_wanted)
            self._column.addWidget(row)


class EngineRow(QWidget):
    """Name, precision and memory of an engine, with buttons that pin and unload it."""

    pin_wanted = Signal(object, bool)
    unload_wanted = Signal(object)

    def __init__(self, theme: Theme, engine: EngineView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.engine = engine
        name = model_title(engine.model)
        self.name, self.detail = ElidedLabel(name), ElidedLabel()
        self.detail.setProperty("kind", "muted")
        self.pin = self._button(theme, "pin", f"Pin {name} in memory")
        self.pin.setCheckable(True)
        self.unload = self._button(theme, "close", f"Unload {name}")
        self.pin.clicked.connect(lambda checked: self.pin_wanted.emit(self.engine, checked))
        self.unload.clicked.connect(lambda: self.unload_wanted.emit(self.engine))
        self.unload.setToolTip("Unload")
        words = QVBoxLayout()
        words.setSpacing(0)
        for label in (self.name, self.detail):
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            words.addWidget(label)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addLayout(words, 1)
        row.addWidget(self.pin)
        row.addWidget(self.unload)
        self.show_engine(engine)

    def show_engine(self, engine: EngineView) -> None:
        """Shows its present state."""
        self.engine = engine
        device = "" if engine.device == COMPUTER else f"{engine.device}  ·  "
        writing = "  ·  writing" if engine.generating else ""
        self.detail.setText(f"{device}{engine.precision}  ·  {number_format.memory(engine.memory)}{writing}")
        self.pin.setChecked(engine.pinned)
        tip = "Pinned: stays in memory" if engine.pinned else "Pin: keep in memory, even while no page uses it"
        self.pin.setToolTip(wrapped(tip))

    def _button(self, theme: Theme, icon: str, name: str) -> QPushButton:
        button = QPushButton()
        button.setProperty("kind", "flat")
        button.setProperty("icon_only", "true")
        button.setAccessibleName(name)
        theme.set_icon(button, icon, "muted")
        return button


class _BudgetBar(QWidget):
    """A groove as wide as the budget, and in it a part for each engine."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._parts: Sequence[int] = ()
        self._budget: int | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Memory of loaded models")
        theme.changed.connect(self.update)

    def show_parts(self, parts: Sequence[int], budget: int | None) -> None:
        """Shows the bytes of each engine."""
        self._parts, self._budget = parts, budget
        self.setVisible(budget is not None)
        self.setToolTip(wrapped("Weights, key-value cache of a full context, and working memory of each loaded model"))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, _BAR)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        colours, whole = self._theme.colours, QRectF(0, 0, self.width(), _BAR)
        painter.setBrush(QColor(mix(colours.text, colours.surface, 0.12)))
        painter.drawRoundedRect(whole, _BAR / 2, _BAR / 2)
        most = max(self._budget or 0, sum(self._parts), 1)
        over = self._budget is not None and sum(self._parts) > self._budget
        painter.setBrush(QColor(colours.warn if over else colours.accent))
        left = 0.0
        for part in self._parts:
            width = max(float(_BAR), self.width() * part / most)
            painter.drawRoundedRect(QRectF(left, 0, width - _GAP, _BAR), _BAR / 2, _BAR / 2)
            left += width
        painter.end()


def taken_words(engines: Sequence[EngineView], budget: int | None) -> str:
    """412 MB of 5.8 GB for models; of engines that are not in the computer's memory, nothing is said."""
    taken = number_format.memory(sum(each.memory for each in engines if not each.device.startswith("cuda")))
    return f"{taken} of {number_format.memory(budget)} for models" if budget is not None else f"{taken} for models"
