"""Messages between the window and the inference worker about what the layers of the model make of a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.ui.services.reading.jobs import BackgroundJob

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from gptdesk.inference.inspection.ablation import Ablated
    from gptdesk.inference.inspection.attribution import Attribution
    from gptdesk.inference.inspection.embeddings import Near, TokenMap
    from gptdesk.inference.inspection.neurons import Neuron, Place
    from gptdesk.inference.inspection.patching import PatchedRow

LENS: Final = "lens"
ATTENTION: Final = "attention"
PATTERN: Final = "pattern"
PARTS: Final = "parts"
SCORES: Final = "scores"
ABLATION: Final = "ablation"
PATCHING: Final = "patching"
NEURONS: Final = "neurons"
PLACES: Final = "places"
EMBEDDINGS: Final = "embeddings"
MAP: Final = "map"


class LookJob(BackgroundJob, frozen=True):
    """Looks into the model while it reads a text.

    Attributes:
        view: what is computed: `LENS`, `ATTENTION`, `PATTERN`, `PARTS`, `SCORES`, `ABLATION`, `PATCHING` (`PatchJob`),
            `NEURONS`, `PLACES`, `EMBEDDINGS` or `MAP` (`MapJob`).
        text: all of it.
        caret: index of the character at which the token begins that is asked about.
        layer: for `PATTERN` and `PLACES`, from 0.
        head: for `PATTERN`, the head; for `PLACES`, the neuron; from 0.
        here: for `ABLATION`, whether parts are switched off at one token alone, not at all.
    """

    view: str
    text: MixedText
    caret: int
    layer: int = 0
    head: int = 0
    here: bool = True

    @property
    def key(self) -> tuple[object, ...]:
        """Views do not replace each other's requests."""
        return type(self), self.view

    @property
    def question(self) -> tuple[object, ...]:
        """What is asked: the same for a job that is done again."""
        return self.view, self.text, self.caret, self.layer, self.head, self.here


class PatchJob(LookJob, frozen=True):
    """Puts activations of ``text``, the clean prompt, into another prompt.

    Attributes:
        corrupted: the other prompt.
        answer, other: tokens that tell the prompts apart, as typed; "" for the one that the model finds most likely
            behind each.
        site: name of a `Site`.
    """

    corrupted: str = ""
    answer: str = ""
    other: str = ""
    site: str = "RESIDUAL"

    @property
    def question(self) -> tuple[object, ...]:
        return *super().question, self.corrupted, self.answer, self.other, self.site


class MapJob(LookJob, frozen=True):
    """Maps the vectors of chosen tokens.

    Attributes:
        words: a text whose tokens are mapped; "" for the token at the caret and those nearest to it.
    """

    words: str = ""

    @property
    def question(self) -> tuple[object, ...]:
        return *super().question, self.words


class LookedText(msgspec.Struct, frozen=True):
    """The part of a text that the model was looked into with: all of it, or as much as its context holds.

    Attributes:
        ids: of the T tokens.
        spans: the characters of each in the whole text.
        position: index of the token behind which the model is asked; -1 where nothing stands before the caret.
    """

    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    position: int

    def position_at(self, caret: int) -> int | None:
        """The token behind which one is asked with this caret; None if the caret is outside this part of the text."""
        if not self.spans or not self.spans[0][0] <= caret <= self.spans[-1][1]:
            return None
        return next((place for place, (_, end) in enumerate(self.spans) if end > caret), len(self.spans)) - 1


class Thumbnails(msgspec.Struct, frozen=True):
    """All patterns, made small: (L, nh, s, s) float32, the largest weight of each square."""

    maps: npt.NDArray[np.float32]


class Pattern(msgspec.Struct, frozen=True):
    """One pattern, (T, T) float32, and the length of what moves by it (`weighted_norms`)."""

    weights: npt.NDArray[np.float32]
    norms: npt.NDArray[np.float32]


class Shares(msgspec.Struct, frozen=True):
    """Shares of the lead of ``token`` over ``other``."""

    found: Attribution
    token: int
    other: int


class Ablations(msgspec.Struct, frozen=True):
    """What is known of the parts, as they become known; ``token`` is what they speak for."""

    found: tuple[Ablated, ...]
    token: int


class Patched(msgspec.Struct, frozen=True):
    """What is known of two prompts, as it becomes known.

    Attributes:
        ids: of the clean prompt, and of the one into which its activations are put.
        answers: ids of the two answers; None before they are known.
        differences: logit of the first answer less that of the second, in each prompt.
        rows: those that are known, the first layer first.
        problem: a sentence that says why there are none; "" where nothing is wrong.
    """

    ids: tuple[tuple[int, ...], tuple[int, ...]]
    answers: tuple[int, int] | None = None
    differences: tuple[float, float] = (0.0, 0.0)
    rows: tuple[PatchedRow, ...] = ()
    problem: str = ""


class Neurons(msgspec.Struct, frozen=True):
    """The strongest neurons at the token behind which the model is asked."""

    found: tuple[Neuron, ...]


class Places(msgspec.Struct, frozen=True):
    """The tokens of the text at which a neuron is strongest."""

    found: tuple[Place, ...]


class Nearest(msgspec.Struct, frozen=True):
    """The tokens nearest to that token."""

    found: tuple[Near, ...]


class Mapped(msgspec.Struct, frozen=True):
    """The tokens of a map, in its order."""

    ids: tuple[int, ...]
    found: TokenMap


class Looked(msgspec.Struct, frozen=True):
    """An answer to ``job``, or a part of it.

    Attributes:
        job: the question.
        shape: layers and heads of the model.
        text: what was looked at.
        found: `Lens` (of some tokens), `Thumbnails`, `Pattern`, `Shares`, `HeadScores`, `Ablations`, `Patched`,
            `Neurons`, `Places`, `Nearest`, `Mapped`; a sentence where nothing can be found.
        ended: whether nothing more follows.
    """

    job: LookJob
    shape: tuple[int, int]
    text: LookedText
    found: object
    ended: bool
