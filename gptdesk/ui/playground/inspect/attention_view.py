"""Attention: small maps of all heads, and the one that is chosen with its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from PySide6.QtCore import QEvent, QObject, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gptdesk.inference.inspection import snippets
from gptdesk.ui import number_format
from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.inspect.arcs import Arcs
from gptdesk.ui.playground.inspect.maps.heat_model import HeatGrid
from gptdesk.ui.playground.inspect.maps.heat_table import HeatTable
from gptdesk.ui.playground.inspect.maps.picture import Pictured
from gptdesk.ui.playground.inspect.view import InspectView
from gptdesk.ui.playground.token_card.labels import percent, token_text
from gptdesk.ui.services.reading.look_jobs import ATTENTION, PATTERN, Looked, LookedText, LookJob, Pattern, Thumbnails
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.inputs.check_box import CheckBox
from gptdesk.ui.widgets.tooltips import wrapped

if TYPE_CHECKING:
    from gptdesk.gpt2.mixed_text import MixedText
    from gptdesk.gpt2.tokenizer import Tokenizer

_CELL: Final = 36
_WHOLE: Final = "Whole pattern"


class AttentionView(InspectView):
    """A table of heads, and one of tokens. A head that becomes the current one is shown large.

    Attributes:
        heads: small maps, a row for each layer.
        pattern: the chosen head's, a row for each token that looks.
        whole: whether all of it is shown, in cells as small as need be.

    Signals:
        looking(object): emitted with the `Arcs` of the row under the pointer, or of the current one while the pattern
            has the focus; None for none.
    """

    looking = Signal(object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.heads = HeatTable(theme, "Heads by layer", (_CELL, _CELL))
        self.pattern = HeatTable(theme, "Where the chosen head looks", (46, 20))
        self.heads.moved.connect(self._on_head)
        self.pattern.chosen.connect(self._on_chosen)
        for table in (self.heads, self.pattern):
            table.left.connect(self.left)
        self.whole = CheckBox()
        self.whole.setAccessibleName(_WHOLE)
        self.whole.setToolTip(wrapped("Show all tokens at once, without words"))
        caption = QLabel(_WHOLE)
        caption.setBuddy(self.whole)
        self.whole.toggled.connect(self._fit)
        self.pattern.hovered.connect(self._on_hovered)
        self.pattern.moved.connect(self._on_hovered)
        self.pattern.installEventFilter(self)
        side = QVBoxLayout()
        side.setSpacing(scaled(4))
        line = QHBoxLayout()
        line.setSpacing(6)
        line.addWidget(self.whole)
        line.addWidget(caption)
        line.addStretch(1)
        side.addLayout(line)
        side.addWidget(self.pattern, 1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(scaled(8))
        layout.addWidget(self.heads, 4)
        layout.addLayout(side, 5)
        self._text = LookedText((), (), -1)
        self._head = 0, 0
        self._pattern: Pattern | None = None

    def jobs(self, text: MixedText, caret: int) -> list[LookJob]:
        layer, head = self._head
        return [LookJob(ATTENTION, text, caret), LookJob(PATTERN, text, caret, layer, head)]

    def receive(self, looked: Looked, tokenizer: Tokenizer) -> str:
        self._text = looked.text
        if isinstance(looked.found, Thumbnails):
            self.heads.show_grid(_heads_grid(looked.found, len(looked.text.ids)))
            self.heads.go_to(*self._head)
        elif isinstance(looked.found, Pattern) and (looked.job.layer, looked.job.head) == self._head:
            self._pattern = looked.found
            self.pattern.show_grid(_pattern_grid(looked.found, looked.text, tokenizer))
            self._fit()
            self.show_caret(looked.text.position)
        layer, head = self._head
        return f"L{layer} H{head}"

    def show_caret(self, position: int) -> None:
        self.pattern.go_to(max(0, position), max(0, self.pattern.currentIndex().column()))

    def clear(self) -> None:
        self._text = LookedText((), (), -1)
        self._head = 0, 0
        self._pattern = None
        self.hide_arcs()
        for table in (self.heads, self.pattern):
            table.show_grid(HeatGrid())

    @property
    def entry(self) -> QWidget:
        return self.heads

    @property
    def pictured(self) -> Sequence[Pictured]:
        return [self.heads, self.pattern]

    @property
    def copied(self) -> HeatTable:
        return self.pattern

    def snippet(self, source: snippets.Source) -> str:
        return snippets.attention(source, *self._head) if self.pattern.cells.grid.rows else ""

    def hide_arcs(self) -> None:
        """Takes the arcs off the text."""
        self.looking.emit(None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Shows no arcs when the focus has left the pattern."""
        if event.type() == QEvent.Type.FocusOut:
            self.hide_arcs()
        return super().eventFilter(watched, event)

    @Slot()
    def _fit(self) -> None:
        self.pattern.fit(self.whole.isChecked())

    @Slot(int, int)
    def _on_hovered(self, row: int, column: int) -> None:
        if row < 0 and self.pattern.hasFocus():
            row = self.pattern.currentIndex().row()
        if self._pattern is None or not 0 <= row < len(self._text.spans):
            self.hide_arcs()
        else:
            self.looking.emit(Arcs(self._text.spans, row, self._pattern.weights[row]))

    def _on_head(self, row: int, column: int) -> None:
        if (row, column) != self._head:
            self._head = row, column
            self.asked.emit()

    def _on_chosen(self, row: int, column: int) -> None:
        if column < len(self._text.spans):
            self.caret_wanted.emit(self._text.spans[column][1])


def _heads_grid(found: Thumbnails, tokens: int) -> HeatGrid:
    layers, heads, size, _ = found.maps.shape
    first = found.maps[:, :, max(1, size // 8) :, 0]  # the first queries have nowhere else to look
    share = first.mean(-1) if first.shape[-1] else np.ones((layers, heads))

    def help(row: int, column: int) -> str:
        said = f"Layer {row}, head {column}, all {tokens} tokens."
        return f"{said} Looks mostly at the first token." if tokens > 2 and share[row, column] > 0.5 else said

    return HeatGrid(
        [f"L{layer}" for layer in range(layers)],
        [f"H{head}" for head in range(heads)],
        [f"layer {layer}" for layer in range(layers)],
        [f"head {head}" for head in range(heads)],
        np.zeros((layers, heads)),
        help=help,
        picture=lambda row, column: found.maps[row, column],
    )


def _pattern_grid(found: Pattern, text: LookedText, tokenizer: Tokenizer) -> HeatGrid:
    pieces = [token_text(tokenizer.piece(id)) for id in text.ids]
    count = len(pieces)
    values = np.where(np.tri(count, dtype=bool), np.sqrt(found.weights), np.nan)

    def help(row: int, column: int) -> str:
        if column > row:
            return f"“{pieces[row]}” cannot see “{pieces[column]}”, which comes later."
        weight, norm = float(found.weights[row, column]), float(found.norms[row, column])
        length = number_format.decimal(norm, 2)
        said = f"“{pieces[row]}” looks at “{pieces[column]}”: {percent(weight)}."
        return f"{said} Length of what comes from there: {length}."

    numbers = {"weight": found.weights, "length": found.norms}
    return HeatGrid(pieces, pieces, pieces, pieces, values, help=help, numbers=numbers)
