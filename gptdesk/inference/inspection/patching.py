"""Activation patching: which activations of one prompt, put into another, bring its answer back.

Wang et al. 2022, "Interpretability in the Wild: a Circuit for Indirect Object Identification in GPT-2 small",
https://arxiv.org/abs/2211.00593; Heimersheim & Nanda 2024, "How to use and interpret activation patching",
https://arxiv.org/abs/2404.15255 ("denoising").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

import torch
from torch import Tensor

from gptdesk.errors import UserError
from gptdesk.inference.inspection.forward_pass import ForwardPass, never
from gptdesk.inference.inspection.rerun import from_block, from_middle
from gptdesk.inference.inspection.weights import head_matrices, layer_norm, rows_of

_TOKENS_AT_ONCE: Final = 2048
"""Tokens of all copies of the prompt that are computed together."""

_LEAST_DIFFERENCE: Final = 1e-4
"""Logits by which the runs must differ: a share of less is rounding."""


class Site(Enum):
    """What is put into the other run.

    RESIDUAL is the stream that enters a block at one token, ATTENTION and MLP are what they add there, HEADS is what
    one head adds at all tokens.
    """

    RESIDUAL = "residual stream"
    ATTENTION = "attention"
    MLP = "MLP"
    HEADS = "heads"


class PatchedRow(NamedTuple):
    """The shares of one layer.

    Attributes:
        site: what was put in.
        layer: from 0.
        shares: float32 on the CPU, (T) by token, for heads (nh): how much of the difference of the logits came back. 0
            is the corrupted run and 1 the clean one; it may lie beyond.
    """

    site: Site
    layer: int
    shares: Tensor


def check_lengths(clean: int, corrupted: int) -> None:
    """Checks that two prompts have as many tokens.

    Raises:
        UserError: when they have not; names both numbers.
    """
    if clean != corrupted:
        raise UserError(f"The prompts must have the same number of tokens; they have {clean:,} and {corrupted:,}.")


@dataclass(frozen=True, eq=False)
class PromptPair:
    """Two prompts of equal length, and the two answers that tell them apart.

    Attributes:
        clean: run whose activations are taken.
        corrupted: run into which they are put.
        answer: token that the clean prompt asks for.
        other: token that the corrupted one asks for.

    Raises:
        UserError: when the lengths differ, or the runs do not tell the answers apart.
    """

    clean: ForwardPass
    corrupted: ForwardPass
    answer: int
    other: int

    def __post_init__(self) -> None:
        assert self.clean.model is self.corrupted.model
        check_lengths(len(self.clean.ids), len(self.corrupted.ids))
        in_clean, in_corrupted = self.differences
        if abs(in_clean - in_corrupted) < _LEAST_DIFFERENCE:
            raise UserError("Both prompts give these two answers the same logits: there is nothing to bring back.")

    @property
    def differences(self) -> tuple[float, float]:
        """Logit of the answer less that of the other one behind the clean and the corrupted prompt."""
        clean, corrupted = (float(self.difference(run.residual[-1, -1:])) for run in (self.clean, self.corrupted))
        return clean, corrupted

    @torch.inference_mode()
    def difference(self, final: Tensor) -> Tensor:
        """Logit of the answer less that of the other one, (B), of final residual streams (B, C)."""
        model = self.clean.model
        unembedded = [rows_of(model.lm_head, id, id + 1)[0] for id in (self.answer, self.other)]
        return layer_norm(model.ln_f, final) @ (unembedded[0] - unembedded[1])


@torch.inference_mode()
def patch(
    pair: PromptPair, site: Site, *, first: int = 0, interrupted: Callable[[], bool] = never
) -> Iterator[PatchedRow]:
    """Puts activations of the clean run into the corrupted one: at each token, or of each head, of one layer at a time.

    Args:
        pair: the prompts.
        site: what is put in.
        first: the first layer, from 0: those before it are known.
        interrupted: asked before each block.

    Yields:
        A row for each layer, the first layer first.

    Raises:
        Interrupted: when ``interrupted`` returned True.
    """
    clean, corrupted = pair.differences
    T = len(pair.clean.ids)
    for layer in range(first, pair.clean.n_layer):
        count = pair.clean.n_head if site is Site.HEADS else T
        found: list[Tensor] = []
        at_once = max(1, _TOKENS_AT_ONCE // T)
        for start in range(0, count, at_once):
            chosen = range(start, min(start + at_once, count))
            final = _patched(pair, site, layer, chosen, interrupted)
            found.append((pair.difference(final) - corrupted) / (clean - corrupted))
        yield PatchedRow(site, layer, torch.cat(found).cpu())


def _patched(pair: PromptPair, site: Site, layer: int, chosen: range, interrupted: Callable[[], bool]) -> Tensor:
    """The final residual stream, (B, C), with each of the chosen tokens or heads taken from the clean run."""
    clean, corrupted = pair.clean, pair.corrupted
    if site is Site.HEADS:
        heads = list(chosen)
        change = (clean.mixed[layer, heads] - corrupted.mixed[layer, heads]) @ head_matrices(clean.model, layer)[heads]
        return from_middle(corrupted, corrupted.middle(layer) + change, layer, interrupted=interrupted)
    since = chosen.start  # the tokens before it are the same in all copies
    source, target = {
        Site.RESIDUAL: (clean.residual[layer], corrupted.residual[layer]),
        Site.ATTENTION: (clean.attention[layer], corrupted.attention[layer]),
        Site.MLP: (clean.mlp[layer], corrupted.mlp[layer]),
    }[site]
    copies = target[since:].repeat(len(chosen), 1, 1)  # (B, R, C)
    for copy, token in enumerate(chosen):
        copies[copy, token - since] = source[token]
    if site is Site.RESIDUAL:
        return from_block(corrupted, copies, layer, since, interrupted=interrupted)
    if site is Site.ATTENTION:
        middle = corrupted.residual[layer, since:] + copies
        return from_middle(corrupted, middle, layer, since, interrupted=interrupted)
    return from_block(corrupted, corrupted.middle(layer)[since:] + copies, layer + 1, since, interrupted=interrupted)
