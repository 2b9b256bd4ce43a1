"""Messages between the window and the inference worker about what the layers of the model make of a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

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


@dataclass(frozen=True)
class LookJob(BackgroundJob):
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


@dataclass(frozen=True)
class PatchJob(LookJob):
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


@dataclass(frozen=True)
class MapJob(LookJob):
    """Maps the vectors of chosen tokens.

    Attributes:
        words: a text whose tokens are mapped; "" for the token at the caret and those nearest to it.
    """

    words: str = ""

    @property
    def question(self) -> tuple[object, ...]:
        return *super().question, self.words


@dataclass(frozen=True)
class LookedText:
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


@dataclass(frozen=True)
class Thumbnails:
    """All patterns, made small: (L, nh, s, s) float32, the largest weight of each square."""

    maps: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Pattern:
    """One pattern, (T, T) float32, and the length of what moves by it (`weighted_norms`)."""

    weights: npt.NDArray[np.float32]
    norms: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Shares:
    """Shares of the lead of ``token`` over ``other``."""

    found: Attribution
    token: int
    other: int


@dataclass(frozen=True)
class Ablations:
    """What is known of the parts, as they become known; ``token`` is what they speak for."""

    found: tuple[Ablated, ...]
    token: int


@dataclass(frozen=True)
class Patched:
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


@dataclass(frozen=True)
class Neurons:
    """The strongest neurons at the token behind which the model is asked."""

    found: tuple[Neuron, ...]


@dataclass(frozen=True)
class Places:
    """The tokens of the text at which a neuron is strongest."""

    found: tuple[Place, ...]


@dataclass(frozen=True)
class Nearest:
    """The tokens nearest to that token."""

    found: tuple[Near, ...]


@dataclass(frozen=True)
class Mapped:
    """The tokens of a map, in its order."""

    ids: tuple[int, ...]
    found: TokenMap


@dataclass(frozen=True)
class Looked:
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
