"""How a run learned a text: the surprisal of its tokens at each checkpoint, played from the first to the last."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import Slot
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel

from gptdesk.coloured_text import surprisal
from gptdesk.gpt2.mixed_text import PLACEHOLDER
from gptdesk.inference.inspection import snippets
from gptdesk.ui import number_format
from gptdesk.ui.playground.inspect.maps.heat_model import HeatGrid
from gptdesk.ui.playground.inspect.maps.heat_table import HeatTable
from gptdesk.ui.playground.inspect.over_steps.learned_text import LearnedText
from gptdesk.ui.playground.inspect.over_steps.reading import SURPRISAL, Reading
from gptdesk.ui.playground.inspect.over_steps.run_checkpoints import RunCheckpoints
from gptdesk.ui.playground.inspect.over_steps.steps_view import StepsView
from gptdesk.ui.playground.token_card.labels import percent, token_text
from gptdesk.ui.services.runs.service import RunService
from gptdesk.ui.services.services import InferenceService
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.inputs.step_player import StepPlayer

_CELL: Final = (52, 20)


class LearnedView(StepsView):
    """The text in the colours of one step, and a map of all: a row for each checkpoint, a column for each token.

    The slider and the map's rows choose the same step.

    Attributes:
        player: chooses and plays steps.
        caption: the chosen step, and the mean over the text.
        shown: the text.
        table: the map.
    """

    def __init__(
        self, theme: Theme, inference: InferenceService, runs: RunService, checkpoints: RunCheckpoints
    ) -> None:
        super().__init__(SURPRISAL, inference, runs, checkpoints)
        self._steps: list[int] = []
        self._pieces: list[str] = []
        self._names: list[str] = []
        self._bits: npt.NDArray[np.floating] = np.zeros((0, 0))
        self.player, self.caption = StepPlayer(theme, "Step of the checkpoint"), QLabel()
        self.shown, self.table = LearnedText(theme), HeatTable(theme, "Surprisal by step and token", _CELL)
        self.caption.setProperty("kind", "muted")
        self.player.moved.connect(self._show_step)
        self.table.moved.connect(lambda row, column: self.player.slider.setValue(row))
        self.table.left.connect(self.left)
        playing = QHBoxLayout()
        playing.setSpacing(8)
        playing.addWidget(self.player, 1)
        playing.addWidget(self.caption)
        body = QHBoxLayout()
        body.setSpacing(8)
        body.addWidget(self.shown, 2)
        body.addWidget(self.table, 3)
        self.column.insertLayout(0, playing)
        self.column.addLayout(body, 1)
        self._forget()

    def show_reading(self, reading: Reading) -> None:
        known = reading.known
        rows = [[row["surprisal"] for row in one.rows or ()] for one in known]
        bits = np.array(rows, np.float64).reshape(len(known), len(reading.ids))  # None becomes NaN
        self._names = [token_text(reading.tokenizer.piece(id)) for id in reading.ids]
        self._show([one.step for one in known], _pieces(reading), bits)

    def clear(self) -> None:
        super().clear()
        if self.reading is None:
            self._forget()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.player.stop()

    @property
    def copied(self) -> HeatTable:
        return self.table

    def snippet(self, source: snippets.Source) -> str:
        reading = self.reading
        return snippets.learned(str(reading.run), reading.ids) if reading is not None and self._steps else ""

    def _forget(self) -> None:
        self._names = []
        self._show([], [], np.zeros((0, 0)))

    def _show(self, steps: list[int], pieces: list[str], bits: npt.NDArray[np.floating]) -> None:
        newest = self.player.is_at_end or pieces != self._pieces
        self._steps, self._pieces, self._bits = steps, pieces, bits
        names = self._names

        def text(row: int, column: int) -> str:
            return "" if np.isnan(bits[row, column]) else number_format.decimal(float(bits[row, column]), 1)

        def help(row: int, column: int) -> str:
            place = f"Step {number_format.count(steps[row])}, “{names[column]}”"
            value = float(bits[row, column])
            if np.isnan(value):
                return f"{place}: nothing stands before it."
            return f"{place}: {number_format.decimal(value, 2)} bits, {percent(2.0**-value)}."

        rows = [number_format.count(step) for step in steps]
        levels = -np.clip(
            bits / surprisal.MOST_BITS, 0, 1
        )  # in the colour of negative values, which is like the text's
        self.table.show_grid(
            HeatGrid(
                rows if pieces else (),
                names if steps else (),
                [f"step {row}" for row in rows],
                names,
                levels,
                text,
                help,
                numbers={"surprisal": bits},
            )
        )
        self.player.set_count(len(steps), choose_last=newest)
        self.caption.setVisible(bool(steps))
        self._show_step()

    @Slot()
    def _show_step(self) -> None:
        place = self.player.index
        if place >= len(self._steps):
            self.shown.show_tokens((), np.zeros(0))
            return
        bits = self._bits[place]
        mean = float(np.nanmean(bits)) if len(bits) > 1 else float("nan")
        said = f"Step {number_format.count(self._steps[place])} of {number_format.count(self._steps[-1])}"
        if not np.isnan(mean):
            said += f" · {number_format.decimal(mean, 2)} bits per token"
        self.caption.setText(said)
        self.player.slider.setAccessibleDescription(said)
        self.shown.show_tokens(self._pieces, bits)
        self.table.go_to(place, max(0, self.table.currentIndex().column()))


def _pieces(reading: Reading) -> list[str]:
    """The letters of each token; a letter of several tokens stands with the first of them."""
    pieces, reached = [], 0
    for id, (start, end) in zip(reading.ids, reading.spans, strict=True):
        letters = reading.text.text[max(start, reached) : end]
        reached = max(reached, end)
        pieces.append(reading.tokenizer.piece(id) if letters == PLACEHOLDER else letters)
    return pieces
