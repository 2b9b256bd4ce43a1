"""How surprising a model finds each token of a text: its loss, token by token."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor

from gptdesk.gpt2.model import GPT2
from gptdesk.inference.inspection.forward_pass import check_text, forward_pass, never
from gptdesk.inference.inspection.weights import unembed
from gptdesk.inference.scoring.windows import half_context, loss_windows

_POSITIONS_AT_ONCE: Final = 128
"""Positions whose logits are held at once: 26 MB of float32 with OpenAI's vocabulary."""


@torch.inference_mode()
def surprisals(
    model: GPT2, ids: Sequence[int], *, vocab_size: int | None = None, interrupted: Callable[[], bool] = never
) -> Tensor:
    """-log2 p of each token given those before it, in bits: (T) float32 on the CPU; NaN for the first token.

    A text that is longer than the context is read in the windows of `loss_windows`, which begin half a context apart.

    Args:
        model: in evaluation mode.
        ids: T tokens.
        vocab_size: tokens that count; not given: all rows of the head.
        interrupted: asked before each block.

    Raises:
        UserError: when the text is empty, or has a token that the model does not know.
        Interrupted: when ``interrupted`` returned True.
    """
    vocab_size, n_positions = vocab_size or model.config.vocab_size, model.config.n_positions
    check_text(model, ids[:1], vocab_size)
    found = torch.full((len(ids),), math.nan)
    for window in loss_windows(len(ids), context=n_positions, stride=half_context(n_positions)):
        run = forward_pass(
            model,
            ids[window.start : min(window.end, window.start + n_positions)],
            vocab_size=vocab_size,
            interrupted=interrupted,
        )
        for first in range(window.first, window.end, _POSITIONS_AT_ONCE):
            last = min(first + _POSITIONS_AT_ONCE, window.end)
            before = run.residual[-1, first - 1 - window.start : last - 1 - window.start]  # (n, C)
            targets = torch.tensor(list(ids[first:last]), device=before.device)
            logprobs = unembed(model, before, vocab_size).log_softmax(-1)  # (n, vocab_size)
            found[first:last] = -logprobs.gather(1, targets[:, None])[:, 0].cpu() / math.log(2)
    return found
