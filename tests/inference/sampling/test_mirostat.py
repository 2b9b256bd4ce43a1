"""Mirostat 2.0 beside the published algorithm, written down again in plain Python."""

from math import exp, inf, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptdesk.inference.sampling.chain import SamplerChain
from gptdesk.inference.sampling.mirostat import surprise_cut
from gptdesk.inference.sampling.random_numbers import RandomNumbers
from gptdesk.inference.sampling.sampler import History
from gptdesk.inference.sampling.settings import DecodingSettings
from tests.inference.sampling.logits import floats, normal, probabilities


def softmax(logits: list[float]) -> list[float]:
    powers = [exp(logit - max(logits)) for logit in logits]
    return [power / sum(powers) for power in powers]


def allowed(logits: list[float], mu: float) -> dict[int, float]:
    """The tokens that are left, with their probabilities among each other (Basu et al. 2021; llama.cpp)."""
    surprises = {id: -log2(p) if p else inf for id, p in enumerate(softmax(logits))}
    left = [id for id, surprise in surprises.items() if surprise <= mu] or [min(surprises, key=surprises.__getitem__)]
    return dict(zip(left, softmax([logits[id] for id in left]), strict=True))


def test_the_limit_follows_the_published_algorithm_token_by_token() -> None:
    settings = DecodingSettings(mirostat_tau=3.0, mirostat_eta=0.2, temperature=1.3)
    chain, numbers = SamplerChain(settings), RandomNumbers(1)
    mu, history = 2 * 3.0, []
    for place in range(200):
        logits = normal(300, place) * np.float32(0.5 + place % 5)
        expected = allowed((logits / 1.3).tolist(), mu)
        left = chain.apply(logits, History([], history))
        assert set(np.flatnonzero(left > -inf).tolist()) == set(expected)
        id = chain.choose(logits, History([], history), numbers)
        mu -= 0.2 * (-log2(expected[id]) - 3.0)
        history.append(id)


@pytest.mark.parametrize("tau", [1.5, 3.0, 5.0])
def test_the_average_surprise_reaches_the_target(tau: float) -> None:
    chain, numbers = SamplerChain(DecodingSettings(mirostat_tau=tau)), RandomNumbers(2)
    surprises = []
    for place in range(1500):
        logits = normal(500, place) * np.float32(1.5)
        left = probabilities(chain.apply(logits, History([], [])))
        surprises.append(-log2(float(left[chain.choose(logits, History([], []), numbers)])))
    assert sum(surprises[500:]) / 1000 == pytest.approx(tau, abs=0.1)


@given(st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=40), st.floats(-5, 40))
def test_one_token_is_always_left(logits: list[float], most: float) -> None:
    left = surprise_cut(floats(logits), most)
    assert left.max() == max(logits)


def test_completions_do_not_share_their_limit() -> None:
    settings = DecodingSettings(mirostat_tau=1.0, mirostat_eta=1.0)
    first, second = SamplerChain(settings), SamplerChain(settings)
    logits = np.arange(0, 3, 0.1, np.float32)
    before = second.apply(logits, History([], []))
    for _ in range(5):
        first.choose(logits, History([], []), RandomNumbers(3))
    assert np.array_equal(second.apply(logits, History([], [])), before)
    assert not np.array_equal(first.apply(logits, History([], [])), before)


def test_greedy_decoding_and_the_neutral_target_leave_it_off() -> None:
    logits = np.arange(5, dtype=np.float32)
    for settings in (DecodingSettings(mirostat_tau=0.5, temperature=0), DecodingSettings(mirostat_eta=0.5)):
        assert np.array_equal(SamplerChain(settings).apply(logits, History([], [])), logits)
