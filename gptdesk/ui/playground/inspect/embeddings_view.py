"""Embeddings: the tokens nearest to the one before the caret, or a map of chosen tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QStackedWidget, QVBoxLayout, QWidget

from gptdesk.inference.inspection import snippets
from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.inspect.labels import signed
from gptdesk.ui.playground.inspect.maps.bar_table import BarTable
from gptdesk.ui.playground.inspect.maps.heat_model import HeatGrid
from gptdesk.ui.playground.inspect.maps.heat_table import HeatTable
from gptdesk.ui.playground.inspect.maps.picture import Pictured
from gptdesk.ui.playground.inspect.maps.point_map import PointMap
from gptdesk.ui.playground.inspect.view import InspectView
from gptdesk.ui.playground.token_card.labels import percent, token_text
from gptdesk.ui.services.reading.look_jobs import EMBEDDINGS, MAP, Looked, LookJob, MapJob, Mapped, Nearest
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.inputs.boxes import ListBox

if TYPE_CHECKING:
    from gptdesk.gpt2.mixed_text import MixedText
    from gptdesk.gpt2.tokenizer import Tokenizer

_CHOICES: Final = {EMBEDDINGS: "Nearest tokens", MAP: "Map of tokens"}
_FIELD: Final = "Tokens, as “ king queen man woman”; empty: those nearest to the one before the caret"


class EmbeddingsView(InspectView):
    """The tokens whose embedding points most in the same direction; or tokens in the plane in which they differ most.

    Attributes:
        choice: of the two.
        words: a text whose tokens are mapped.
        table: a bar for each near token.
        points: a row for each token of the map.
        map: the map.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._near: Nearest | None = None
        self._mapped: Mapped | None = None
        self._token = 0
        self._words = ""
        self.choice, self.words = ListBox(), QLineEdit()
        self.choice.setAccessibleName("What is shown of embeddings")
        for id, title in _CHOICES.items():
            self.choice.addItem(title, id)
        self.choice.activated.connect(self._on_choice)
        self.words.setPlaceholderText(_FIELD)
        self.words.setAccessibleName("Tokens of the map")
        self.words.returnPressed.connect(self._on_words)
        self.table = BarTable(theme, "Nearest tokens", 150)
        self.points, self.map = HeatTable(theme, "Places of tokens on the map", (52, 22)), PointMap(theme)
        self.points.moved.connect(lambda row, _: self.map.point_out(row))
        self.map.hovered.connect(lambda number: self.points.setCurrentIndex(self.points.cells.index(number, 0)))
        for table in (self.table, self.points):
            table.left.connect(self.left)
        self._lay_out()

    def _lay_out(self) -> None:
        caption = QLabel("Show")
        caption.setBuddy(self.choice)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(caption)
        top.addWidget(self.choice)
        top.addWidget(self.words, 1)
        top.addStretch(0)
        self.words.hide()
        both = QWidget()
        sides = QHBoxLayout(both)
        sides.setContentsMargins(0, 0, 0, 0)
        sides.setSpacing(scaled(12))
        sides.addWidget(self.points, 3)
        sides.addWidget(self.map, 5)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.table)
        self._stack.addWidget(both)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(scaled(6))
        layout.addLayout(top)
        layout.addWidget(self._stack, 1)

    @property
    def _is_map(self) -> bool:
        return bool(self.choice.currentData() == MAP)

    def jobs(self, text: MixedText, caret: int) -> list[LookJob]:
        if self._is_map:
            return [MapJob(MAP, text, caret, words=self._words)]
        return [LookJob(EMBEDDINGS, text, caret)]

    def needs_caret(self) -> bool:
        return not (self._is_map and self._words)

    def receive(self, looked: Looked, tokenizer: Tokenizer) -> str:
        if isinstance(looked.found, Mapped):
            return self._show_map(looked.found, tokenizer)
        assert isinstance(looked.found, Nearest)
        self._near, self._token = looked.found, looked.text.ids[looked.text.position]
        found, here = looked.found.found, token_text(tokenizer.piece(self._token))
        names = [token_text(tokenizer.piece(near.id)) for near in found]
        figures = [signed(near.cosine, 3) for near in found]
        help = [f"“{name}”: cosine {figure} to “{here}”." for name, figure in zip(names, figures, strict=True)]
        self.table.show_bars(names, [near.cosine for near in found], figures, help)
        return f"near “{here}”, by cosine"

    def _show_map(self, mapped: Mapped, tokenizer: Tokenizer) -> str:
        self._mapped = mapped
        points = mapped.found.points.numpy()
        names = [token_text(tokenizer.piece(id)) for id in mapped.ids]
        shares = [percent(share) for share in mapped.found.explained]

        def text(row: int, column: int) -> str:
            return signed(float(points[row, column]), 2)

        def help(row: int, column: int) -> str:
            return f"“{names[row]}” lies at {text(row, 0)} along the first axis and {text(row, 1)} along the second."

        axes = [f"axis {number}: {share} of the variance" for number, share in enumerate(shares, 1)]
        values = points / max(float(np.abs(points).max()), 1e-9)
        numbers = {"place": points}
        grid = HeatGrid(names, ("axis 1", "axis 2"), names, axes, values, text, help, numbers=numbers)
        self.points.show_grid(grid)
        self.map.show_points(names, points, [help(row, 0) for row in range(len(names))], (axes[0], axes[1]))
        self.map.point_out(self.points.currentIndex().row())
        return f"{len(names)} tokens; the map keeps {percent(sum(mapped.found.explained))} of their variance"

    def refuse(self, sentence: str) -> bool:
        if not self._is_map:
            return False
        self._clear_map(sentence)
        return True

    def clear(self) -> None:
        self._near = None
        self.table.show_grid(HeatGrid())
        self._clear_map()

    def _clear_map(self, sentence: str = "") -> None:
        self._mapped = None
        self.points.show_grid(HeatGrid())
        self.map.show_points((), np.zeros((0, 2)), (), ("", ""), sentence)

    @property
    def pictured(self) -> Sequence[Pictured]:
        return [self.points, self.map] if self._is_map else [self.table]

    @property
    def copied(self) -> HeatTable:
        return self.points if self._is_map else self.table

    def snippet(self, source: snippets.Source) -> str:
        if self._is_map:
            return "" if self._mapped is None else snippets.token_map(source, self._mapped.ids)
        return "" if self._near is None else snippets.nearest(source, self._token)

    @Slot()
    def _on_choice(self) -> None:
        self.words.setVisible(self._is_map)
        self._stack.setCurrentIndex(int(self._is_map))
        self.asked.emit()

    @Slot()
    def _on_words(self) -> None:
        self._words = self.words.text()
        self.asked.emit()
