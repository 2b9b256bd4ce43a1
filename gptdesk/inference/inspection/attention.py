"""Where attention looks: patterns, how much of them falls on the first token, and how much of what is there counts."""

from __future__ import annotations

import torch
from torch import Tensor

from gptdesk.inference.inspection.forward_pass import ForwardPass
from gptdesk.inference.inspection.weights import head_matrices


def patterns(run: ForwardPass) -> Tensor:
    """The pattern of every layer and head, (L, nh, T, T) float32: rows are queries and sum to 1.

    For long texts ask `ForwardPass.pattern` for one layer at a time: this takes 4 L nh T^2 bytes.
    """
    return torch.stack([run.pattern(layer) for layer in range(run.n_layer)])


def head_means(run: ForwardPass) -> Tensor:
    """The mean pattern of each layer over its heads, (L, T, T) float32."""
    return torch.stack([run.pattern(layer).mean(0) for layer in range(run.n_layer)])


@torch.inference_mode()
def first_token_share(run: ForwardPass) -> Tensor:
    """How much attention of each head falls on the first token, (L, nh) float32: the mean of its column over the
    queries that have a choice, which are all but the first; NaN for a text of one token.

    Heads rest there when they have nothing to do (Xiao et al. 2023, "Efficient Streaming Language Models with Attention
    Sinks", https://arxiv.org/abs/2309.17453).
    """
    return torch.stack([run.pattern(layer, first=1)[:, :, 0].mean(-1) for layer in range(run.n_layer)])


@torch.inference_mode()
def weighted_norms(run: ForwardPass, layer: int) -> Tensor:
    """Length of what each token really gives to each other in a layer, (nh, T, T) float32.

    That of the attention weight times the value behind the head's output matrix, ||a_ij v_j W_O||: a weight on a value
    near zero does nothing (Kobayashi et al. 2020, "Attention is Not Only a Weight", equation 3,
    https://arxiv.org/abs/2004.10102). The output bias belongs to no token and is left out.
    """
    lengths = (run.values[layer] @ head_matrices(run.model, layer)).norm(dim=-1)  # (nh, T)
    norms: Tensor = run.pattern(layer) * lengths[:, None, :]
    return norms
