"""Tokens as vectors: nearest tokens, lengths, and a map of some of them in two dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from gptdesk.errors import UserError
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.inspection.weights import rows_of, table_parts

NEAREST: Final = 20
"""Tokens that are named."""


class Table(Enum):
    """A matrix with a row for each token. Models with a tied head have one for both."""

    EMBEDDING = "embedding"
    UNEMBEDDING = "unembedding"

    def of(self, model: GPT2) -> nn.Module:
        """Its module in the network."""
        return model.wte if self is Table.EMBEDDING else model.lm_head


class Near(NamedTuple):
    """A token near another one.

    Attributes:
        id: of the token.
        cosine: of the angle between both, from -1 to 1.
    """

    id: int
    cosine: float


class TokenMap(NamedTuple):
    """Some tokens in the plane in which they differ most.

    Attributes:
        points: (N, 2) float32 on the CPU.
        explained: share of their variance along each axis.
    """

    points: Tensor
    explained: tuple[float, float]


@torch.inference_mode()
def nearest(
    model: GPT2, token: int, *, table: Table = Table.EMBEDDING, count: int = NEAREST, vocab_size: int | None = None
) -> list[Near]:
    """The tokens whose vectors have the smallest angle to that of a token, without itself, the nearest first.

    Args:
        model: in any precision.
        token: its id.
        table: where vectors are taken from.
        count: how many.
        vocab_size: tokens that count; not given: all rows.
    """
    module, usable = table.of(model), vocab_size or model.config.vocab_size
    vector = nn.functional.normalize(rows_of(module, token, token + 1)[0], dim=0)
    cosines = torch.cat(
        [nn.functional.normalize(rows, dim=1) @ vector for _, rows in table_parts(module, model.config.n_embd)]
    )[:usable]
    cosines[token] = -torch.inf
    best = cosines.topk(min(count, usable - 1))
    return [Near(id, value) for id, value in zip(best.indices.tolist(), best.values.tolist(), strict=True)]


@torch.inference_mode()
def norms(model: GPT2, *, table: Table = Table.EMBEDDING) -> Tensor:
    """Length of each token's vector, (V) float32 on the CPU."""
    parts = table_parts(table.of(model), model.config.n_embd)
    return torch.cat([rows.norm(dim=1) for _, rows in parts]).cpu()


@torch.inference_mode()
def token_map(model: GPT2, tokens: Sequence[int], *, table: Table = Table.EMBEDDING) -> TokenMap:
    """A map of some tokens: the first two principal components of their vectors.

    With X the (N, C) matrix of their vectors, X - mean(X) = U S V^T its singular value decomposition and s_k the
    singular values, the points are the first two columns of U S, and s_k^2 / (sum of all s_j^2) is the share of the
    variance along axis k (Pearson 1901, "On Lines and Planes of Closest Fit to Systems of Points in Space",
    https://doi.org/10.1080/14786440109462720). The sign of an axis is arbitrary: its farthest point is positive.

    Args:
        model: in any precision.
        tokens: N ids.
        table: where vectors are taken from.

    Raises:
        UserError: for fewer than three tokens, whose map would say nothing.
    """
    if len(set(tokens)) < 3:
        raise UserError("A map needs at least three different tokens.")
    vectors = torch.cat([rows_of(table.of(model), id, id + 1) for id in tokens]).double().cpu()
    left, sizes, _ = torch.linalg.svd(vectors - vectors.mean(0), full_matrices=False)
    points = left[:, :2] * sizes[:2]  # (N, 2), the second column 0 where all lie on a line
    signs = torch.where(points.gather(0, points.abs().argmax(0, keepdim=True)) < 0, -1.0, 1.0)  # which is arbitrary
    first, second = (sizes**2 / (sizes**2).sum().clamp_min(1e-30)).tolist()[:2]
    return TokenMap((points * signs).float(), (first, second))
