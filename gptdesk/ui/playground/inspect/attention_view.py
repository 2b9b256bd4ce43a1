"""Attention: small maps of all heads, and the one that is chosen with its tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from gptdesk.ui import number_format
from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.inspect.heat_model import HeatGrid
from gptdesk.ui.playground.inspect.heat_table import HeatTable
from gptdesk.ui.playground.token_card.labels import percent, token_text
from gptdesk.ui.services.reading.look_jobs import ATTENTION, PATTERN, Looked, LookedText, LookJob, Pattern, Thumbnails
from gptdesk.ui.theme import Theme

if TYPE_CHECKING:
    from gptdesk.gpt2.mixed_text import MixedText
    from gptdesk.gpt2.tokenizer import Tokenizer

_CELL: Final = 36


class AttentionView(QWidget):
    """A table of heads, and one of tokens. A head that becomes the current one is shown large.

    Attributes:
        heads: small maps, a row for each layer.
        pattern: the chosen head's, a row for each token that looks.

    Signals:
        caret_wanted(int): emitted with the index of a character that the caret should go to.
        asked(): emitted when another head was chosen, whose pattern is needed.
        left(): emitted when the person wants to go back to the text.
    """

    caret_wanted = Signal(int)
    asked = Signal()
    left = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heads = HeatTable(theme, "Heads by layer", (_CELL, _CELL))
        self.pattern = HeatTable(theme, "Where the chosen head looks", (46, 20))
        self.heads.moved.connect(self._on_head)
        self.pattern.chosen.connect(self._on_chosen)
        for table in (self.heads, self.pattern):
            table.left.connect(self.left)
        self.setFocusProxy(self.heads)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(scaled(8))
        layout.addWidget(self.heads, 4)
        layout.addWidget(self.pattern, 5)
        self._text = LookedText((), (), -1)
        self._head = 0, 0

    def jobs(self, text: MixedText, caret: int) -> list[LookJob]:
        """What is to be asked for this text."""
        layer, head = self._head
        return [LookJob(ATTENTION, text, caret), LookJob(PATTERN, text, caret, layer, head)]

    def needs_caret(self) -> bool:
        """Whether what is shown depends on the caret."""
        return False

    def receive(self, looked: Looked, tokenizer: Tokenizer) -> str:
        """Shows a part of the answer; returns what is to be said of it."""
        self._text = looked.text
        if isinstance(looked.found, Thumbnails):
            self.heads.show_grid(_heads_grid(looked.found, len(looked.text.ids)))
            self.heads.go_to(*self._head)
        elif isinstance(looked.found, Pattern) and (looked.job.layer, looked.job.head) == self._head:
            self.pattern.show_grid(_pattern_grid(looked.found, looked.text, tokenizer))
            self.show_caret(looked.text.position)
        layer, head = self._head
        return f"L{layer} H{head}"

    def show_caret(self, position: int) -> None:
        """Goes to the row of the token behind which the model is asked."""
        self.pattern.go_to(max(0, position), max(0, self.pattern.currentIndex().column()))

    def clear(self) -> None:
        """Shows nothing."""
        self._text = LookedText((), (), -1)
        self._head = 0, 0
        for table in (self.heads, self.pattern):
            table.show_grid(HeatGrid())

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

    return HeatGrid(pieces, pieces, pieces, pieces, values, help=help)
