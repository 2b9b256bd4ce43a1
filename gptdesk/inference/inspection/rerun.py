"""The rest of a forward pass after a change: residual streams into a block, the final one of the last token out.

Shapes: B changed copies, R tokens from the first changed one to the last, T tokens of the text, C ``n_embd``.

Tokens before the first changed one are the same in every copy: their keys and values are those of the whole run.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from gptdesk.gpt2.interrupted import Interrupted
from gptdesk.inference.inspection.forward_pass import ForwardPass, never
from gptdesk.inference.inspection.weights import block_of, join_heads, layer_norm, linear, split_heads


def from_block(
    run: ForwardPass, x: Tensor, layer: int, since: int = 0, *, interrupted: Callable[[], bool] = never
) -> Tensor:
    """The final residual stream of the last token, (B, C), of streams (B, R, C) that enter a block.

    Args:
        run: of the text that was changed.
        x: of the tokens from ``since`` on; the last of them need not be the text's.
        layer: of the block; ``n_layer`` for streams that have come out of the last one.
        since: index of the first changed token.
        interrupted: asked before each block.

    Raises:
        Interrupted: when ``interrupted`` returned True.
    """
    for at in range(layer, run.n_layer):
        if interrupted():
            raise Interrupted
        x = _block(run, x, at, since)
    return x[:, -1]


def from_middle(
    run: ForwardPass, middle: Tensor, layer: int, since: int = 0, *, interrupted: Callable[[], bool] = never
) -> Tensor:
    """As `from_block`, of streams between attention and MLP of a block."""
    if interrupted():
        raise Interrupted
    if layer == run.n_layer - 1:
        middle = middle[:, -1:]
    return from_block(run, with_mlp(run, middle, layer), layer + 1, since, interrupted=interrupted)


def _block(run: ForwardPass, x: Tensor, layer: int, since: int) -> Tensor:
    """One block; of the last one, the last token alone."""
    block, n_head = block_of(run.model, layer), run.n_head
    B, R, C = x.shape
    q, k, v = (split_heads(part, n_head) for part in linear(block.attn.c_attn, layer_norm(block.ln_1, x)).split(C, -1))
    if since:
        k = torch.cat([run.keys[layer, None, :, :since].expand(B, -1, -1, -1), k], dim=2)
        v = torch.cat([run.values[layer, None, :, :since].expand(B, -1, -1, -1), v], dim=2)
    if layer == run.n_layer - 1:
        q, x, R = q[:, :, -1:], x[:, -1:], 1
    mask = None
    if since and R > 1:  # token i of those since then attends to the columns 0 ... since + i
        mask = torch.ones(R, since + R, dtype=torch.bool, device=x.device).tril(diagonal=since)
    mixed = block.attn.attend(q, k, v, mask=mask, causal=mask is None and R > 1)
    return with_mlp(run, x + linear(block.attn.c_proj, join_heads(mixed)), layer)


def with_mlp(run: ForwardPass, middle: Tensor, layer: int) -> Tensor:
    """Streams behind a block, (B, R, C), of those between its attention and its MLP."""
    block = block_of(run.model, layer)
    hidden = block.mlp.activation(linear(block.mlp.c_fc, layer_norm(block.ln_2, middle)))
    return middle + linear(block.mlp.c_proj, hidden)
