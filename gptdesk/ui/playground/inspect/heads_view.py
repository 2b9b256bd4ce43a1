"""Heads as a map: their scores on repeated random tokens, or what becomes of a token when they are switched off."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, cast

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Slot
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QLabel, QVBoxLayout

from gptdesk.inference.inspection import snippets
from gptdesk.inference.interventions.intervention import Component
from gptdesk.ui import number_format
from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.inspect.labels import signed
from gptdesk.ui.playground.inspect.maps.heat_model import HeatGrid
from gptdesk.ui.playground.inspect.maps.heat_table import HeatTable
from gptdesk.ui.playground.inspect.view import InspectView
from gptdesk.ui.playground.intervention.model_change import ModelChange
from gptdesk.ui.playground.token_card.labels import token_text
from gptdesk.ui.services.reading.look_jobs import ABLATION, SCORES, Ablations, Looked, LookJob
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.inputs.boxes import ListBox
from gptdesk.ui.widgets.popup import Menu

if TYPE_CHECKING:
    from gptdesk.gpt2.mixed_text import MixedText
    from gptdesk.gpt2.tokenizer import Tokenizer
    from gptdesk.inference.inspection.head_scores import HeadScores

_SCORES, _HERE, _EVERYWHERE = "scores", "here", "everywhere"
_CHOICES: Final = {
    _SCORES: "Scores on repeated random tokens",
    _HERE: "Switched off at this token",
    _EVERYWHERE: "Switched off at all tokens",
}
_SCORE_WIDTH, _CHANGE_WIDTH = 92, 60
"""Least width of a cell with a score or a change, in pixels at a font of 13 pixels."""

_NAMED_FROM: Final = 0.2
"""Score from which on a head is named by it."""


class HeadsView(InspectView):
    """A row for each layer, a column for each head; the last column is the MLP where parts are switched off.

    Delete, or the menu of a cell, has the Playground write without that part.

    Args:
        theme: of the window.
        change: what is changed in the model that writes.

    Attributes:
        choice: what the map shows.
        table: the map.
    """

    def __init__(self, theme: Theme, change: ModelChange) -> None:
        super().__init__()
        self._change = change
        self._looked: tuple[Looked, Tokenizer] | None = None
        change.changed.connect(self._show_again)
        self._shown = _SCORES
        self._found: HeadScores | Ablations | None = None
        self.choice = ListBox()
        self.choice.setAccessibleName("What the map shows")
        for id, title in _CHOICES.items():
            self.choice.addItem(title, id)
        self.choice.activated.connect(self._on_choice)
        caption = QLabel("Show")
        caption.setBuddy(self.choice)
        self.table = HeatTable(theme, "Heads by layer", (_SCORE_WIDTH, 24))
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.left.connect(self.left)
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(self._open_menu)
        self.table.installEventFilter(self)
        top = QHBoxLayout()
        top.addWidget(caption)
        top.addWidget(self.choice)
        top.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(scaled(6))
        layout.addLayout(top)
        layout.addWidget(self.table)

    def jobs(self, text: MixedText, caret: int) -> list[LookJob]:
        chosen = self.choice.currentData()
        if chosen == _SCORES:
            return [LookJob(SCORES, text, caret)]
        return [LookJob(ABLATION, text, caret, here=chosen == _HERE)]

    def needs_caret(self) -> bool:
        return bool(self.choice.currentData() != _SCORES)

    def receive(self, looked: Looked, tokenizer: Tokenizer) -> str:
        self._looked = looked, tokenizer
        self._found = cast("HeadScores | Ablations", looked.found)
        layers, heads = looked.shape
        scored = not isinstance(self._found, Ablations)
        self.table.horizontalHeader().setMinimumSectionSize(scaled(_SCORE_WIDTH if scored else _CHANGE_WIDTH))
        if not isinstance(self._found, Ablations):
            self._show(_score_grid(self._found, layers, heads))
            return ""
        self._show(_ablation_grid(self._found, layers, heads))
        token = token_text(tokenizer.piece(self._found.token))
        known, all = len(self._found.found), layers * (heads + 1)
        of = "" if looked.ended else f", {known} of {all} parts"
        return f"log-probability of “{token}” in bits{of}"

    def clear(self) -> None:
        self._found = self._looked = None
        self.table.show_grid(HeatGrid())

    @property
    def copied(self) -> HeatTable:
        return self.table

    def snippet(self, source: snippets.Source) -> str:
        if self._found is None:
            return ""
        if isinstance(self._found, Ablations):
            here = self.choice.currentData() == _HERE
            return snippets.ablation(source, self._found.token, here=here)
        return snippets.head_scores(source)

    def _on_choice(self) -> None:
        if self.choice.currentData() != self._shown:
            self._shown = self.choice.currentData()
            self.clear()
            self.asked.emit()

    def _show(self, grid: HeatGrid) -> None:
        """Shows a map, in which parts that the Playground writes without are "off"."""
        without = set(self._change.value.without)

        def is_off(row: int, column: int) -> bool:
            return bool(without & {self._part(row, column), Component(row)})

        def text(row: int, column: int) -> str:
            return "off" if is_off(row, column) else grid.text(row, column)

        def help(row: int, column: int) -> str:
            said = grid.help(row, column)
            return f"{said} The Playground writes without it." if is_off(row, column) else said

        self.table.show_grid(replace(grid, text=text, help=help) if without else grid)

    @Slot()
    def _show_again(self) -> None:
        if self._looked is not None:
            place = self.table.currentIndex().row(), self.table.currentIndex().column()
            self.receive(*self._looked)
            self.table.go_to(*place)

    def _part(self, row: int, column: int) -> Component:
        heads = self._looked[0].shape[1] if self._looked is not None else 0
        return Component(row, mlp=True) if column >= heads else Component(row, column)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Delete switches the part of the current cell off, or on again."""
        index = self.table.currentIndex()
        pressed = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress
        if pressed and event.matches(QKeySequence.StandardKey.Delete) and index.isValid():  # type: ignore[attr-defined]
            self._change.toggle(self._part(index.row(), index.column()))
            return True
        return super().eventFilter(watched, event)

    @Slot(QPoint)
    def _open_menu(self, place: QPoint) -> None:
        index = self.table.indexAt(place)
        if index.isValid():
            self.table.setCurrentIndex(index)
            self.menu_of(index.row(), index.column()).popup(self.table.viewport().mapToGlobal(place))

    def menu_of(self, row: int, column: int) -> Menu:
        """The menu of a cell: its part and its layer, off or on again."""
        menu = Menu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for part in (self._part(row, column), Component(row)):
            off = part in self._change.value.without
            action = menu.addAction(f"Write {'with' if off else 'without'} {_spelled(part)}{' again' if off else ''}")
            action.triggered.connect(partial(self._change.toggle, part))
        return menu


