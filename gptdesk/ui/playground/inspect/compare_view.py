"""Two prompts compared by patching: how much of the answer comes back, by layer and token or by layer and head."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gptdesk.gpt2.mixed_text import PLACEHOLDER, MixedText
from gptdesk.inference.inspection import snippets
from gptdesk.ui import number_format
from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.inspect.labels import signed
from gptdesk.ui.playground.inspect.maps.heat_model import HeatGrid
from gptdesk.ui.playground.inspect.maps.heat_table import HeatTable
from gptdesk.ui.playground.inspect.view import InspectView
from gptdesk.ui.playground.token_card.labels import token_text
from gptdesk.ui.services.reading.look_jobs import PATCHING, Looked, LookJob, Patched, PatchJob
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.inputs.boxes import ListBox
from gptdesk.ui.widgets.tooltips import wrapped

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer

_SITES: Final = {
    "RESIDUAL": ("Residual stream by token", "residual stream into the layer"),
    "ATTENTION": ("Attention by token", "attention"),
    "MLP": ("MLP by token", "MLP"),
    "HEADS": ("Heads", "head"),
}
"""By the name of a `Site`: its title, and what it is called in a sentence."""

_FIELDS: Final = (
    ("Prompt 1", "One day, Tom went to the park and lost", "his"),
    ("Prompt 2", "One day, Lily went to the park and lost", "her"),
)
"""Name, and examples of a prompt and its answer."""

_ANSWER_HELP: Final = (
    "The token that this prompt asks for; empty: the one that the model finds most likely. Without a space at its "
    "beginning it is taken with or without one, whichever is likelier."
)
_NO_PROMPTS: Final = "Type two prompts of as many tokens that differ in what they ask for, then Compare."

_ANSWER_WIDTH: Final = 120
"""Of the field of an answer, in pixels at a font of 13 pixels."""

_WRITTEN_FROM: Final = 0.005
"""Share from which on a figure stands in the cell."""


class CompareView(InspectView):
    """Fields for two prompts and their answers, and the map of what brings the first one's answer back.

    Attributes:
        prompts, answers: the fields, the first prompt's first.
        site: what is put into the second prompt.
        button: begins; while it computes, cancels.
        bar: layers that are done.
        sentence: what is found, or what is wrong.
        table: the map.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._job: PatchJob | None = None
        self._patched: Patched | None = None
        self._ended = True
        self.prompts, self.answers = (QLineEdit(), QLineEdit()), (QLineEdit(), QLineEdit())
        self.site, self.button, self.bar, self.sentence = ListBox(), QPushButton(), QProgressBar(), ElidedLabel()
        self.table = HeatTable(theme, "What brings the answer back, by layer", (56, 22))
        self.table.left.connect(self.left)
        for id, (title, _) in _SITES.items():
            self.site.addItem(title, id)
        self.site.setAccessibleName("What is put into prompt 2")
        self.site.activated.connect(self._on_site)
        self.button.clicked.connect(self._on_button)
        self.bar.setProperty("kind", "job")
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Layers that are compared")
        self.bar.setFixedWidth(scaled(90))
        self.sentence.setProperty("kind", "muted")
        self.sentence.setAccessibleName("Answers of the prompts")
        self._lay_out()
        self._show_state(_NO_PROMPTS)

    def _lay_out(self) -> None:
        fields = QGridLayout()
        fields.setHorizontalSpacing(8)
        fields.setVerticalSpacing(4)
        for row, (name, example, answer) in enumerate(_FIELDS):
            prompt, asked = self.prompts[row], self.answers[row]
            caption = QLabel(name)
            caption.setBuddy(prompt)
            prompt.setAccessibleName(name)
            prompt.setPlaceholderText(example)
            asked.setAccessibleName(f"Answer of {name.lower()}")
            asked.setPlaceholderText(f"Answer: {answer}")
            asked.setToolTip(wrapped(_ANSWER_HELP))
            asked.setFixedWidth(scaled(_ANSWER_WIDTH))
            for field in (prompt, asked):
                field.returnPressed.connect(self.compare)
            for column, widget in enumerate((caption, prompt, asked)):
                fields.addWidget(widget, row, column)
        line = QHBoxLayout()
        line.setSpacing(8)
        for widget in (self.site, self.button, self.bar):
            line.addWidget(widget)
        line.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(scaled(6))
        layout.addLayout(fields)
        layout.addLayout(line)
        layout.addWidget(self.sentence)
        layout.addWidget(self.table, 1)
        order = (self.prompts[0], self.answers[0], self.prompts[1], self.answers[1], self.site, self.button, self.table)
        for one, other in pairwise(order):
            self.setTabOrder(one, other)

    def jobs(self, text: MixedText, caret: int) -> list[LookJob]:
        if not any(field.text() for field in self.prompts):
            before = text.text[:caret].rpartition(PLACEHOLDER)[2]
            for field in self.prompts:
                field.setText(before)
        return [] if self._job is None else [self._job]

    def needs_text(self) -> bool:
        return False

    @Slot()
    def compare(self) -> None:
        """Begins with what stands in the fields."""
        clean, corrupted = (field.text().replace(PLACEHOLDER, "\ufffd") for field in self.prompts)
        answer, other = (field.text() for field in self.answers)
        if not clean or not corrupted:
            self._show_state(_NO_PROMPTS)
            return
        self._ask(
            PatchJob(
                PATCHING,
                MixedText(clean),
                len(clean),
                corrupted=corrupted,
                answer=answer,
                other=other,
                site=self.site.currentData(),
            )
        )

    @Slot()
    def cancel(self) -> None:
        """Ends it; what is known stays."""
        self._job, self._ended = None, True
        known = len(self._patched.rows) if self._patched else 0
        self._show_state(f"Cancelled after {number_format.counted(known, 'layer')}.")
        self.asked.emit()

    def receive(self, looked: Looked, tokenizer: Tokenizer) -> str:
        patched = looked.found
        assert isinstance(patched, Patched)
        assert isinstance(looked.job, PatchJob)
        self._job, self._patched, self._ended = looked.job, patched, looked.ended
        self.table.show_grid(_grid(patched, looked.job.site, looked.shape, tokenizer))
        self.bar.setRange(0, looked.shape[0])
        self.bar.setValue(len(patched.rows))
        if patched.answers is None:
            self._show_state(patched.problem)
            return ""
        first, second = (token_text(tokenizer.piece(id)) for id in patched.answers)
        in_clean, in_corrupted = (signed(value, 2) for value in patched.differences)
        self._show_state(f"“{first}” before “{second}”, in logits: {in_clean} in prompt 1, {in_corrupted} in prompt 2")
        return f"{len(patched.rows)} of {number_format.counted(looked.shape[0], 'layer')}"

    def refuse(self, sentence: str) -> bool:
        self._ended = True
        self._show_state(sentence)
        return True

    def clear(self) -> None:
        self._job, self._patched, self._ended = None, None, True
        self.table.show_grid(HeatGrid())
        self._show_state(_NO_PROMPTS)

    @property
    def entry(self) -> QWidget:
        return self.prompts[0]

    @property
    def copied(self) -> HeatTable:
        return self.table

    def snippet(self, source: snippets.Source) -> str:
        patched, job = self._patched, self._job
        if patched is None or patched.answers is None or job is None:
            return ""
        clean, corrupted = job.text.text, job.corrupted
        return snippets.patching(source, (clean, corrupted), patched.ids, patched.answers, job.site)

    def _ask(self, job: PatchJob) -> None:
        if self._job is not None and self._patched is not None and job.question == self._job.question:
            return  # it is shown, or comes
        self._job, self._patched, self._ended = job, None, False
        self.table.show_grid(HeatGrid())
        self.bar.setRange(0, 0)
        self._show_state("")
        self.asked.emit()

    def _show_state(self, sentence: str) -> None:
        self.sentence.setText(sentence)
        self.bar.setVisible(not self._ended)
        self.button.setText("Compare" if self._ended else "Cancel")

    @Slot()
    def _on_button(self) -> None:
        if self._ended:
            self.compare()
        else:
            self.cancel()

    @Slot()
    def _on_site(self) -> None:
        if self._job is not None:
            self.compare()


