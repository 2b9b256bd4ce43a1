"""Inspects the choice of one token of a text: the model's distribution there, and the sampler X-ray."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Generator

from gptdesk.gpt2.mixed_text import MixedText, encode_mixed
from gptdesk.inference.engine import Engine
from gptdesk.inference.reader import TextReader
from gptdesk.inference.sampling.chain import SamplerChain
from gptdesk.inference.sampling.choice import uniform
from gptdesk.inference.sampling.sampler import History
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.inference.sampling.xray import XRay, xray
from gptdesk.inference.scoring.windows import window_start


@dataclass(frozen=True, eq=False)
class Inspection:
    """How one token is chosen.

    Attributes:
        xray: every step; its draw is that of the completion where its seed is given and ``exact`` holds.
        exact: whether the samplers' state is that of the completion at this token. False where one of them learns from
            the tokens before (mirostat): the X-ray shows its state at the beginning.
    """

    xray: XRay
    exact: bool


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
    logits = reader.logits_at(whole if whole[: len(ids)] == ids else ids, len(ids), interrupted=interrupted)
    if logits is None:
        return None
    chain = SamplerChain(settings, engine.tokenizer)
    generator = None if seed is None else _generator(chain, seed, len(sampled))
    start = window_start(len(prompt_ids), engine.config.n_positions)
    shown = xray(logits, History(prompt_ids[start:], sampled), chain, generator)
    return Inspection(shown, exact=not (chain.learns and len(sampled)))


def _generator(chain: SamplerChain, seed: int, chosen: int) -> Generator:
    """The generator of a completion with this seed once it has chosen ``chosen`` tokens."""
    generator = torch.Generator().manual_seed(seed)
    if not chain.greedy:
        for _ in range(chosen):
            chain.draw(generator)
            uniform(generator)
    return generator
