"""The views of the Inspect pane: what each shows, and what it does not prove."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LENS, ATTENTION, PARTS, HEADS, NEURONS, EMBEDDINGS = "lens", "attention", "parts", "heads", "neurons", "embeddings"


@dataclass(frozen=True)
class ViewText:
    """What is said of a view.

    Attributes:
        title: in the list of views.
        help: what one sees, and what it does not prove: a sentence each.
        source: where the method comes from.
    """

    title: str
    help: str
    source: str


VIEWS: Final[dict[str, ViewText]] = {
    LENS: ViewText(
        "Lens",
        "What the model would say behind each token if it ended after that layer; stronger colour is more probable, "
        "bold is what follows in the text. It does not prove that the model “thinks” this there: later layers may "
        "read what the head cannot.",
        "nostalgebraist 2020, “interpreting GPT: the logit lens”",
    ),
    ATTENTION: ViewText(
        "Attention",
        "Where each head looks: a row for each token that looks, a column for each that is looked at. It does not "
        "prove that this matters for the answer: many heads rest on the first token when they have nothing to do.",
        "Vaswani et al. 2017, “Attention Is All You Need”; lengths: Kobayashi et al. 2020, “Attention is Not Only a "
        "Weight”",
    ),
    PARTS: ViewText(
        "Parts",
        "What each head and MLP adds directly to the lead of the next token over its closest rival; the shares add up. "
        "It does not show what a part does by way of later ones, which is counted as theirs.",
        "Elhage et al. 2021, “A Mathematical Framework for Transformer Circuits”",
    ),
    HEADS: ViewText(
        "Heads",
        "What heads do on repeated random tokens, or what becomes of the next token when a part is switched off. A "
        "part without effect may still do something, because others can take over; a score says nothing of "
        "ordinary text.",
        "Olsson et al. 2022, “In-context Learning and Induction Heads”; Michel et al. 2019, “Are Sixteen Heads Really "
        "Better than One?”",
    ),
    NEURONS: ViewText(
        "Neurons",
        "The MLP neurons that move the model most at the token before the caret, and the tokens that they make more "
        "likely. It does not prove that a neuron means one thing: most take part in several.",
        "Geva et al. 2022, “Transformer Feed-Forward Layers Build Predictions by Promoting Concepts in the Vocabulary "
        "Space”",
    ),
    EMBEDDINGS: ViewText(
        "Embeddings",
        "The tokens whose vectors point most in the same direction as that of the token before the caret. It does not "
        "prove that the model treats them alike in a text.",
        "Mikolov et al. 2013, “Linguistic Regularities in Continuous Space Word Representations”",
    ),
}
"""By id, in the order of the list."""
