"""The views of the Inspect pane: what each shows, what it does not prove, and how it is copied."""

from __future__ import annotations

from typing import Final

import msgspec

LENS, ATTENTION, PARTS, HEADS = "lens", "attention", "parts", "heads"
COMPARE, NEURONS, EMBEDDINGS = "compare", "neurons", "embeddings"
LEARNED, HEADS_BY_STEP = "learned", "heads_by_step"


class Paper(msgspec.Struct, frozen=True):
    """Where a method comes from.

    Attributes:
        name: authors and year.
        title: the same with its title.
        address: of the page on the web.
    """

    name: str
    title: str
    address: str


class ViewText(msgspec.Struct, frozen=True):
    """What is said of a view.

    Attributes:
        title: in the list of views.
        help: what one sees, and what it does not prove: a sentence each.
        sources: where the method comes from.
    """

    title: str
    help: str
    sources: tuple[Paper, ...]


def _paper(name: str, title: str, address: str) -> Paper:
    return Paper(name, f"{name}, “{title}”", address)


_INDUCTION: Final = _paper(
    "Olsson et al. 2022",
    "In-context Learning and Induction Heads",
    "https://transformer-circuits.pub/2022/in-context-learning-and-induction-heads/index.html",
)

VIEWS: Final[dict[str, ViewText]] = {
    LENS: ViewText(
        "Lens",
        "What the model would say behind each token if it ended after that layer; stronger colour is more probable, "
        "bold is what follows in the text. It does not prove that the model “thinks” this there: later layers may "
        "read what the head cannot.",
        (
            _paper(
                "nostalgebraist 2020",
                "interpreting GPT: the logit lens",
                "https://www.lesswrong.com/posts/AcKRB8wDpdaN6v6ru/interpreting-gpt-the-logit-lens",
            ),
        ),
    ),
    ATTENTION: ViewText(
        "Attention",
        "Where each head looks: a row for each token that looks, a column for each that is looked at. It does not "
        "prove that this matters for the answer: many heads rest on the first token when they have nothing to do.",
        (
            _paper("Vaswani et al. 2017", "Attention Is All You Need", "https://arxiv.org/abs/1706.03762"),
            _paper("Kobayashi et al. 2020", "Attention is Not Only a Weight", "https://arxiv.org/abs/2004.10102"),
        ),
    ),
    PARTS: ViewText(
        "Parts",
        "What each head and MLP adds directly to the lead of the next token over its closest rival; the shares add up. "
        "It does not show what a part does by way of later ones, which is counted as theirs.",
        (
            _paper(
                "Elhage et al. 2021",
                "A Mathematical Framework for Transformer Circuits",
                "https://transformer-circuits.pub/2021/framework/index.html",
            ),
        ),
    ),
    HEADS: ViewText(
        "Heads",
        "What heads do on repeated random tokens, or what becomes of the next token when a part is switched off. A "
        "part without effect may still do something, because others can take over; a score says nothing of "
        "ordinary text.",
        (
            _INDUCTION,
            _paper(
                "Michel et al. 2019",
                "Are Sixteen Heads Really Better than One?",
                "https://arxiv.org/abs/1905.10650",
            ),
        ),
    ),
    COMPARE: ViewText(
        "Compare prompts",
        "How much of the answer of prompt 1 comes back when one activation of prompt 1 is put into prompt 2: 0 is "
        "nothing, 1 is all. It does not prove that only this place carries the answer, and what both prompts share "
        "is not seen.",
        (
            _paper("Wang et al. 2022", "Interpretability in the Wild", "https://arxiv.org/abs/2211.00593"),
            _paper(
                "Heimersheim & Nanda 2024",
                "How to use and interpret activation patching",
                "https://arxiv.org/abs/2404.15255",
            ),
        ),
    ),
    NEURONS: ViewText(
        "Neurons",
        "The MLP neurons that move the model most at the token before the caret, and the tokens that they make more "
        "likely. It does not prove that a neuron means one thing: most take part in several.",
        (
            _paper(
                "Geva et al. 2022",
                "Transformer Feed-Forward Layers Build Predictions by Promoting Concepts in the Vocabulary Space",
                "https://arxiv.org/abs/2203.14680",
            ),
        ),
    ),
    EMBEDDINGS: ViewText(
        "Embeddings",
        "The tokens whose vectors point most in the same direction as that of the token before the caret, or a map of "
        "tokens in the plane in which they differ most. It does not prove that the model treats them alike in a text.",
        (
            _paper(
                "Mikolov et al. 2013",
                "Linguistic Regularities in Continuous Space Word Representations",
                "https://aclanthology.org/N13-1090/",
            ),
            _paper(
                "Pearson 1901",
                "On Lines and Planes of Closest Fit to Systems of Points in Space",
                "https://doi.org/10.1080/14786440109462720",
            ),
        ),
    ),
    LEARNED: ViewText(
        "This text, learned",
        "How many bits each token of the text costs at every checkpoint of the run, played from the first to the last: "
        "the paler, the better it is foreseen. It does not prove that the run has learned a rule; it may know the text "
        "by heart, if that is in its data.",
        (
            _paper(
                "Xia et al. 2022",
                "Training Trajectories of Language Models Across Scales",
                "https://arxiv.org/abs/2212.09803",
            ),
        ),
    ),
    HEADS_BY_STEP: ViewText(
        "Heads over steps",
        "What each head does on repeated random tokens at every checkpoint of the run: induction often appears within "
        "few steps, once a layer before it looks at the previous token. It does not prove that the loss falls for that "
        "reason, and says nothing of ordinary text.",
        (_INDUCTION,),
    ),
}
"""By id, in the order of the list."""

COPIES: Final = {
    "csv": ("Copy as CSV", "Copy the numbers of the Inspect view as a table"),
    "png": ("Copy as PNG", "Copy a picture of the Inspect view"),
    "svg": ("Copy as SVG", "Copy a picture of the Inspect view that can be enlarged and edited"),
    "python": ("Copy as Python", "Copy code that computes what the Inspect view shows"),
}
"""Title and description of each kind of copy."""
