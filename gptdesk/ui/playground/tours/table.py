"""The tours: their texts and steps. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gptdesk.library.catalogue import BUNDLED

TEXT, CARD, TOKENS, TRAIN = "text", "card", "tokens", "train"
"""Views of steps that are not of the Inspect pane: the text alone, the token card, coloured tokens, the Train page."""


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        title: of the card.
        text: what one sees, and what to try.
        view: that it opens: one of this module, or the id of an Inspect view.
        behind: part of the document's text behind which the caret goes; "" for its end.
    """

    title: str
    text: str
    view: str
    behind: str = ""


@dataclass(frozen=True)
class Tour:
    """One tour.

    Attributes:
        id: of its command.
        title: of its document, too.
        text: of its document.
        steps: at least one.
        model: that shows it best.
    """

    id: str
    title: str
    text: str
    steps: tuple[Step, ...]
    model: str = BUNDLED


TOURS: Final = (
    Tour(
        "choice",
        "How a token is chosen",
        "Once upon a time there was a little dog. He liked to play with his",
        (
            Step(
                "A probability for every token",
                "A language model writes no sentences: for each token of its vocabulary it says how probable it is "
                "as the next one. Next token, under the settings, lists the most probable ones at the caret. Move "
                "the caret through the text and watch the list change.",
                TEXT,
            ),
            Step(
                "Settings, then chance",
                "The token card tells of one token what each setting did to the candidates, and which of them was "
                "drawn. A click on another one goes on with it, as a branch. Esc closes the card.",
                CARD,
                "a little",
            ),
            Step(
                "A guess that gets better",
                "The lens shows what the model would say after each layer, the last one on top. Low rows often "
                "repeat or guess a frequent word; further up the guess fits the text.",
                "lens",
            ),
            Step(
                "Who spoke for it",
                "Parts splits the lead of the next token over its closest rival among the heads and MLPs: bars to "
                "the right speak for it, bars to the left against it, and together they are the lead.",
                "parts",
            ),
        ),
    ),
    Tour(
        "sinks",
        "Attention sinks",
        "The old man sat by the sea. He looked at the boats and thought of his son, who had gone away.",
        (
            Step(
                "A small map for every head",
                "Each square is a head: its rows are the tokens that look, its columns the tokens that are looked "
                "at. Many squares have a bright first column: there the head looks at the first token of the text, "
                "whatever it is.",
                "attention",
            ),
            Step(
                "Why the first token",
                "Weights of a head add up to 1, so a head with nothing to find must put them somewhere. The first "
                "token is seen from everywhere, and what comes from there is short: the pointer shows weight and "
                "length of a cell.",
                "attention",
                "his son",
            ),
            Step(
                "Does it matter?",
                "Choose “Switched off at this token” in the list: a head that rests on the first token often changes "
                "little when it is switched off there. That holds for this token of this text, not for every one.",
                "heads",
                "his son",
            ),
        ),
    ),
    Tour(
        "induction",
        "An induction head",
        "The cat Mittens sat on the blue mat near the door. In the evening the cat Mittens sat on the blue",
        (
            Step(
                "A text that repeats itself",
                "The second sentence begins as the first one did. A model that has seen this once can go on with "
                "what came after it there: Next token says how sure it is.",
                TEXT,
            ),
            Step(
                "Heads that look behind the last time",
                "An induction head looks from a token to the one that followed it before (Olsson 2022). The map "
                "scores all heads on random tokens that come twice; look for “induction” with a high figure.",
                "heads",
            ),
            Step(
                "The stripe",
                "Choose that head in the small maps: in the large one, tokens of the repetition look along a slanted "
                "line, one token behind where they stood the first time.",
                "attention",
            ),
            Step(
                "Write without it",
                "Delete on the cell of the head switches it off for what the Playground writes. Generate, and "
                "compare. Several heads often do the same, so one alone may be missed by nobody.",
                "heads",
            ),
        ),
        model="gpt2",
    ),
    Tour(
        "fact",
        "Where a fact lies",
        "The Eiffel Tower is in the city of",
        (
            Step(
                "Where the answer appears",
                "Read the column of the last token from below: in which layer does the name of the city come to the "
                "top? Before that, later layers have still to read it from somewhere.",
                "lens",
            ),
            Step(
                "From where it is fetched",
                "In later layers some heads at the last token look back at the tokens of the tower. What they bring "
                "is what MLPs have added there (Meng 2022); a pattern alone does not prove it.",
                "attention",
            ),
            Step(
                "Put one text into the other",
                "Compare takes a second prompt with as many tokens and another answer, such as one about the "
                "Colosseum, and shows where activations of this text bring its answer back.",
                "compare",
            ),
            Step(
                "Which parts add it",
                "Parts shows the heads and MLPs that speak for the answer directly, at the last token. Those that "
                "found it earlier act through them, and are not listed.",
                "parts",
            ),
        ),
        model="gpt2",
    ),
    Tour(
        "temperature",
        "What temperature does",
        "One day a small bird wanted to see the world. It flew to",
        (
            Step(
                "The same candidates, other odds",
                "Move Temperature at the right and watch Next token under it: low values make the most probable "
                "token more probable still, high ones make all more alike. At 0 the first one is always taken.",
                TEXT,
            ),
            Step(
                "Where it comes in",
                "The token card shows each step from what the model says to what can be drawn. Temperature divides "
                "the logits, before or after other settings cut candidates off.",
                CARD,
                "see the",
            ),
            Step(
                "What one reads of it",
                "Generate at temperature 0.3, then Regenerate at 1.5. Colours show how surprised the model was by "
                "each token: the higher the temperature, the more often something improbable is drawn.",
                TOKENS,
            ),
        ),
    ),
    Tour(
        "learning",
        "How a model learns",
        "Tom and his sister went to the park. They saw a big red ball under a tree.",
        (
            Step(
                "Surprise is the loss",
                "Each token is coloured by how little the model expected it. The mean of that surprise over a text "
                "is the loss; training does nothing but make it smaller, on very many texts.",
                TOKENS,
            ),
            Step(
                "What is learned first",
                "Frequent words come first, then which words follow each other, then what a text is about. The lens "
                "shows something alike in one model: low layers guess what is frequent, high ones what fits.",
                "lens",
            ),
            Step(
                "Watch one learn",
                "Train shows the loss of a run as it falls, and what its checkpoints write. Start one on "
                "Shakespeare, and use a checkpoint in the Playground: the views of Inspect work with it, too. The "
                "card waits in the Playground.",
                TRAIN,
            ),
        ),
    ),
)
"""In the order of the menu."""
