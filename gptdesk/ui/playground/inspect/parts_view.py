"""Parts: what heads and MLPs add directly to the lead of a token, as bars that add up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QVBoxLayout

from gptdesk.inference.inspection import snippets
from gptdesk.ui.playground.inspect.labels import signed
from gptdesk.ui.playground.inspect.maps.bar_table import BarTable
from gptdesk.ui.playground.inspect.maps.heat_model import HeatGrid
from gptdesk.ui.playground.inspect.maps.heat_table import HeatTable
from gptdesk.ui.playground.inspect.view import InspectView
from gptdesk.ui.playground.token_card.labels import token_text
from gptdesk.ui.services.reading.look_jobs import PARTS, Looked, LookJob, Shares
from gptdesk.ui.theme import Theme

if TYPE_CHECKING:
    from gptdesk.gpt2.mixed_text import MixedText
    from gptdesk.gpt2.tokenizer import Tokenizer


class PartsView(InspectView):
    """What each part adds to the lead of a token over its closest rival, the largest first, whichever its sign.

    Attributes:
        table: a bar for each part.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._shares: Shares | None = None
        self.table = BarTable(theme, "Shares of parts", 150)
        self.table.left.connect(self.left)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)

    def jobs(self, text: MixedText, caret: int) -> list[LookJob]:
        return [LookJob(PARTS, text, caret)]

    def needs_caret(self) -> bool:
        return True

    def receive(self, looked: Looked, tokenizer: Tokenizer) -> str:
        shares = looked.found
        assert isinstance(shares, Shares)
        self._shares = shares
        values = shares.found.shares.numpy()
        order = np.argsort(-np.abs(values), kind="stable").tolist()
        names = [shares.found.parts[place].name for place in order]
        figures = [signed(float(values[place]), 3) for place in order]
        help = [
            f"{name} adds {figure} to the difference of the logits."
            for name, figure in zip(names, figures, strict=True)
        ]
        self.table.show_bars(names, [float(values[place]) for place in order], figures, help)
        first, second = (token_text(tokenizer.piece(id)) for id in (shares.token, shares.other))
        return f"“{first}” before “{second}”: {signed(shares.found.logit, 2)} in logits"

    def clear(self) -> None:
        self._shares = None
        self.table.show_grid(HeatGrid())

    @property
    def copied(self) -> HeatTable:
        return self.table

    def snippet(self, source: snippets.Source) -> str:
        return "" if self._shares is None else snippets.parts(source, self._shares.token, self._shares.other)
