"""Logits for tests of samplers, short and long, distinct and tied, whole and with tokens removed."""

from functools import partial

import torch
from hypothesis import strategies as st

INF = float("inf")


def distinct(size: int, seed: int) -> torch.Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed)) * 4 - 30


def tied(size: int, seed: int, values: int) -> torch.Tensor:
    return torch.randint(values, (size,), generator=torch.Generator().manual_seed(seed)).float() / 2 - 3


@st.composite
def any_logits(draw: st.DrawFn, *, removed: bool = True) -> torch.Tensor:
    """Short ones value by value, long ones from a seed; of few values or many; all there or some already removed."""
    size = draw(st.one_of(st.integers(1, 40), st.sampled_from([64, 300, 5000])))
    kinds = [
        st.lists(st.sampled_from([-2.0, -0.0, 0.0, 0.5, 1.0, 7.0]), min_size=size, max_size=size).map(torch.tensor),
        st.lists(st.floats(-100, 100, width=32), min_size=size, max_size=size).map(torch.tensor),
    ]
    seeded = [
        st.integers(0, 999).map(partial(distinct, size)),
        st.builds(partial(tied, size), st.integers(0, 999), st.integers(1, 20)),
    ]
    logits = draw(st.one_of(kinds + seeded if size <= 40 else seeded))
    if removed and draw(st.booleans()):
        kept = draw(st.integers(0, size - 1))
        gone = torch.rand(size, generator=torch.Generator().manual_seed(kept)) < 0.5
        gone[kept] = False
        logits = logits.masked_fill(gone, -INF)
    return logits


probability = st.one_of(st.floats(0.001, 0.999), st.sampled_from([0.25, 0.5, 0.75, 0.9, 0.95]))
