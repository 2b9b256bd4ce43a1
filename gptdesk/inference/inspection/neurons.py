"""Neurons of the MLPs: the strongest at a token, what they write, and where one of them is strongest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor

from gptdesk.gpt2.model import GPT2
from gptdesk.inference.inspection.forward_pass import ForwardPass, forward_pass, never
from gptdesk.inference.inspection.weights import block_of, matrix_of, table_parts

NEURONS: Final = 20
"""Neurons that are named at a token."""

TOP: Final = 8
"""Tokens that are named for each."""

PLACES: Final = 20
"""Places of a neuron that are named."""


class Neuron(NamedTuple):
    """A neuron at a token.

    Attributes:
        layer: from 0.
        unit: its index within the layer's MLP, from 0.
        activation: behind the activation function.
        strength: its absolute value times the length of what the neuron writes: how far it moves the residual stream.
        top_ids: tokens that it makes more likely here, the most so first (see `written_tokens`).
    """

    layer: int
    unit: int
    activation: float
    strength: float
    top_ids: tuple[int, ...]


class Place(NamedTuple):
    """A token at which a neuron is strong.

    Attributes:
        text: index of the text.
        position: of the token in it.
        activation: there.
    """

    text: int
    position: int
    activation: float


@torch.inference_mode()
def strongest_neurons(run: ForwardPass, position: int, *, count: int = NEURONS, top: int = TOP) -> list[Neuron]:
    """The neurons that move the residual stream most at a token, of all layers, the strongest first.

    Args:
        run: of the text.
        position: of the token.
        count: how many.
        top: tokens that are named for each.
    """
    found: list[tuple[float, float, int, int, Tensor]] = []
    for layer in range(run.n_layer):
        activations = run.activations(layer, position, position + 1)[0]  # (inner)
        written = matrix_of(block_of(run.model, layer).mlp.c_proj)  # (C, inner)
        strengths = activations.abs() * written.norm(dim=0)
        best = strengths.topk(min(count, len(strengths)))
        for strength, index in zip(best.values.tolist(), best.indices.tolist(), strict=True):
            found.append((strength, float(activations[index]), layer, index, activations[index] * written[:, index]))
    found.sort(key=lambda one: -one[0])
    found = found[:count]
    tokens = written_tokens(run.model, torch.stack([one[-1] for one in found]), top, vocab_size=run.vocab_size)
    return [
        Neuron(layer, index, activation, strength, tuple(ids))
        for (strength, activation, layer, index, _), ids in zip(found, tokens.tolist(), strict=True)
    ]


@torch.inference_mode()
def places_in(run: ForwardPass, layer: int, neuron: int, *, count: int = PLACES, text: int = 0) -> list[Place]:
    """The tokens of a text at which a neuron's activation is largest, the largest first.

    Args:
        run: of the text.
        layer: of the neuron, from 0.
        neuron: its index in the MLP, from 0.
        count: places that are returned.
        text: index of the text, which they name.
    """
    best = run.activations(layer)[:, neuron].topk(min(count, len(run.ids)))
    found = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return [Place(text, position, activation) for position, activation in found]


@torch.inference_mode()
def written_tokens(model: GPT2, directions: Tensor, top: int = TOP, *, vocab_size: int | None = None) -> Tensor:
    """The tokens whose logits directions in the residual stream raise most: (N, C) float32 to (N, top) int64.

    The final norm's weight counts, its scale does not, which is the same for all tokens (Geva et al. 2022, "Transformer
    Feed-Forward Layers Build Predictions by Promoting Concepts in the Vocabulary Space",
    https://arxiv.org/abs/2203.14680).
    """
    weighted = (directions - directions.mean(-1, keepdim=True)) * model.ln_f.weight.float()
    logits = torch.cat([weighted @ rows.T for _, rows in table_parts(model.lm_head, model.config.n_embd)], dim=-1)
    usable = logits[:, : vocab_size or model.config.vocab_size]
    return usable.topk(min(top, usable.shape[1]), dim=-1).indices.cpu()


def strongest_places(
    model: GPT2,
    texts: Iterable[Sequence[int]],
    layer: int,
    neuron: int,
    *,
    count: int = PLACES,
    interrupted: Callable[[], bool] = never,
) -> list[Place]:
    """Where a neuron's activation is largest in some texts, the largest first.

    Args:
        model: in evaluation mode.
        texts: tokens of each, at most a context long.
        layer: of the neuron, from 0.
        neuron: its index in the MLP, from 0.
        count: places that are returned.
        interrupted: asked before each block.

    Raises:
        UserError: as for `forward_pass`.
        Interrupted: when ``interrupted`` returned True.
    """
    found: list[Place] = []
    for number, ids in enumerate(texts):
        found += places_in(forward_pass(model, ids, interrupted=interrupted), layer, neuron, count=count, text=number)
        found = sorted(found, key=lambda place: -place.activation)[:count]
    return found
