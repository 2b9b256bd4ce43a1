"""What a head does, measured on random tokens that are repeated: no knowledge of language helps there.

Olsson et al. 2022, "In-context Learning and Induction Heads", "Head activation evaluators",
https://transformer-circuits.pub/2022/in-context-learning-and-induction-heads
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from gptdesk.errors import UserError
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.inspection.forward_pass import forward_pass, never

TEXTS: Final = 4
"""Random texts over which scores are averaged."""

LENGTH: Final = 50
"""Tokens that are repeated, fewer where the context is short."""


@dataclass(frozen=True, eq=False)
class HeadScores:
    """Mean attention at the offset that a kind of head looks at, from 0 to 1. On the CPU, (L, nh) float32 each.

    Attributes:
        previous: of each token to the one before it.
        duplicate: of each token of the repetition to the same token before.
        induction: of each token of the repetition to the one that followed the same token before.
    """

    previous: Tensor
    duplicate: Tensor
    induction: Tensor


def head_scores(
    model: GPT2,
    *,
    vocab_size: int | None = None,
    special: Collection[int] = (),
    texts: int = TEXTS,
    length: int = LENGTH,
    seed: int = 0,
    interrupted: Callable[[], bool] = never,
) -> HeadScores:
    """Scores of all heads, the mean over random texts of 2 n tokens: n different ones, then the same once more.

    Args:
        model: in evaluation mode.
        vocab_size: tokens to draw from, ids 0 to vocab_size - 1; not given: all.
        special: tokens that are not drawn, such as the end of a text.
        texts: how many.
        length: n; at most half of the context and the number of tokens there are.
        seed: of the tokens.
        interrupted: asked before each block.

    Raises:
        UserError: when the context is shorter than 4 tokens, or there are not 2 tokens to draw from.
        Interrupted: when ``interrupted`` returned True.
    """
    usable = [id for id in range(vocab_size or model.config.vocab_size) if id not in special]
    n = min(length, model.config.n_positions // 2, len(usable))
    if n < 2:
        raise UserError("The model's context or vocabulary is too short to repeat tokens in it.")
    generator = torch.Generator().manual_seed(seed)
    config = model.config
    found = torch.zeros(3, config.n_layer, config.n_head)
    for _ in range(texts):
        drawn = [usable[place] for place in torch.randperm(len(usable), generator=generator)[:n].tolist()]
        run = forward_pass(model, drawn * 2, interrupted=interrupted)
        for layer in range(config.n_layer):
            pattern = run.pattern(layer).cpu()
            found[0, layer] += _at_offset(pattern, 1, 1)
            found[1, layer] += _at_offset(pattern, n, n)
            found[2, layer] += _at_offset(pattern, n - 1, n)
    previous, duplicate, induction = found / texts
    return HeadScores(previous, duplicate, induction)


def _at_offset(pattern: Tensor, offset: int, first: int) -> Tensor:
    """Mean attention of the queries from ``first`` on to the key ``offset`` tokens before them: (nh)."""
    return pattern.diagonal(-offset, -2, -1)[..., first - offset :].mean(-1)
