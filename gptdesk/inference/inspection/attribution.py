"""Direct logit attribution: the share of each part of the model in a token's logit."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gptdesk.inference.inspection.forward_pass import ForwardPass
from gptdesk.inference.inspection.parts import Kind, Part
from gptdesk.inference.inspection.weights import bias_of, block_of, head_matrices, rows_of


@dataclass(frozen=True, eq=False)
class Attribution:
    """Shares of the parts of a model in a logit, or in the difference of two.

    Attributes:
        parts: N parts, in the order of the network.
        shares: (N) float64 on the CPU, in units of the logit. They add up to ``logit``.
        logit: what the network computed: the token's logit, less that of the other one if there is one.
    """

    parts: tuple[Part, ...]
    shares: Tensor
    logit: float


@torch.inference_mode()
def attribution(run: ForwardPass, position: int, token: int, other: int | None = None) -> Attribution:
    """Shares in the logit of a token behind ``position``, or in the difference of its logit and that of another one.

    The final layer norm is linear but for its scale, which is frozen at its value (Elhage et al. 2021, "A Mathematical
    Framework for Transformer Circuits", https://transformer-circuits.pub/2021/framework). With x the residual stream,
    s its standard deviation, g and b the norm's weight and bias, u the token's row of the head: the logit is
    u . (g (x - mean x) / s + b), and x is the sum of what the parts added. These are direct shares: what a part changes
    by way of later ones is counted as theirs.

    Args:
        run: of the text.
        position: index of the token behind which the logit is, from 0.
        token: its id.
        other: id of the token with which it is compared.
    """
    model, C = run.model, run.model.config.n_embd
    unembedded = rows_of(model.lm_head, token, token + 1)[0].double()
    if other is not None:
        unembedded = unembedded - rows_of(model.lm_head, other, other + 1)[0].double()
    x = run.residual[-1, position].double()
    scale = (x.var(unbiased=False) + model.ln_f.eps).sqrt()
    weighted = unembedded * model.ln_f.weight.double()
    direction = (weighted - weighted.mean()) / scale  # (C): the dot product with it is a part's share
    parts: list[Part] = []
    shares: list[Tensor] = []

    def add(part: Part, vector: Tensor | None) -> None:
        if vector is not None:
            parts.append(part)
            shares.append(vector.double() @ direction)

    embedded = model.wte(run.ids[position]).float()
    add(Part(Kind.TOKEN), embedded)
    add(Part(Kind.POSITION), run.residual[0, position].double() - embedded.double())
    for layer in range(run.n_layer):
        block = block_of(model, layer)
        by_head = torch.einsum("hs,hsc->hc", run.mixed[layer, :, position], head_matrices(model, layer))  # (nh, C)
        for head, vector in enumerate(by_head):
            add(Part(Kind.HEAD, layer, head), vector)
        add(Part(Kind.ATTENTION_BIAS, layer), bias_of(block.attn.c_proj))
        bias = bias_of(block.mlp.c_proj)
        mlp = run.mlp[layer, position]
        add(Part(Kind.MLP, layer), mlp if bias is None else mlp.double() - bias.double())
        add(Part(Kind.MLP_BIAS, layer), bias)
    if (bias := bias_of(model.ln_f)) is not None:
        parts.append(Part(Kind.NORM_BIAS))
        shares.append(bias.double() @ unembedded)
    normalised = torch.nn.functional.layer_norm(x, (C,), eps=model.ln_f.eps) * model.ln_f.weight.double()
    logit = (normalised if bias is None else normalised + bias.double()) @ unembedded
    return Attribution(tuple(parts), torch.stack(shares).cpu(), float(logit))
