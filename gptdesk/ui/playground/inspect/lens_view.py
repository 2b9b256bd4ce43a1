"""The logit lens as a map: a row for each layer, a column for each token, the most likely next token in each cell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from PySide6.QtWidgets import QVBoxLayout

from gptdesk.inference.inspection import snippets
from gptdesk.ui import number_format
from gptdesk.ui.playground.inspect.maps.heat_model import HeatGrid
from gptdesk.ui.playground.inspect.maps.heat_table import HeatTable
from gptdesk.ui.playground.inspect.view import InspectView
from gptdesk.ui.playground.token_card.labels import percent, token_text
from gptdesk.ui.services.reading.look_jobs import LENS, Looked, LookedText, LookJob
from gptdesk.ui.theme import Theme

if TYPE_CHECKING:
    from gptdesk.gpt2.mixed_text import MixedText
    from gptdesk.gpt2.tokenizer import Tokenizer
    from gptdesk.inference.inspection.lens import Lens


class LensView(InspectView):
    """The map. A click reads on from there: it moves the caret behind that token.

    Attributes:
        table: the map.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.table = HeatTable(theme, "Most likely next token by layer and token", (68, 22))
        self.table.chosen.connect(self._on_chosen)
        self.table.left.connect(self.left)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)
        self._text = LookedText((), (), -1)
        self._found: dict[str, Any] = {}

    def jobs(self, text: MixedText, caret: int) -> list[LookJob]:
        return [LookJob(LENS, text, caret)]

    def receive(self, looked: Looked, tokenizer: Tokenizer) -> str:
        text, piece = looked.text, cast("Lens", looked.found)
        shape = looked.shape[0] + 1, len(text.ids)
        if text.ids != self._text.ids or not self._found:
            self._found = {
                "top": np.zeros(shape, np.int64),
                "probability": np.full(shape, np.nan),
                "next": np.full(shape, np.nan),
                "rank": np.zeros(shape, np.int64),
                "kl": np.full(shape, np.nan),
                "entropy": np.full(shape, np.nan),
            }
        self._text = text
        columns = slice(piece.first, piece.first + piece.kl.shape[1])
        for name, values in (
            ("top", piece.top_ids[..., 0]),
            ("probability", piece.top_probabilities[..., 0]),
            ("next", piece.next_logprobs),
            ("rank", piece.next_ranks),
            ("kl", piece.kl),
            ("entropy", piece.entropy),
        ):
            self._found[name][:, columns] = values.numpy()[::-1]  # the last layer on top
        self.table.show_grid(self._grid(tokenizer))
        if self.table.currentIndex().row() < 0:
            self.show_caret(text.position)
        return ""

    def show_caret(self, position: int) -> None:
        self.table.go_to(max(0, self.table.currentIndex().row()), max(0, position))

    def clear(self) -> None:
        self._found = {}
        self._text = LookedText((), (), -1)
        self.table.show_grid(HeatGrid())

    @property
    def copied(self) -> HeatTable:
        return self.table

    def snippet(self, source: snippets.Source) -> str:
        return snippets.lens(source) if self._found else ""

    def _grid(self, tokenizer: Tokenizer) -> HeatGrid:
        ids, found = self._text.ids, self._found
        layers = len(found["kl"])
        pieces = [token_text(tokenizer.piece(id)) for id in ids]
        names = [f"L{layer}" for layer in range(layers - 2, -1, -1)] + ["start"]
        places = [f"after layer {layer}" for layer in range(layers - 2, -1, -1)] + ["before the first layer"]

        def known(row: int, column: int) -> bool:
            return not math.isnan(found["kl"][row, column])

        def text(row: int, column: int) -> str:
            return token_text(tokenizer.piece(int(found["top"][row, column]))) if known(row, column) else ""

        def help(row: int, column: int) -> str:
            place = f"Behind “{pieces[column]}”, {places[row]}"
            if not known(row, column):
                return f"{place}: not computed yet."
            said = f"{place}: most likely “{text(row, column)}”, {percent(float(found['probability'][row, column]))}. "
            if column + 1 < len(ids):
                probability = percent(math.exp(float(found["next"][row, column])))
                said += (
                    f"In the text “{pieces[column + 1]}” follows: {probability}, rank {found['rank'][row, column]}. "
                )
            entropy, kl = (_bits(found[name][row, column]) for name in ("entropy", "kl"))
            return said + f"Entropy {entropy} bits; {kl} bits from the model's own answer."

        def strong(row: int, column: int) -> bool:
            return column + 1 < len(ids) and int(found["rank"][row, column]) == 1

        numbers = {
            "top_probability": found["probability"],
            "next_probability": np.exp(found["next"]),
            "next_rank": np.where(found["rank"] > 0, found["rank"], np.nan),
            "kl": found["kl"] / math.log(2),
            "entropy": found["entropy"] / math.log(2),
        }
        shown = found["probability"]
        return HeatGrid(names, pieces, places, pieces, shown, text, help, strong, numbers=numbers)

    def _on_chosen(self, row: int, column: int) -> None:
        if column < len(self._text.spans):
            self.caret_wanted.emit(self._text.spans[column][1])


def _bits(nats: float) -> str:
    return number_format.decimal(float(nats) / math.log(2), 2)
