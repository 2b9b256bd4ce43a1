"""The views of the Inspect pane: what each shows, and what it does not prove."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LENS, ATTENTION, PARTS, HEADS = "lens", "attention", "parts", "heads"


@dataclass(frozen=True)
class ViewText:
    """What is said of a view.

    Attributes:
        title: of its button.
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
}
"""By id, in the order of their buttons."""