def _spelled(part: Component) -> str:
    """Layer 3, head 3.1, MLP 3."""
    return f"head {part.id}" if part.head is not None else part.name


def _names(layers: int, heads: int, *, with_mlp: bool) -> tuple[list[str], list[str], list[str], list[str]]:
    mlp = ["MLP"] if with_mlp else []
    return (
        [f"L{layer}" for layer in range(layers)],
        [f"H{head}" for head in range(heads)] + mlp,
        [f"layer {layer}" for layer in range(layers)],
        [f"head {head}" for head in range(heads)] + mlp,
    )


def _score_grid(found: HeadScores, layers: int, heads: int) -> HeatGrid:
    kinds = ("previous", "duplicate", "induction")
    scores = np.stack([getattr(found, kind).numpy() for kind in kinds])  # (3, L, nh)
    best, largest = scores.argmax(0), scores.max(0)

    def text(row: int, column: int) -> str:
        if largest[row, column] < _NAMED_FROM:
            return ""
        return f"{kinds[best[row, column]]} {number_format.decimal(float(largest[row, column]), 2)}"

    def help(row: int, column: int) -> str:
        one, two, three = (number_format.decimal(float(value), 2) for value in scores[:, row, column])
        return f"Layer {row}, head {column}: previous token {one}, duplicate token {two}, induction {three}."

    numbers = dict(zip(kinds, scores, strict=True))
    return HeatGrid(*_names(layers, heads, with_mlp=False), largest, text, help, numbers=numbers)


def _ablation_grid(ablations: Ablations, layers: int, heads: int) -> HeatGrid:
    change, kl = np.full((2, layers, heads + 1), np.nan)
    for part, nats, divergence in ablations.found:
        assert part.layer is not None
        place = part.layer, heads if part.head is None else part.head
        change[place], kl[place] = nats / math.log(2), divergence / math.log(2)
    largest = max(float(np.nanmax(np.abs(change), initial=0.0)), 1e-9)

    def text(row: int, column: int) -> str:
        value = change[row, column]
        return "" if math.isnan(value) else signed(float(value), 2)

    def help(row: int, column: int) -> str:
        name = f"Layer {row}, MLP" if column == heads else f"Layer {row}, head {column}"
        if math.isnan(change[row, column]):
            return f"{name}: not computed yet."
        moved = number_format.decimal(float(kl[row, column]), 3)
        bits = text(row, column)
        return f"{name} switched off: {bits} bits for this token; the whole distribution moves by {moved} bits (KL)."

    values = -np.sign(change) * np.sqrt(np.abs(change) / largest)  # one part is often far stronger than all others
    numbers = {"change": change, "kl": kl}
    return HeatGrid(*_names(layers, heads, with_mlp=True), values, text, help, numbers=numbers)
