"""Neurons: the strongest at a token, and where in the text the chosen one is strongest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout

from gptdesk.inference.inspection import snippets
from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.inspect.labels import signed
from gptdesk.ui.playground.inspect.maps.bar_table import BarTable
from gptdesk.ui.playground.inspect.maps.heat_model import HeatGrid
from gptdesk.ui.playground.inspect.maps.heat_table import HeatTable
from gptdesk.ui.playground.inspect.maps.picture import Pictured
from gptdesk.ui.playground.inspect.view import InspectView
from gptdesk.ui.playground.token_card.labels import token_text
from gptdesk.ui.services.reading.look_jobs import NEURONS, PLACES, Looked, LookedText, LookJob, Neurons, Places
from gptdesk.ui.theme import Theme

if TYPE_CHECKING:
    from gptdesk.gpt2.mixed_text import MixedText
    from gptdesk.gpt2.tokenizer import Tokenizer
    from gptdesk.inference.inspection.neurons import Neuron, Place

_CHOOSE: Final = "Choose a neuron to see where in the text it is strongest."

_AROUND: Final = 3
"""Tokens before a place that are shown with it."""


class NeuronsView(InspectView):
    """The neurons that move the residual stream most, with the tokens that they make more likely; a row that becomes
    the current one chooses the neuron. A click on a place puts the caret behind its token.

    Attributes:
        table: a bar for each neuron.
        caption: names the chosen neuron.
        places: a bar for each place of it.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._found: Sequence[Neuron] = ()
        self._places: Sequence[Place] = ()
        self._chosen: tuple[int, int] | None = None
        self._text = LookedText((), (), -1)
        self.table, self.places = BarTable(theme, "Strongest neurons", 290), BarTable(theme, "Strongest places", 190)
        self.caption = QLabel(_CHOOSE)
        self.caption.setProperty("kind", "muted")
        self.caption.setWordWrap(True)
        self.table.moved.connect(self._on_moved)
        self.places.chosen.connect(self._on_place)
        for table in (self.table, self.places):
            table.left.connect(self.left)
        side = QVBoxLayout()
        side.setSpacing(scaled(4))
        side.addWidget(self.caption)
        side.addWidget(self.places, 1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(scaled(12))
        layout.addWidget(self.table, 5)
        layout.addLayout(side, 4)

    def jobs(self, text: MixedText, caret: int) -> list[LookJob]:
        chosen = [] if self._chosen is None else [LookJob(PLACES, text, caret, *self._chosen)]
        return [LookJob(NEURONS, text, caret), *chosen]

    def needs_caret(self) -> bool:
        return True

    def receive(self, looked: Looked, tokenizer: Tokenizer) -> str:
        self._text = looked.text
        if isinstance(looked.found, Places):
            self._show_places(looked.found.found, tokenizer)
        elif isinstance(looked.found, Neurons):
            self._show_neurons(looked.found.found, tokenizer)
        return f"at “{token_text(tokenizer.piece(looked.text.ids[looked.text.position]))}”"

    def _show_neurons(self, found: Sequence[Neuron], tokenizer: Tokenizer) -> None:
        self._found = found
        tokens = [" ".join(token_text(tokenizer.piece(id)) for id in neuron.top_ids) for neuron in found]
        names = [f"L{neuron.layer} N{neuron.unit}   {some}" for neuron, some in zip(found, tokens, strict=True)]
        help = [
            f"Layer {neuron.layer}, neuron {neuron.unit}: activation {signed(neuron.activation, 2)}, moves the "
            f"residual stream by {signed(neuron.strength, 2)}. It makes more likely: {some}"
            for neuron, some in zip(found, tokens, strict=True)
        ]
        figures = [signed(neuron.activation, 2) for neuron in found]
        signs = [neuron.strength if neuron.activation >= 0 else -neuron.strength for neuron in found]
        self.table.show_bars(names, signs, figures, help)
        row = next((row for row, one in enumerate(found) if (one.layer, one.unit) == self._chosen), None)
        if row is not None:
            self.table.go_to(row, 0)

    def _show_places(self, found: Sequence[Place], tokenizer: Tokenizer) -> None:
        self._places = found
        pieces = [token_text(tokenizer.piece(id)) for id in self._text.ids]
        names = ["".join(tokenizer.piece(id) for id in self._around(place)) for place in found]
        figures = [signed(place.activation, 2) for place in found]
        help = [
            f"Activation {figure} at “{pieces[place.position]}”, token {place.position}."
            for figure, place in zip(figures, found, strict=True)
        ]
        shown = [token_text(name) for name in names]
        self.places.show_bars(shown, [place.activation for place in found], figures, help)

    def _around(self, place: Place) -> Sequence[int]:
        """The token and some before it."""
        return self._text.ids[max(0, place.position - _AROUND) : place.position + 1]

    def clear(self) -> None:
        self._found, self._places, self._chosen = (), (), None
        self.caption.setText(_CHOOSE)
        for table in (self.table, self.places):
            table.show_grid(HeatGrid())

    @property
    def pictured(self) -> Sequence[Pictured]:
        return [self.table, self.places] if self._places else [self.table]

    @property
    def copied(self) -> HeatTable:
        return self.places if self._places and self.places.hasFocus() else self.table

    def snippet(self, source: snippets.Source) -> str:
        if not self._found:
            return ""
        return snippets.neurons(source, self._chosen if self._places else None)

    @Slot(int, int)
    def _on_moved(self, row: int, column: int) -> None:
        if row < len(self._found) and (chosen := (self._found[row].layer, self._found[row].unit)) != self._chosen:
            self._chosen = chosen
            self.caption.setText(f"Where L{chosen[0]} N{chosen[1]} is strongest in the text, last token of each line:")
            self.asked.emit()

    @Slot(int, int)
    def _on_place(self, row: int, column: int) -> None:
        if row < len(self._places):
            self.caret_wanted.emit(self._text.spans[self._places[row].position][1])
