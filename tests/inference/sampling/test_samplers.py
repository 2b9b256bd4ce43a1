"""Every sampler against transformers, and drawn tokens against their probabilities."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats
from transformers.generation import logits_process as oracle

from gptdesk.errors import UserError
from gptdesk.inference.sampling import choice, fast, penalties
from gptdesk.inference.sampling.chain import SamplerChain
from gptdesk.inference.sampling.random_numbers import RandomNumbers
from gptdesk.inference.sampling.sampler import History
from gptdesk.inference.sampling.settings import DecodingSettings
from tests.inference.sampling.logits import (
    INF,
    Floats,
    any_logits,
    check_equal,
    check_min_p,
    check_top_p,
    check_typical_p,
    distinct,
    floats,
    normal,
    probabilities,
    probability,
    tied,
)

VOCAB = 50257


def _check(
    ours: Floats,
    processor: oracle.LogitsProcessor,
    logits: Floats,
    ids: list[int] | None = None,
    check: Callable[..., None] = check_equal,
    *limit: Any,
) -> None:
    """``check`` compares; with a ``limit`` it gets the logits, too."""
    before = logits.copy()
    theirs = processor(torch.tensor([ids or [0]]), torch.from_numpy(logits.copy())[None])[0].numpy()
    check(ours, theirs, *([logits, *limit] if limit else []))
    assert np.array_equal(logits, before), "the filters change nothing in place"


def process(logits: Floats, prompt: list[int], sampled: list[int], settings: DecodingSettings) -> Floats:
    return SamplerChain(settings).apply(logits, History(prompt, sampled))


@given(any_logits(), st.floats(0.01, 5))
def test_temperature_equals_transformers(logits, value):
    _check(fast.temperature(logits, value), oracle.TemperatureLogitsWarper(value), logits)


@given(any_logits(), st.integers(1, 6000))
def test_top_k_equals_transformers(logits, k):
    _check(fast.top_k(logits, k), oracle.TopKLogitsWarper(k), logits)


@given(any_logits(), st.one_of(probability, st.sampled_from([0.0, 1e-7, 1 - 1e-7])))
@settings(max_examples=400)
@example(np.zeros(4, np.float32), 0.5)
@example(np.log(floats([0.5, 0.3, 0.2])), 0.7)
def test_top_p_equals_transformers(logits, p):
    _check(fast.top_p(logits, p), oracle.TopPLogitsWarper(p), logits, None, check_top_p, p)


@given(any_logits(), st.one_of(probability, st.sampled_from([0.0, 1.0])))
def test_min_p_equals_transformers(logits, p):
    _check(fast.min_p(logits, p), oracle.MinPLogitsWarper(p), logits, None, check_min_p, p)


@given(any_logits(), st.one_of(probability, st.sampled_from([1e-7, 1 - 1e-7])))
@settings(max_examples=400)
def test_typical_p_equals_transformers(logits, p):
    _check(fast.typical_p(logits, p), oracle.TypicalLogitsWarper(p), logits, None, check_typical_p, p)


@given(any_logits(), st.floats(0.1, 10), st.data())
def test_repetition_penalty_equals_transformers(logits, penalty, data):
    ids = data.draw(st.lists(st.integers(0, len(logits) - 1), min_size=1, max_size=50))
    ours = penalties.repetition_penalty(logits, ids, penalty)
    _check(ours, oracle.RepetitionPenaltyLogitsProcessor(penalty), logits, ids)


@given(any_logits(), st.integers(1, 5), st.data())
def test_no_repeat_ngram_equals_transformers(logits, size, data):
    few = min(len(logits), data.draw(st.sampled_from([2, 3, 5000])))  # few ids, so that sequences do repeat
    ids = data.draw(st.lists(st.integers(0, few - 1), min_size=1, max_size=50))
    ours = penalties.no_repeat_ngram(logits, ids, size)
    _check(ours, oracle.NoRepeatNGramLogitsProcessor(size), logits, ids)


@given(any_logits(), st.data())
def test_logit_bias_equals_transformers(logits, data):
    ids = st.integers(0, len(logits) - 1)
    bias = data.draw(st.dictionaries(ids, st.floats(-99.75, 100, width=32), min_size=1, max_size=10))
    processor = oracle.SequenceBiasLogitsProcessor({(id,): value for id, value in bias.items()})
    _check(penalties.logit_bias(logits, bias), processor, logits)


@pytest.mark.parametrize(
    "logits",
    [
        distinct(VOCAB, 1),
        tied(VOCAB, 2, 40),
        tied(VOCAB, 2, 3),
        np.zeros(VOCAB, np.float32),
        torch.from_numpy(distinct(VOCAB, 3)).bfloat16().float().numpy(),
    ],
    ids=["distinct", "tied", "much tied", "equal", "bfloat16"],
)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9, 0.95, 0.999])
def test_nucleus_and_typical_sets_equal_transformers_over_the_whole_vocabulary(logits, p):
    _check(fast.top_p(logits, p), oracle.TopPLogitsWarper(p), logits, None, check_top_p, p)
    _check(fast.typical_p(logits, p), oracle.TypicalLogitsWarper(p), logits, None, check_typical_p, p)


@pytest.mark.parametrize("left", [1, 50, 700, 20_000, 40_000, VOCAB - 1])
@pytest.mark.parametrize("seed", range(4))
def test_filters_after_others_equal_transformers_over_the_whole_vocabulary(left, seed):
    spread = (0.02, 0.3, 1, 2)[seed]
    logits = fast.top_k(distinct(VOCAB, seed) * np.float32(spread), left)
    for p in torch.rand(4, generator=torch.Generator().manual_seed(seed)).tolist():
        _check(fast.top_p(logits, p), oracle.TopPLogitsWarper(p), logits, None, check_top_p, p)
        _check(fast.typical_p(logits, p), oracle.TypicalLogitsWarper(p), logits, None, check_typical_p, p)


@given(
    any_logits(removed=False),
    st.floats(0.1, 3),
    st.integers(1, 60),
    probability,
    st.floats(0, 0.3),
    probability,
    st.floats(0.5, 2),
    st.integers(1, 4),
    st.data(),
)
@settings(max_examples=300)
def test_all_filters_together_apply_in_the_order_of_transformers(
    logits, temperature, k, p, min_p, typical_p, penalty, size, data
):
    ids = st.integers(0, len(logits) - 1)
    prompt = data.draw(st.lists(ids, max_size=20))
    sampled = data.draw(st.lists(ids, max_size=20))
    bias = data.draw(st.dictionaries(ids, st.floats(-5, 5, width=32), min_size=1, max_size=5))
    history = [*prompt, *sampled] or [0]
    chain = SamplerChain(
        DecodingSettings(
            temperature=temperature,
            top_k=k,
            top_p=p,
            min_p=min_p,
            typical_p=typical_p,
            repetition_penalty=penalty,
            no_repeat_ngram=size,
            logit_bias=bias,
        )
    )
    theirs: dict[str, Any] = {
        "logit_bias": oracle.SequenceBiasLogitsProcessor({(id,): value for id, value in bias.items()}),
        "repetition_penalty": oracle.RepetitionPenaltyLogitsProcessor(penalty),
        "no_repeat_ngram": oracle.NoRepeatNGramLogitsProcessor(size),
        "temperature": oracle.TemperatureLogitsWarper(temperature),
        "top_k": oracle.TopKLogitsWarper(k),
        "top_p": oracle.TopPLogitsWarper(p),
        "min_p": oracle.MinPLogitsWarper(min_p),
        "typical_p": oracle.TypicalLogitsWarper(typical_p),
    }
    limits: dict[str, Any] = {
        "top_p": (check_top_p, p),
        "min_p": (check_min_p, min_p),
        "typical_p": (check_typical_p, typical_p),
    }
    used = []
    for sampler, after in chain.apply_each(logits, History(prompt if prompt or sampled else [0], sampled)):
        if not (after > -INF).any():
            return  # every token banned: no filter after that means anything
        used.append(sampler.settings[0])
        _check(after, theirs[used[-1]], logits, history, *limits.get(used[-1], ()))
        logits = after
    assert used == [name for name in theirs if name in used], "the order of transformers"


@given(any_logits(), st.floats(-2, 2), st.floats(-2, 2), st.data())
def test_presence_and_frequency_penalties_follow_openais_formula(logits, presence, frequency, data):
    sampled = data.draw(st.lists(st.integers(0, min(len(logits), 5) - 1), min_size=1, max_size=30))
    expected = logits.copy()
    for id, count in Counter(sampled).items():
        expected[id] = logits[id] - (count * frequency + presence)
    ours = penalties.count_penalty(logits, sampled, presence=presence, frequency=frequency)
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5)


def test_presence_and_frequency_count_sampled_tokens_and_not_the_prompt():
    penalties = DecodingSettings(presence_penalty=1.0, frequency_penalty=0.5)
    logits = np.zeros(4, np.float32)
    assert process(logits, [0, 1], [1, 2, 2], penalties).tolist() == [0.0, -1.5, -2.0, 0.0]
    assert process(logits, [0, 1], [], penalties).tolist() == [0.0] * 4


def test_a_bias_of_minus_100_bans():
    biased = penalties.logit_bias(floats([500.0, 0.0]), {0: -100.0, 1: -99.0})
    assert biased.tolist() == [-INF, -99.0]


def test_neutral_settings_return_the_logits_themselves():
    logits = distinct(100, 0)
    assert process(logits, [1, 2], [3], DecodingSettings()) is logits


def test_greedy_heeds_penalties_and_skips_the_filters():
    greedy = DecodingSettings(temperature=0, top_k=1, top_p=0.1, min_p=0.9, typical_p=0.1, logit_bias={0: -100})
    logits = floats([3.0, 1.0, 2.0, 0.0])
    processed = process(logits, [], [], greedy)
    assert processed.tolist() == [-INF, 1.0, 2.0, 0.0]
    assert choice.argmax(processed) == 2


def test_the_first_of_several_likeliest_tokens_is_taken():
    assert choice.argmax(floats([0.0, 2.0, 2.0])) == torch.tensor([0.0, 2.0, 2.0]).argmax() == 1


@pytest.mark.parametrize("choose", [choice.argmax, lambda logits: choice.sample(logits, RandomNumbers())])
def test_no_token_left_is_the_users_mistake(choose):
    with pytest.raises(UserError, match="ban every token"):
        choose(np.full(5, -INF, np.float32))


DRAWS = 40_000


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"temperature": 0.6},
        {"temperature": 1.8},
        {"top_k": 7},
        {"top_p": 0.8},
        {"min_p": 0.1},
        {"typical_p": 0.7},
        {"repetition_penalty": 1.5},
        {"presence_penalty": 1.0},
        {"frequency_penalty": 0.7},
        {"no_repeat_ngram": 2},
        {"logit_bias": {0: 3.0, 1: -100.0}},
        {"temperature": 0.8, "top_k": 40, "top_p": 0.95},
        {"temperature": 1.2, "top_k": 20, "top_p": 0.9, "min_p": 0.05, "typical_p": 0.9, "repetition_penalty": 1.2},
    ],
    ids=lambda filters: "+".join(filters) or "none",
)
def test_sampled_frequencies_pass_a_chi_square_test(filters):
    logits = normal(50, 7) * np.float32(1.5)
    processed = process(logits, [3, 4, 5, 3], [4, 4, 9, 3], DecodingSettings(**filters))
    expected = probabilities(processed) * DRAWS
    numbers = RandomNumbers(1)
    observed = np.bincount([choice.sample(processed, numbers) for _ in range(DRAWS)], minlength=50)
    assert observed[expected == 0].sum() == 0
    # Cells under 5 expected draws are one cell, as the test's approximation wants it.
    usual = expected >= 5
    cells = [*observed[usual].tolist(), int(observed[~usual].sum())]
    means = [*expected[usual].tolist(), float(expected[~usual].sum())]
    if means[-1] == 0:
        cells.pop(), means.pop()
    assert stats.chisquare(cells, means).pvalue > 0.001


def test_the_tail_of_a_whole_vocabulary_is_drawn_as_often_as_it_should_be():
    logits = np.zeros(VOCAB, np.float32)
    logits[0] = np.log(VOCAB - 1)  # half of the probability; the other tokens share the other half
    numbers = RandomNumbers(3)
    drawn = np.array([choice.sample(logits, numbers) for _ in range(20_000)])
    tail = drawn[drawn > 0]
    assert stats.binomtest(len(tail), 20_000, 0.5).pvalue > 0.001
    assert stats.kstest(tail, stats.uniform(1, VOCAB - 1).cdf).pvalue > 0.001


@pytest.mark.parametrize("left", [1, 3, 20, 45, 50])
def test_a_token_is_drawn_where_the_cumulated_probabilities_pass_the_number(left):
    logits = fast.top_k(distinct(50, 4), left)
    reached = probabilities(logits).cumsum()
    ours, theirs = RandomNumbers(5), torch.Generator().manual_seed(5)
    for _ in range(200):
        drawn = float(torch.rand((), dtype=torch.float64, generator=theirs))
        assert choice.sample(logits, ours) == int(reached.searchsorted(drawn, side="right"))


def test_random_numbers_are_independent_and_repeatable():
    logits = distinct(VOCAB, 5) / 4
    first, second, other = RandomNumbers(9), RandomNumbers(9), RandomNumbers(10)
    alone = [choice.sample(logits, first) for _ in range(20)]
    shared = [(choice.sample(logits, second), choice.sample(logits, other)) for _ in range(20)]
    assert alone == [mine for mine, _ in shared]
    assert alone != [others for _, others in shared]