def _grid(patched: Patched, site: str, shape: tuple[int, int], tokenizer: Tokenizer) -> HeatGrid:
    """The last layer on top; prompts of other lengths have their tokens alone."""
    layers, heads = shape
    if site == "HEADS" and not patched.problem:
        columns, long = [f"H{head}" for head in range(heads)], [f"head {head}" for head in range(heads)]
        strong: set[int] = set()
    else:
        columns, long, strong = _aligned(patched.ids, tokenizer)
    if patched.problem:
        return HeatGrid((), columns, (), long, np.zeros((0, len(columns))), strong_columns=strong)
    shares = np.full((layers, len(columns)), np.nan)
    for row in patched.rows:
        shares[layers - 1 - row.layer] = row.shares.numpy()
    name = _SITES[site][1]

    def text(row: int, column: int) -> str:
        value = shares[row, column]
        return "" if np.isnan(value) or abs(value) < _WRITTEN_FROM else signed(float(value), 2)

    def help(row: int, column: int) -> str:
        layer, value = layers - 1 - row, shares[row, column]
        place = f"Layer {layer}, {long[column]}" if site == "HEADS" else f"Layer {layer}, {name} at {long[column]}"
        if np.isnan(value):
            return f"{place}: not computed yet."
        return f"{place}, of prompt 1 put into prompt 2: {signed(float(value), 3)} of the difference comes back."

    return HeatGrid(
        [f"L{layer}" for layer in range(layers - 1, -1, -1)],
        columns,
        [f"layer {layer}" for layer in range(layers - 1, -1, -1)],
        long,
        np.clip(shares, -1, 1),
        text,
        help,
        strong_columns=strong,
        numbers={"share": shares},
    )


def _aligned(
    ids: tuple[tuple[int, ...], tuple[int, ...]], tokenizer: Tokenizer
) -> tuple[list[str], list[str], set[int]]:
    """Tokens of both prompts under each other, what they are called in a sentence, and where they differ."""
    count = max(map(len, ids))
    clean, corrupted = ([token_text(tokenizer.piece(id)) for id in some] + ["–"] * (count - len(some)) for some in ids)
    pairs = list(zip(clean, corrupted, strict=True))
    differ = {place for place, (one, other) in enumerate(pairs) if one != other}
    long = [f"“{one}” (prompt 2: “{other}”)" if one != other else f"“{one}”" for one, other in pairs]
    return [f"{one}\n{other}" for one, other in pairs], long, differ
