"""Scores of heads over the steps of a run: when heads begin to look at the previous token, or to do induction."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel

from gptdesk.inference.inspection import snippets
from gptdesk.ui import number_format
from gptdesk.ui.playground.inspect.maps.heat_model import HeatGrid
from gptdesk.ui.playground.inspect.maps.heat_table import HeatTable
from gptdesk.ui.playground.inspect.maps.picture import Pictured
from gptdesk.ui.playground.inspect.maps.step_lines import StepLines
from gptdesk.ui.playground.inspect.over_steps.reading import HEADS, Reading
from gptdesk.ui.playground.inspect.over_steps.run_checkpoints import RunCheckpoints
from gptdesk.ui.playground.inspect.over_steps.steps_view import StepsView
from gptdesk.ui.services.runs.service import RunService
from gptdesk.ui.services.services import InferenceService
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.inputs.boxes import ListBox

_KINDS: Final = {
    "induction": "Induction",
    "previous_token": "Previous token",
    "duplicate_token": "Duplicate token",
}
"""Columns of `head_rows`, and what they are called."""


class HeadStepsView(StepsView):
    """Lines of the heads that score most, and a table of all: a row for each head, a column for each checkpoint.

    Attributes:
        choice: of the score.
        lines: the chart.
        table: the table, the head that scores most first.
    """

    def __init__(
        self, theme: Theme, inference: InferenceService, runs: RunService, checkpoints: RunCheckpoints
    ) -> None:
        super().__init__(HEADS, inference, runs, checkpoints)
        self.choice, self.lines = ListBox(), StepLines(theme, "Scores by step")
        self.table = HeatTable(theme, "Scores by head and step", (52, 20))
        self.choice.setAccessibleName("Score")
        for id, title in _KINDS.items():
            self.choice.addItem(title, id)
        self.choice.activated.connect(self._show)
        self.table.moved.connect(lambda row, column: self.lines.point_out(row))
        self.table.left.connect(self.left)
        caption = QLabel("Score")
        caption.setBuddy(self.choice)
        self.top.insertWidget(0, caption)
        self.top.insertWidget(1, self.choice)
        body = QHBoxLayout()
        body.setSpacing(8)
        body.addWidget(self.lines, 3)
        body.addWidget(self.table, 2)
        self.column.addLayout(body, 1)

    def needs_text(self) -> bool:
        return False

    def show_reading(self, reading: Reading) -> None:
        self._show()

    def clear(self) -> None:
        super().clear()
        if self.reading is None:
            self._show()

    @property
    def copied(self) -> HeatTable:
        return self.table

    @property
    def pictured(self) -> list[Pictured]:
        return [self.lines, self.table]

    def snippet(self, source: snippets.Source) -> str:
        return snippets.heads_by_step(str(self.reading.run)) if self.reading is not None else ""

    @Slot()
    def _show(self) -> None:
        known = self.reading.known if self.reading is not None else []
        if not known:
            self.lines.show_lines((), (), np.zeros((0, 0)))
            self.table.show_grid(HeatGrid())
            return
        kind = self.choice.currentData()
        heads = [(row["layer"], row["head"]) for row in known[0].rows or ()]
        scores: npt.NDArray[np.float64] = np.array([[row[kind] for row in one.rows or ()] for one in known], float)
        order = np.argsort(-scores.max(0), kind="stable")  # (heads)
        values, names = scores.T[order], [f"L{heads[place][0]} H{heads[place][1]}" for place in order]
        steps = [one.step for one in known]
        columns = [number_format.count(step) for step in steps]

        def text(row: int, column: int) -> str:
            return number_format.decimal(float(values[row, column]), 2)

        def help(row: int, column: int) -> str:
            layer, head = heads[order[row]]
            return f"Layer {layer}, head {head}, step {columns[column]}: {_KINDS[kind].lower()} {text(row, column)}."

        self.table.show_grid(
            HeatGrid(
                names,
                columns,
                [f"layer {heads[place][0]}, head {heads[place][1]}" for place in order],
                [f"step {column}" for column in columns],
                values,
                text,
                help,
                numbers={kind: values},
            )
        )
        self.lines.show_lines(steps, names, values)
        self.lines.point_out(self.table.currentIndex().row())
