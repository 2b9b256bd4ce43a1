"""Inspects the choice of one token of a text: the model's distribution there, and the sampler X-ray."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gptdesk.gpt2.mixed_text import MixedText, encode_mixed
from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.inference.engine import Engine
from gptdesk.inference.reader import TextReader
from gptdesk.inference.sampling.chain import SamplerChain
from gptdesk.inference.sampling.choice import probability
from gptdesk.inference.sampling.random_numbers import RandomNumbers
from gptdesk.inference.sampling.sampler import History
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.inference.sampling.xray import XRay, xray
from gptdesk.inference.scoring.windows import window_start

MOST_REPEATED: Final = 256
"""Tokens of a completion whose choices are repeated for a sampler that learns from them: some milliseconds each."""


@dataclass(frozen=True, eq=False)
class Inspection:
    """How one token is chosen.

    Attributes:
        xray: every step; its draw is that of the completion where its seed is given and ``exact`` holds.
        exact: whether the samplers' state is that of the completion at this token. False where one of them learns from
            the tokens before (mirostat) and those cannot be repeated: the X-ray shows its state at the beginning.
        logits: (V) float32, the model's own.
        history: the tokens before.
        tokenizer: of the model.
        chain: with the state in which it chooses this token.
        seed: of the completion; None draws nothing.
    """

    xray: XRay
    exact: bool
    logits: npt.NDArray[np.float32]
    history: History
    tokenizer: Tokenizer
    chain: SamplerChain
    seed: int | None

    def again(self, settings: DecodingSettings) -> Inspection:
        """The same choice with other settings, without the model.

        Raises:
            UserError: when they ban every token.
        """
        chain = SamplerChain(settings, self.tokenizer)
        learnt = chain.learn_as(self.chain)
        exact = (learnt and self.exact) or not (chain.learns and len(self.history.sampled))
        return _inspection(self.logits, self.history, self.tokenizer, chain, self.seed, exact=exact)


def inspect(
    engine: Engine,
    reader: TextReader,
    prompt: str | MixedText | Sequence[int],
    sampled: Sequence[int],
    settings: DecodingSettings,
    *,
    seed: int | None = None,
    text: str | MixedText = "",
    interrupted: Callable[[int], bool] = lambda tokens: False,
) -> Inspection | None:
    """Inspects the choice of the token behind ``sampled``.

    Args:
        engine: of ``reader``.
        reader: finds the logits.
        prompt: of the completion, as for `Engine.generate`.
        sampled: tokens that the completion has chosen since.
        settings: decoding settings.
        seed: of the completion; without one nothing is drawn.
        text: that the place is in; where it begins with the same tokens and has been read, nothing is read again.
        interrupted: as for `TextReader.read_ahead`.

    Returns:
        ``None`` when ``interrupted`` returned True.

    Raises:
        UserError: as for `Engine.generate`.
    """
    engine.check_biased_ids(settings)
    prompt_ids = engine.prompt_ids(prompt)
    ids = [*prompt_ids, *sampled]
    whole = encode_mixed(engine.tokenizer, text)
    whole = whole if whole[: len(ids)] == ids else ids

    def logits_at(position: int) -> npt.NDArray[np.float32] | None:
        return reader.logits_at(whole, position, interrupted=interrupted)

    logits = logits_at(len(ids))
    if logits is None:
        return None
    start = window_start(len(prompt_ids), engine.config.n_positions)
    history = History(prompt_ids[start:], sampled)
    chain = SamplerChain(settings, engine.tokenizer)
    exact = not (chain.learns and len(sampled))
    if not exact and len(sampled) <= MOST_REPEATED and window_start(len(whole), engine.config.n_positions) == start:
        taught = SamplerChain(settings, engine.tokenizer)
        exact = _repeat(taught, history, seed, lambda place: logits_at(len(prompt_ids) + place))
        chain = taught if exact else chain
        if interrupted(len(ids)):
            return None
    return _inspection(logits, history, engine.tokenizer, chain, seed, exact=exact)


def _repeat(
    chain: SamplerChain, history: History, seed: int | None, logits_at: Callable[[int], npt.NDArray[np.float32] | None]
) -> bool:
    """Has ``chain`` learn from the choices of ``history.sampled``; returns whether it could.

    ``logits_at`` returns the logits of a sampled token by its index.
    """
    if seed is None and chain.draws:
        return False  # what samplers did by chance is not known
    numbers = RandomNumbers(seed or 0)
    for place, id in enumerate(history.sampled.tolist()):
        logits = logits_at(place)
        if logits is None:
            return False
        chain.draw(numbers)
        last = chain.apply(logits, History(history.prompt, history.sampled[:place]))
        numbers.uniform()
        if not probability(last, id) > 0:  # its distribution was slightly different
            return False
        chain.learn(last, id)
    return True


def _inspection(
    logits: npt.NDArray[np.float32],
    history: History,
    tokenizer: Tokenizer,
    chain: SamplerChain,
    seed: int | None,
    *,
    exact: bool,
) -> Inspection:
    """Chooses with a copy of ``chain``, which learns from the choice."""
    used = SamplerChain(chain.settings, tokenizer)
    used.learn_as(chain)
    numbers = None if seed is None else _numbers(used, seed, len(history.sampled))
    return Inspection(xray(logits, history, used, numbers), exact, logits, history, tokenizer, chain, seed)


def _numbers(chain: SamplerChain, seed: int, chosen: int) -> RandomNumbers:
    """The random numbers of a completion with this seed once it has chosen ``chosen`` tokens."""
    numbers = RandomNumbers(seed)
    if not chain.greedy:
        for _ in range(chosen):
            chain.draw(numbers)
            numbers.uniform()
    return numbers
