"""The tours: their texts and steps, which are true whatever model shows them. No Qt."""

from __future__ import annotations

from typing import Final

import msgspec

from gptdesk.library.catalogue import BUNDLED

TEXT, CARD, TOKENS, TRAIN = "text", "card", "tokens", "train"
"""Views of steps that are not of the Inspect pane: the text alone, the token card, coloured tokens, the Train page."""


class Step(msgspec.Struct, frozen=True):
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


class Tour(msgspec.Struct, frozen=True):
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
                "The token card tells of one token what each setting did to the candidates, and which of them stands "
                "in the text. A click on another one goes on with it, as a branch. Esc closes the card.",
                CARD,
                "a little",
            ),
            Step(
                "A guess after each layer",
                "The lens shows what the model would say after each layer, the last one on top. Read a column from "
                "below: from which row on is the guess that of the top? In many models low rows repeat the token or "
                "name a frequent one.",
                "lens",
            ),
            Step(
                "Who spoke for it",
                "Parts splits the lead of the next token over its closest rival among embedding, heads and MLPs: "
                "bars to the right speak for it, bars to the left against it, and together they are the lead.",
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
                "at. A square with a bright first column is a head that looks at the first token of the text, "
                "whatever it is. In most models many do.",
                "attention",
            ),
            Step(
                "Why the first token",
                "Weights of a row add up to 1, so a head with nothing to find must put them somewhere, and the first "
                "token is seen from everywhere. If what comes from there is short, it changes little: the pointer "
                "shows weight and length of a cell (Xiao 2023, Kobayashi 2020).",
                "attention",
                "his son",
            ),
            Step(
                "Does it matter?",
                "Choose “Switched off at this token” in the list: does the token that follows get less probable "
                "without a head that rests on the first one? What you find holds for this token of this text, not "
                "for every one.",
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
                "The second sentence repeats words of the first. A model that looks back at them goes on with “ mat”, "
                "which came there: does Next token name it, and how probable is it?",
                TEXT,
            ),
            Step(
                "Heads that look behind the last time",
                "An induction head looks from a token to the one that followed it before (Olsson 2022). The map "
                "scores all heads on random tokens that come twice; look for “induction” with a high figure. Not "
                "every model has one; gpt2 has several.",
                "heads",
            ),
            Step(
                "The stripe",
                "Choose that head in the small maps. If it does in this text what it did on random tokens, the "
                "repetition looks along a slanted line in the large map, one token behind where it stood the first "
                "time.",
                "attention",
            ),
            Step(
                "Write without it",
                "Delete on the cell of a head switches it off for what the Playground writes. Generate, and "
                "compare. Several heads often do the same, so that nothing may change without one of them.",
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
                "Read the column of the last token from below: in which layer does the name of the city come up, if "
                "it does? A small model may not know it.",
                "lens",
            ),
            Step(
                "From where it is fetched",
                "Which heads of later layers look from the last token back at those of the tower? In gpt2-xl, MLPs "
                "add there what is known of a subject, and attention brings it to the end (Meng 2022). A pattern "
                "alone does not prove it.",
                "attention",
            ),
            Step(
                "Put one text into the other",
                "Compare takes a second prompt with as many tokens, in which another city is right, and shows which "
                "activations of this text bring its answer back. Change some tokens of prompt 2 and press Enter.",
                "compare",
            ),
            Step(
                "Which parts add it",
                "Parts shows the heads and MLPs that speak directly for the most probable token, at the last one. "
                "What others have found at earlier tokens acts through them, and counts as theirs.",
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
                "the logits, before or after other settings cut candidates off: their order can be changed.",
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
                "is the loss, which training makes smaller, on very many texts.",
                TOKENS,
            ),
            Step(
                "What is learned first",
                "Usually a model learns first which tokens are frequent, then which follow each other, then what "
                "depends on more of the text. The lens shows what this model has learned: after which layer the "
                "token that follows in the text, in bold, comes up.",
                "lens",
            ),
            Step(
                "Watch one learn",
                "Train shows the loss of a run as it falls, and what its checkpoints write. Start one on "
                "Shakespeare, and use a checkpoint in the Playground: “This text, learned” in Inspect plays the text "
                "from the first one to the last. The card waits in the Playground.",
                TRAIN,
            ),
        ),
    ),
)
"""In the order of the menu."""
