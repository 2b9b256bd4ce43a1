"""Ablation: how the model's answer changes when a head or an MLP is replaced by zero or by its mean over the text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Final, NamedTuple

import torch
from torch import Tensor

from gptdesk.gpt2.interrupted import Interrupted
from gptdesk.inference.inspection.attribution import attribution
from gptdesk.inference.inspection.forward_pass import ForwardPass, never
from gptdesk.inference.inspection.parts import Kind, Part, heads_and_mlps
from gptdesk.inference.inspection.rerun import from_block, with_mlp
from gptdesk.inference.inspection.weights import head_matrices, unembed

_TOKENS_AT_ONCE: Final = 2048
"""Tokens of all copies of a text that are computed together: more are not faster, and take memory."""


class Replacement(Enum):
    """What stands for the output of a part that is switched off."""

    ZERO = "zero"
    MEAN = "mean"


class Ablated(NamedTuple):
    """What came of switching off one part.

    Attributes:
        part: a head or an MLP.
        change: of the natural logarithm of the token's probability; negative where the part spoke for the token.
        kl: in nats, KL divergence from the model's own distribution p to the changed one q: sum of p (ln p - ln q).
    """

    part: Part
    change: float
    kl: float


@torch.inference_mode()
def ablate(
    run: ForwardPass,
    position: int,
    token: int,
    *,
    replacement: Replacement = Replacement.ZERO,
    since: int = 0,
    parts: Sequence[Part] | None = None,
    interrupted: Callable[[], bool] = never,
) -> Iterator[Ablated]:
    """Switches off one part at a time and reads the text again from there, the most promising parts first.

    A head's output is its values behind the output matrix, without the bias; an MLP's is all that it adds. Copies of
    the text of parts in one layer are computed together, a few at first so that there is something to show, and the
    tokens before ``since`` are computed once for all.

    The most promising are those with the largest direct share in the difference of this token and its closest rival.

    Args:
        run: of the text.
        position: index of the token behind which the model is asked.
        token: id whose probability is looked at, such as the one that follows.
        replacement: the mean is that of the part's output over all tokens of the text.
        since: index of the first token at which parts are switched off: 0 for all, ``position`` for this one alone.
        parts: heads and MLPs; not given: all L (nh + 1).
        interrupted: asked before each block.

    Yields:
        Each part once, as soon as it is known.

    Raises:
        Interrupted: when ``interrupted`` returned True.
    """
    assert 0 <= since <= position < len(run.ids)
    if interrupted():
        raise Interrupted
    own = unembed(run.model, run.residual[-1, position], run.vocab_size).log_softmax(-1)
    waiting = _most_promising_first(run, position, token, own, parts)
    most = max(1, _TOKENS_AT_ONCE // (position + 1 - since))
    count = 1
    while waiting:
        layer = waiting[0].layer
        batch = [part for part in waiting if part.layer == layer][: min(count, most)]
        waiting = [part for part in waiting if part not in batch]
        count *= 2
        assert layer is not None
        final = _without(run, batch, layer, since, position, replacement, interrupted)
        changed = unembed(run.model, final, run.vocab_size).log_softmax(-1)  # (B, V)
        kl = (own.exp() * (own - changed)).sum(-1).clamp_min(0)
        change = changed[:, token] - own[token]
        yield from map(Ablated, batch, change.tolist(), kl.tolist())


def _most_promising_first(
    run: ForwardPass, position: int, token: int, own: Tensor, parts: Sequence[Part] | None
) -> list[Part]:
    rival = next(id for id in [*own.topk(min(2, len(own))).indices.tolist(), token] if id != token or len(own) == 1)
    direct = attribution(run, position, token, rival)
    size = {part: abs(share) for part, share in zip(direct.parts, direct.shares.tolist(), strict=True)}
    known = heads_and_mlps(run.n_layer, run.n_head) if parts is None else list(parts)
    return sorted(known, key=lambda part: -size[part])


def _without(
    run: ForwardPass,
    batch: Sequence[Part],
    layer: int,
    since: int,
    position: int,
    replacement: Replacement,
    interrupted: Callable[[], bool],
) -> Tensor:
    """The final residual stream of the token, (B, C), without each of these parts of one layer."""
    tokens = slice(since, position + 1)
    middle = run.middle(layer)[tokens]  # (R, C)
    streams: dict[Part, Tensor] = {}  # behind the block
    if heads := [part for part in batch if part.kind is Kind.HEAD]:
        numbers = [part.head for part in heads]
        mixed = run.mixed[layer, numbers]  # (B, T, hs)
        new = mixed.mean(1, keepdim=True) if replacement is Replacement.MEAN else torch.zeros_like(mixed[:, :1])
        change = (new - mixed[:, tokens]) @ head_matrices(run.model, layer)[numbers]  # (B, R, C)
        streams |= zip(heads, with_mlp(run, middle + change, layer), strict=True)
    for part in batch:
        if part.kind is Kind.MLP:
            streams[part] = middle + run.mlp[layer].mean(0) if replacement is Replacement.MEAN else middle
    together = torch.stack([streams[part] for part in batch])
    return from_block(run, together, layer + 1, since, interrupted=interrupted)
