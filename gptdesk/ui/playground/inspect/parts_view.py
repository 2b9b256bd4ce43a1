"""Direct attribution as bars: what each part adds to the lead of a token over its closest rival."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QHeaderView, QStyledItemDelegate, QStyleOptionViewItem, QVBoxLayout, QWidget

from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.inspect.heat_model import VALUE, HeatGrid
from gptdesk.ui.playground.inspect.heat_table import HeatTable
from gptdesk.ui.playground.inspect.labels import signed
from gptdesk.ui.playground.token_card.labels import token_text
from gptdesk.ui.services.reading.look_jobs import PARTS, Looked, LookJob, Shares
from gptdesk.ui.theme import Theme

if TYPE_CHECKING:
    from gptdesk.gpt2.mixed_text import MixedText
    from gptdesk.gpt2.tokenizer import Tokenizer

_NAME: Final = 150
"""Width of the names of parts, in pixels at a font of 13 pixels."""

_FIGURE: Final = 72


class PartsView(QWidget):
    """The bars, the largest share first, whichever its sign.

    Attributes:
        table: a row for each part.

    Signals:
        left(): emitted when the person wants to go back to the text.
    """

    left = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = HeatTable(theme, "Shares of parts", (_NAME, 24))
        self.table.setItemDelegate(BarDelegate(theme, self.table))
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().hide()
        self.table.left.connect(self.left)
        self.setFocusProxy(self.table)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)

    def jobs(self, text: MixedText, caret: int) -> list[LookJob]:
        """What is to be asked for this text."""
        return [LookJob(PARTS, text, caret)]

    def needs_caret(self) -> bool:
        """Whether what is shown depends on the caret."""
        return True

    def receive(self, looked: Looked, tokenizer: Tokenizer) -> str:
        """Shows the answer; returns what is to be said of it."""
        shares = looked.found
        assert isinstance(shares, Shares)
        values = shares.found.shares.numpy()
        order = np.argsort(-np.abs(values), kind="stable").tolist()
        names = [shares.found.parts[place].name for place in order]
        largest = max(float(np.abs(values).max()), 1e-9)
        sorted_values = np.array([[0.0, values[place] / largest] for place in order])

        def figure(row: int) -> str:
            return signed(float(values[order[row]]), 3)

        self.table.show_grid(
            HeatGrid(
                names,
                ("Part", "Share"),
                values=sorted_values,
                text=lambda row, column: figure(row) if column else names[row],
                help=lambda row, column: f"{names[row]} adds {figure(row)} to the difference of the logits.",
            )
        )
        first, second = (token_text(tokenizer.piece(id)) for id in (shares.token, shares.other))
        lead = signed(shares.found.logit, 2)
        return f"“{first}” before “{second}”: {lead} in logits"

    def show_caret(self, position: int) -> None:
        """The answer to the job shows it."""

    def clear(self) -> None:
        """Shows nothing."""
        self.table.show_grid(HeatGrid())


class BarDelegate(QStyledItemDelegate):
    """Paints names as usual, and a share as a figure and a bar that begins in the middle."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        if index.column() == 0:
            return
        colours, value = self._theme.colours, float(index.data(VALUE))
        figure = scaled(_FIGURE)
        whole = QRectF(option.rect).adjusted(figure, 0, -8, 0)
        middle, reach = whole.center().x(), whole.width() / 2
        painter.save()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.accent if value >= 0 else colours.warn))
        width = max(1.0, reach * abs(value))
        painter.drawRect(QRectF(middle if value >= 0 else middle - width, whole.center().y() - 4, width, 8))
        painter.setBrush(QColor(colours.hairline))
        painter.drawRect(QRectF(middle, whole.top(), 1, whole.height()))
        painter.restore()
