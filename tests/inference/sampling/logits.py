"""Logits for tests of samplers, short and long, distinct and tied, whole and with tokens removed; and comparisons."""

from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from hypothesis import strategies as st

INF = float("inf")

NEAR = 2e-5
"""Of a probability, or a distance: nearer to a limit, rounding decides about a token."""

Floats = npt.NDArray[np.float32]


def normal(size: int, seed: int) -> Floats:
    numbers: Floats = torch.randn(size, generator=torch.Generator().manual_seed(seed)).numpy()
    return numbers


def distinct(size: int, seed: int) -> Floats:
    return normal(size, seed) * np.float32(4) - np.float32(30)


def tied(size: int, seed: int, values: int) -> Floats:
    return np.random.default_rng(seed).integers(values, size=size).astype(np.float32) / 2 - 3


def floats(values: list[float]) -> Floats:
    return np.array(values, np.float32)


@st.composite
def any_logits(draw: st.DrawFn, *, removed: bool = True) -> Floats:
    """Short ones value by value, long ones from a seed; of few values or many; all there or some already removed."""
    size = draw(st.one_of(st.integers(1, 40), st.sampled_from([64, 300, 5000])))
    kinds = [
        st.lists(st.sampled_from([-2.0, -0.0, 0.0, 0.5, 1.0, 7.0]), min_size=size, max_size=size).map(floats),
        st.lists(st.floats(-100, 100, width=32), min_size=size, max_size=size).map(floats),
    ]
    seeded = [
        st.integers(0, 999).map(partial(distinct, size)),
        st.builds(partial(tied, size), st.integers(0, 999), st.integers(1, 20)),
    ]
    logits = draw(st.one_of(kinds + seeded if size <= 40 else seeded))
    if removed and draw(st.booleans()):
        kept = draw(st.integers(0, size - 1))
        gone = np.random.default_rng(kept).random(size) < 0.5
        gone[kept] = False
        logits[gone] = -INF
    return logits


probability = st.one_of(st.floats(0.001, 0.999), st.sampled_from([0.25, 0.5, 0.75, 0.9, 0.95]))


def probabilities(logits: Floats) -> npt.NDArray[np.float64]:
    powers = np.exp(logits.astype(np.float64) - logits.max())
    return powers / powers.sum()


def check_equal(ours: Floats, theirs: Floats) -> None:
    """Bit for bit, but for the sign of zero."""
    assert ours.dtype == np.float32
    np.testing.assert_array_equal(ours, theirs)


def check_reached(ours: Floats, theirs: Floats, logits: Floats, rank: npt.NDArray[np.float64], p: float) -> None:
    """The same tokens are kept where ``rank``, ascending, decides which of ``logits`` reach the probability ``p``.

    Only those may differ at which the probability is reached within rounding, or that rank like the last one.
    """
    check_but(ours, theirs, _near_the_last(logits, rank, p))


def check_but(ours: Floats, theirs: Floats, undecided: npt.NDArray[np.bool_]) -> None:
    """The same, but for tokens about which rounding decides, and which one of the two may have removed."""
    assert ours.dtype == np.float32
    differ = ours != theirs
    assert not differ[~undecided].any()
    assert (np.minimum(ours, theirs)[differ] == -INF).all()
    assert (ours > -INF).any() == (theirs > -INF).any()


def check_top_p(ours: Floats, theirs: Floats, logits: Floats, p: float) -> None:
    check_reached(ours, theirs, logits, -logits.astype(np.float64), p)


def check_typical_p(ours: Floats, theirs: Floats, logits: Floats, p: float) -> None:
    probs = probabilities(logits)
    surprise = -np.log(probs, where=probs > 0, out=np.full_like(probs, -INF))
    distance = np.abs(surprise - probs[probs > 0] @ surprise[probs > 0])
    check_reached(ours, theirs, logits, distance, p)


def check_min_p(ours: Floats, theirs: Floats, logits: Floats, p: float) -> None:
    shares = probabilities(logits) / probabilities(logits).max()
    check_but(ours, theirs, np.abs(shares - p) <= NEAR * p)


def _near_the_last(logits: Floats, rank: npt.NDArray[np.float64], p: float) -> npt.NDArray[np.bool_]:
    probs = probabilities(logits)
    order = rank.argsort(kind="stable")
    reached = probs[order].cumsum()
    last = rank[order[min(int(reached.searchsorted(p)), len(order) - 1)]]
    at = np.empty_like(reached)
    at[order] = reached
    near = (np.abs(at - p) < NEAR) | (np.abs(at - probs - p) < NEAR)
    with np.errstate(invalid="ignore"):  # infinity less infinity
        return near | (np.abs(rank - last) < NEAR) | (rank == last)
