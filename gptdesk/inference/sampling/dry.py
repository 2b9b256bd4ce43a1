"""DRY, "don't repeat yourself": a penalty on tokens that would continue a sequence the text already contains.

Source: https://github.com/oobabooga/text-generation-webui/pull/5677 (p-e-w 2024), ``DRYLogitsProcessor``; llama.cpp
has it as ``llama_sampler_dry_apply``.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
import numpy.typing as npt

from gptdesk.errors import UserError
from gptdesk.inference.sampling.sampler import Floats, History, Ids, Sampler, as_ids
from gptdesk.inference.sampling.settings import DecodingSettings

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer

LONGEST_MATCH: Final = 50
"""Sequences are compared up to this many tokens, so that the power of the base stays in float32's range."""


class DryState(msgspec.Struct):
    """Values of the settings.

    Attributes:
        multiplier, base, allowed_length: of the penalty.
        breakers: strings that end a sequence.
        breaker_ids: the tokens that stand for them; none until the tokenizer is known.
    """

    multiplier: float
    base: float
    allowed_length: int
    breakers: tuple[str, ...]
    breaker_ids: frozenset[int] = frozenset()


class Dry(Sampler[DryState]):
    """`dry_penalty`, of prompt and completion."""

    settings = ("dry_multiplier",)
    tuned_by = ("dry_base", "dry_allowed_length", "dry_breakers")
    title = "DRY"
    greedy = True

    def start(self, settings: DecodingSettings) -> DryState:
        return DryState(settings.dry_multiplier, settings.dry_base, settings.dry_allowed_length, settings.dry_breakers)

    def use_tokenizer(self, state: DryState, tokenizer: Tokenizer) -> None:
        state.breaker_ids = frozenset(id for text in state.breakers if (id := _last_token(tokenizer, text)) is not None)

    def apply(self, logits: Floats, history: History, state: DryState) -> Floats:
        return dry_penalty(
            logits,
            history.ids,
            multiplier=state.multiplier,
            base=state.base,
            allowed_length=state.allowed_length,
            breaker_ids=state.breaker_ids,
        )


def dry_penalty(
    logits: Floats,
    ids: Ids,
    *,
    multiplier: float,
    base: float,
    allowed_length: int,
    breaker_ids: Collection[int] = (),
) -> Floats:
    """Subtracts ``multiplier * base ** (n - allowed_length)`` from each token that followed a sequence of n tokens
    which is also the end of ``ids``; n is the longest such sequence, at least ``allowed_length``.

    Args:
        logits: (V) float32.
        ids: (T), the text so far.
        multiplier, base, allowed_length: of the penalty.
        breaker_ids: tokens that no sequence contains, and that are not penalized.
    """
    ids = as_ids(ids)
    suffix = _unbroken_suffix(ids, breaker_ids)
    lengths = np.zeros(len(ids), np.int64)  # of the sequence that ends at each place, the last one left out
    ends = np.arange(len(ids) - 1)
    for back in range(suffix):
        ends = ends[ends >= back]
        ends = ends[ids[ends - back] == ids[len(ids) - 1 - back]]
        lengths[ends] = back + 1
    ends = np.flatnonzero(lengths >= allowed_length)
    following = ids[ends + 1]
    longest = np.zeros(len(logits), np.int64)
    np.maximum.at(longest, following, lengths[ends])
    longest[list(breaker_ids)] = 0
    penalized = np.flatnonzero(longest)
    if not len(penalized):
        return logits
    penalties = multiplier * np.power(base, longest[penalized] - float(allowed_length))
    values = logits.copy()
    values[penalized] -= penalties.astype(np.float32)
    return values


def _unbroken_suffix(ids: npt.NDArray[np.int64], breaker_ids: Collection[int]) -> int:
    """Tokens at the end of ``ids`` without a breaker, at most `LONGEST_MATCH`."""
    end = ids[-LONGEST_MATCH:][::-1].tolist()
    return next((place for place, id in enumerate(end) if id in breaker_ids), len(end))


def _last_token(tokenizer: Tokenizer, text: str) -> int | None:
    """The token with which ``text`` ends behind a letter, as text-generation-webui finds it; None where the vocabulary
    has none."""
    try:
        ids = tokenizer.encode(f"a{text}")
    except UserError:
        return None
    return ids[-1] if ids else None
