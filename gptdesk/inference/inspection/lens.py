"""The logit lens: what the model would say after each layer.

nostalgebraist 2020, "interpreting GPT: the logit lens",
https://www.lesswrong.com/posts/AcKRB8wDpdaN6v6ru/interpreting-gpt-the-logit-lens
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from gptdesk.gpt2.interrupted import Interrupted
from gptdesk.inference.inspection.forward_pass import ForwardPass, never
from gptdesk.inference.inspection.weights import unembed

TOP: Final = 5
"""Tokens that are named in each place."""

_ROWS_AT_ONCE: Final = 128
"""Distributions that are computed together: 26 MB of logits of GPT-2. Quantised heads are dequantised once for all."""


@dataclass(frozen=True, eq=False)
class Lens:
    """What the model says after each layer, of P tokens. On the CPU.

    Row 0 is the embedding, row l + 1 what comes out of block l; the last row is the model's own distribution.

    Attributes:
        first: index of the first of these tokens in the text.
        top_ids: (L + 1, P, k) int64, the most likely next tokens, the most likely first.
        top_probabilities: (L + 1, P, k) float32.
        next_logprobs: (L + 1, P) float32, natural logarithm of the probability of the token that follows in the text;
            NaN behind the last one.
        next_ranks: (L + 1, P) int64, its rank, 1 for the most likely token; 0 behind the last one.
        kl: (L + 1, P) float32 in nats, KL divergence from the model's own distribution p to this one q: sum of
            p (ln p - ln q). 0 in the last row.
        entropy: (L + 1, P) float32 in nats.
    """

    first: int
    top_ids: Tensor
    top_probabilities: Tensor
    next_logprobs: Tensor
    next_ranks: Tensor
    kl: Tensor
    entropy: Tensor


def lens(
    run: ForwardPass,
    first: int = 0,
    last: int | None = None,
    *,
    top: int = TOP,
    interrupted: Callable[[], bool] = never,
) -> Lens:
    """Final norm and head, applied once, on the residual stream after each layer, at the tokens ``first`` to ``last``.

    Args:
        run: of the text.
        first, last: the first token, and the one behind the last; not given: all.
        top: k, the tokens that are named.
        interrupted: asked before each layer, or some of them together.

    Raises:
        Interrupted: when ``interrupted`` returned True.
    """
    return _joined(list(lens_in_pieces(run, first, last, top=top, interrupted=interrupted)))


@torch.inference_mode()
def lens_in_pieces(
    run: ForwardPass,
    first: int = 0,
    last: int | None = None,
    *,
    top: int = TOP,
    interrupted: Callable[[], bool] = never,
) -> Iterator[Lens]:
    """As `lens`, some tokens at a time, in order."""
    end = len(run.ids) if last is None else last
    for start in range(first, end, _ROWS_AT_ONCE):
        yield _piece(run, start, min(start + _ROWS_AT_ONCE, end), min(top, run.vocab_size), interrupted)


def _piece(run: ForwardPass, first: int, last: int, top: int, interrupted: Callable[[], bool]) -> Lens:
    following = run.ids[first + 1 : last + 1]  # one shorter at the end of the text
    known = len(following)
    final = unembed(run.model, run.residual[-1, first:last], run.vocab_size).log_softmax(-1)
    certain = final.exp()
    shape = (run.n_layer + 1, last - first)
    found = Lens(
        first,
        torch.empty(*shape, top, dtype=torch.int64),
        torch.empty(*shape, top),
        torch.full(shape, torch.nan),
        torch.zeros(shape, dtype=torch.int64),
        torch.zeros(shape),
        torch.empty(shape),
    )
    own_entropy = -torch.linalg.vecdot(certain, final)

    def put(layers: slice, logprobs: Tensor) -> None:
        """Says what there is to say of log-probabilities (layers, P, V)."""
        best = logprobs.topk(top, dim=-1)
        found.top_ids[layers], found.top_probabilities[layers] = best.indices, best.values.exp()
        if known:
            its = logprobs[:, :known].gather(-1, following[None, :, None].expand(len(logprobs), -1, -1))
            found.next_logprobs[layers, :known] = its[..., 0].cpu()
            found.next_ranks[layers, :known] = 1 + (logprobs[:, :known] > its).sum(-1, dtype=torch.int32).cpu()
        found.kl[layers] = (-own_entropy - torch.linalg.vecdot(certain, logprobs)).clamp_min(0)
        found.entropy[layers] = -torch.linalg.vecdot(logprobs.exp(), logprobs)

    put(slice(run.n_layer, None), final[None])
    found.kl[-1] = 0  # to the last bit
    together = max(1, _ROWS_AT_ONCE // (last - first))
    for start in range(0, run.n_layer, together):
        if interrupted():
            raise Interrupted
        layers = slice(start, min(start + together, run.n_layer))
        put(layers, unembed(run.model, run.residual[layers, first:last], run.vocab_size).log_softmax(-1))
    return found


def _joined(pieces: list[Lens]) -> Lens:
    first = pieces[0]
    return Lens(
        first.first,
        *(
            torch.cat([getattr(piece, name) for piece in pieces], dim=1)
            for name in ("top_ids", "top_probabilities", "next_logprobs", "next_ranks", "kl", "entropy")
        ),
    )
