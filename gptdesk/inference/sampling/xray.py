"""Sampler X-ray: the candidates before and after each sampler at one token, and the draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Generator, Tensor

from gptdesk.inference.sampling.chain import SamplerChain
from gptdesk.inference.sampling.choice import argmax, candidates, drawn_by, uniform
from gptdesk.inference.sampling.registry import switched_on, title_of
from gptdesk.inference.sampling.sampler import History, Sampler
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
    logits: npt.NDArray[np.float32]
    left: npt.NDArray[np.bool_]
    probs: npt.NDArray[np.float32]
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
        draw: the choice; None if there was no generator to draw with.
    """

    stages: tuple[Stage, ...]
    ids: npt.NDArray[np.int64]
    probs: npt.NDArray[np.float32]
    draw: Draw | None


def xray(logits: Tensor, history: History, chain: SamplerChain, generator: Generator | None = None) -> XRay:
    """Chooses a token as `SamplerChain.choose` does, bit for bit, and records every step.

    Args:
        logits: (V) float32 on the CPU, the model's own.
        history: of ids in 0 ... V - 1.
        chain: learns from the token that is drawn, as in `choose`.
        generator: draws, as in `choose`; None draws nothing, and samplers that act by chance act.

    Raises:
        UserError: when every token is banned.
    """
    if generator is not None:
        chain.draw(generator)
    stages = [_stage(logits, None, None, chain.settings)]
    for sampler, after in chain.apply_each(logits, history):
        logits = after
        by_chance = generator is None and type(sampler).draw is not Sampler.draw
        stages.append(_stage(logits, stages[-1], sampler, chain.settings, by_chance=by_chance))
    ids, probs = candidates(logits)
    draw = _draw(logits, ids, probs, chain, generator)
    left = stages[-1].left[ids]  # candidates may hold tokens that were removed, with probability 0
    shares = (ids == draw.id).astype(np.float32) if chain.greedy and draw else probs.numpy()
    return XRay(tuple(stages), ids[left], shares[left], draw)


def _draw(
    logits: Tensor, ids: npt.NDArray[np.int64], probs: Tensor, chain: SamplerChain, generator: Generator | None
) -> Draw | None:
    """The choice among the candidates, if it can be made."""
    if chain.greedy:
        return Draw(argmax(logits), None)
    if generator is None:
        return None
    number = uniform(generator)
    id = drawn_by(number, ids, probs)
    chain.learn(logits, id)
    return Draw(id, number)


def _stage(
    logits: Tensor,
    before: Stage | None,
    sampler: Sampler[Any] | None,
    settings: DecodingSettings,
    *,
    by_chance: bool = False,
) -> Stage:
    values = logits.numpy()
    left = values > -np.inf
    probs = logits.softmax(dim=0).numpy() if left.any() else np.zeros(len(left), np.float32)
    if before is None or sampler is None:
        return Stage("", (), values, left, probs, np.empty(0, np.int64), 1.0)
    cut = np.flatnonzero(before.left & ~left)
    mass = 1.0 - float(before.probs[cut].sum(dtype=np.float64))
    names = switched_on(sampler, settings)
    return Stage(title_of(sampler), names, values, left, probs, cut, max(0.0, mass), by_chance)
