"""Sampler X-ray: the candidates before and after each sampler at one token, and the draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gptdesk.inference.sampling.chain import SamplerChain
from gptdesk.inference.sampling.choice import argmax, candidates, drawn_by
from gptdesk.inference.sampling.fast import softmax
from gptdesk.inference.sampling.random_numbers import RandomNumbers
from gptdesk.inference.sampling.registry import switched_on, title_of
from gptdesk.inference.sampling.sampler import Floats, History, Sampler
from gptdesk.inference.sampling.settings import DecodingSettings


@dataclass(frozen=True, eq=False)
class Stage:
    """The candidates at one place of the chain: at its beginning, or after a sampler.

    Attributes:
        title: of the sampler; empty at the beginning.
        settings: by which the sampler applies; none at the beginning.
        logits: (V) float32; -inf for those that are removed.
        left: (V) bool, the tokens that are not removed.
        probs: (V) float32, probabilities among those that are left; all 0 where none is.
        cut: ascending ids of the tokens that the sampler removed.
        mass: probability that the tokens which are left had before the sampler, 0 ... 1.
        by_chance: whether the sampler acts at some tokens only, and is shown as acting because nothing was drawn.
    """

    title: str
    settings: tuple[str, ...]
    logits: Floats
    left: npt.NDArray[np.bool_]
    probs: Floats
    cut: npt.NDArray[np.int64]
    mass: float
    by_chance: bool = False

    @property
    def count(self) -> int:
        """Number of the tokens that are left."""
        return int(np.count_nonzero(self.left))


@dataclass(frozen=True)
class Draw:
    """A token that was chosen.

    Attributes:
        id: of the token.
        number: the random number, 0 ... 1, that chose it; None where the most likely token was taken.
    """

    id: int
    number: float | None


@dataclass(frozen=True, eq=False)
class XRay:
    """How a token is chosen.

    Attributes:
        stages: the model's own distribution, then one after each sampler, in their order.
        ids: (C) ascending ids of the candidates after the last sampler.
        probs: (C) float32, the probabilities with which they are drawn, all 1 or 0 where decoding is greedy.
        draw: the choice; None if there were no numbers to draw with.
    """

    stages: tuple[Stage, ...]
    ids: npt.NDArray[np.int64]
    probs: Floats
    draw: Draw | None


def xray(logits: Floats, history: History, chain: SamplerChain, numbers: RandomNumbers | None = None) -> XRay:
    """Chooses a token as `SamplerChain.choose` does, bit for bit, and records every step.

    Args:
        logits: (V) float32, the model's own.
        history: of ids in 0 ... V - 1.
        chain: learns from the token that is drawn, as in `choose`.
        numbers: decide, as in `choose`; None draws nothing, and samplers that act by chance act.

    Raises:
        UserError: when every token is banned.
    """
    if numbers is not None:
        chain.draw(numbers)
    stages = [_stage(logits, None, None, chain.settings)]
    for sampler, after in chain.apply_each(logits, history):
        logits = after
        by_chance = numbers is None and type(sampler).draw is not Sampler.draw
        stages.append(_stage(logits, stages[-1], sampler, chain.settings, by_chance=by_chance))
    ids, probs = candidates(logits)
    draw = _draw(logits, ids, probs, chain, numbers)
    left = stages[-1].left[ids]  # candidates may hold tokens that were removed, with probability 0
    shares = (ids == draw.id).astype(np.float32) if chain.greedy and draw else probs
    return XRay(tuple(stages), ids[left], shares[left], draw)


def _draw(
    logits: Floats, ids: npt.NDArray[np.int64], probs: Floats, chain: SamplerChain, numbers: RandomNumbers | None
) -> Draw | None:
    """The choice among the candidates, if it can be made."""
    if chain.greedy:
        return Draw(argmax(logits), None)
    if numbers is None:
        return None
    number = numbers.uniform()
    id = drawn_by(number, ids, probs)
    chain.learn(logits, id)
    return Draw(id, number)


def _stage(
    logits: Floats,
    before: Stage | None,
    sampler: Sampler[Any] | None,
    settings: DecodingSettings,
    *,
    by_chance: bool = False,
) -> Stage:
    left = logits > -np.inf
    probs = softmax(logits)
    if before is None or sampler is None:
        return Stage("", (), logits, left, probs, np.empty(0, np.int64), 1.0)
    cut = np.flatnonzero(before.left & ~left)
    mass = 1.0 - float(before.probs[cut].sum(dtype=np.float64))
    names = switched_on(sampler, settings)
    return Stage(title_of(sampler), names, logits, left, probs, cut, max(0.0, mass), by_chance)
