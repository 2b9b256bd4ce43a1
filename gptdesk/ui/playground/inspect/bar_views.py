"""Views that are lists of bars: direct shares of parts, strongest neurons, nearest tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gptdesk.ui.playground.inspect.bar_view import BarView
from gptdesk.ui.playground.inspect.labels import signed
from gptdesk.ui.playground.token_card.labels import token_text
from gptdesk.ui.services.reading.look_jobs import EMBEDDINGS, NEURONS, PARTS, Looked, Nearest, Neurons, Shares
from gptdesk.ui.theme import Theme

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer


class PartsView(BarView):
    """What each part adds to the lead of a token over its closest rival, the largest first, whichever its sign."""

    view = PARTS

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "Shares of parts", 150)

    def receive(self, looked: Looked, tokenizer: Tokenizer) -> str:
        shares = looked.found
        assert isinstance(shares, Shares)
        values = shares.found.shares.numpy()
        order = np.argsort(-np.abs(values), kind="stable").tolist()
        names = [shares.found.parts[place].name for place in order]
        figures = [signed(float(values[place]), 3) for place in order]
        help = [
            f"{name} adds {figure} to the difference of the logits."
            for name, figure in zip(names, figures, strict=True)
        ]
        self.show_bars(names, [float(values[place]) for place in order], figures, help)
        first, second = (token_text(tokenizer.piece(id)) for id in (shares.token, shares.other))
        return f"“{first}” before “{second}”: {signed(shares.found.logit, 2)} in logits"


class NeuronsView(BarView):
    """The neurons that move the residual stream most, with the tokens that they make more likely."""

    view = NEURONS

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "Strongest neurons", 340)

    def receive(self, looked: Looked, tokenizer: Tokenizer) -> str:
        assert isinstance(looked.found, Neurons)
        found = looked.found.found
        tokens = [" ".join(token_text(tokenizer.piece(id)) for id in neuron.top_ids) for neuron in found]
        names = [f"L{neuron.layer} N{neuron.unit}   {some}" for neuron, some in zip(found, tokens, strict=True)]
        help = [
            f"Layer {neuron.layer}, neuron {neuron.unit}: activation {signed(neuron.activation, 2)}, moves the "
            f"residual stream by {signed(neuron.strength, 2)}. It makes more likely: {some}"
            for neuron, some in zip(found, tokens, strict=True)
        ]
        figures = [signed(neuron.activation, 2) for neuron in found]
        signs = [neuron.strength if neuron.activation >= 0 else -neuron.strength for neuron in found]
        self.show_bars(names, signs, figures, help)
        return f"at “{token_text(tokenizer.piece(looked.text.ids[looked.text.position]))}”"


class EmbeddingsView(BarView):
    """The tokens whose embedding points most in the same direction as that of the token before the caret."""

    view = EMBEDDINGS

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "Nearest tokens", 150)

    def receive(self, looked: Looked, tokenizer: Tokenizer) -> str:
        assert isinstance(looked.found, Nearest)
        found = looked.found.found
        here = token_text(tokenizer.piece(looked.text.ids[looked.text.position]))
        names = [token_text(tokenizer.piece(near.id)) for near in found]
        figures = [signed(near.cosine, 3) for near in found]
        help = [f"“{name}”: cosine {figure} to “{here}”." for name, figure in zip(names, figures, strict=True)]
        self.show_bars(names, [near.cosine for near in found], figures, help)
        return f"near “{here}”, by cosine"
