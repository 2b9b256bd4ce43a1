"""The interface of a sampler: one step from a model's logits to those that a token is drawn from. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from gptdesk.inference.sampling.settings import DecodingSettings

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer
    from gptdesk.inference.sampling.random_numbers import RandomNumbers

Floats: TypeAlias = npt.NDArray[np.float32]

Ids: TypeAlias = Sequence[int] | npt.NDArray[np.int64]
"""Token ids; arrays are not copied."""

State = TypeVar("State")


class History:
    """The token ids before the one that is chosen.

    Args:
        prompt: (P) ids that were read.
        sampled: (S) ids that have been chosen since.
    """

    def __init__(self, prompt: Ids, sampled: Ids) -> None:
        self.prompt = as_ids(prompt)
        self.sampled = as_ids(sampled)

    @cached_property
    def ids(self) -> npt.NDArray[np.int64]:
        """(P + S), prompt first."""
        return np.concatenate([self.prompt, self.sampled])


class Sampler(Protocol[State]):
    """One step of the chain. An instance keeps nothing of a completion: that is the state's part.

    Attributes:
        settings: fields of `DecodingSettings` that it reads; it applies where one of them is not neutral.
        tuned_by: fields that it reads, too, but that do not switch it on. Each setting of a preset belongs to one
            sampler, and names it in ``sampler_order``.
        title: what people call it; not given: the titles of its settings.
        greedy: whether it also applies where the most likely token is always taken.
    """

    settings: ClassVar[tuple[str, ...]]
    tuned_by: ClassVar[tuple[str, ...]] = ()
    title: ClassVar[str] = ""
    greedy: ClassVar[bool] = False

    def start(self, settings: DecodingSettings, /) -> State:
        """The state of a new completion: the values that it needs, and what it has to remember."""
        ...

    def use_tokenizer(self, state: State, tokenizer: Tokenizer, /) -> None:
        """Called once, before the first token, for samplers that know tokens by their text."""
        return

    def draw(self, state: State, numbers: RandomNumbers, /) -> None:
        """Called before each token, for samplers that act by chance: draws from the completion's ``numbers``."""
        return

    def apply(self, logits: Floats, history: History, state: State, /) -> Floats:
        """New logits, (V) float32, of the same shape as ``logits``, which stay as they are; -inf removes."""
        ...

    def edges(self, logits: Floats, ids: npt.NDArray[np.int64], /) -> npt.NDArray[np.float64] | None:
        """The value of the first of `settings` at which each token is on the edge of being removed, for drawings.

        Args:
            logits: (V), before the sampler.
            ids: (N), of tokens that are left.

        Returns:
            (N), or None for a sampler whose setting removes no token by a limit.
        """
        return None

    def chosen(self, state: State, id: int, probability: float, /) -> None:
        """Called after each token with its probability under the logits at the end of the chain.

        Only a sampler that overrides this is told, and not where decoding is greedy.
        """
        return


def as_ids(ids: Ids) -> npt.NDArray[np.int64]:
    """``ids`` as an array."""
    return np.asarray(ids, np.int64)
