"""Every sampler against transformers bit for bit, and drawn tokens against their probabilities."""

from collections import Counter
from functools import partial

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats
from transformers.generation import logits_process as oracle

from gptdesk.errors import UserError
from gptdesk.inference.sampling import choice, fast, penalties
from gptdesk.inference.sampling.chain import SamplerChain
from gptdesk.inference.sampling.sampler import History
from gptdesk.inference.sampling.settings import DecodingSettings
from tests.inference.sampling.logits import INF, any_logits, distinct, probability, tied

VOCAB = 50257


def _check(
    ours: torch.Tensor, processor: oracle.LogitsProcessor, logits: torch.Tensor, ids: list[int] | None = None
) -> None:
    before = logits.clone()
    theirs = processor(torch.tensor([ids or [0]]), logits[None])[0]
    assert torch.equal(ours, theirs)
    assert torch.equal(logits, before), "the filters change nothing in place"


def process(logits: torch.Tensor, prompt: list[int], sampled: list[int], settings: DecodingSettings) -> torch.Tensor:
    return SamplerChain(settings).apply(logits, History(prompt, sampled))


@given(any_logits(), st.floats(0.01, 5))
def test_temperature_equals_transformers(logits, value):
    _check(fast.temperature(logits, value), oracle.TemperatureLogitsWarper(value), logits)


@given(any_logits(), st.integers(1, 6000))
def test_top_k_equals_transformers(logits, k):
    _check(fast.top_k(logits, k), oracle.TopKLogitsWarper(k), logits)


@given(any_logits(), st.one_of(probability, st.sampled_from([0.0, 1e-7, 1 - 1e-7])))
@settings(max_examples=400)
@example(torch.zeros(4), 0.5)
@example(torch.tensor([0.5, 0.3, 0.2]).log(), 0.7)
def test_top_p_equals_transformers(logits, p):
    _check(fast.top_p(logits, p), oracle.TopPLogitsWarper(p), logits)


@given(any_logits(), st.one_of(probability, st.sampled_from([0.0, 1.0])))
def test_min_p_equals_transformers(logits, p):
    _check(fast.min_p(logits, p), oracle.MinPLogitsWarper(p), logits)


@given(any_logits(), st.one_of(probability, st.sampled_from([1e-7, 1 - 1e-7])))
@settings(max_examples=400)
def test_typical_p_equals_transformers(logits, p):
    _check(fast.typical_p(logits, p), oracle.TypicalLogitsWarper(p), logits)


@given(any_logits(), st.floats(0.1, 10), st.data())
def test_repetition_penalty_equals_transformers(logits, penalty, data):
    ids = data.draw(st.lists(st.integers(0, len(logits) - 1), min_size=1, max_size=50))
    ours = penalties.repetition_penalty(logits, torch.tensor(ids), penalty)
    _check(ours, oracle.RepetitionPenaltyLogitsProcessor(penalty), logits, ids)


@given(any_logits(), st.integers(1, 5), st.data())
def test_no_repeat_ngram_equals_transformers(logits, size, data):
    few = min(len(logits), data.draw(st.sampled_from([2, 3, 5000])))  # few ids, so that sequences do repeat
    ids = data.draw(st.lists(st.integers(0, few - 1), min_size=1, max_size=50))
    ours = penalties.no_repeat_ngram(logits, torch.tensor(ids), size)
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
        torch.zeros(VOCAB),
        distinct(VOCAB, 3).bfloat16().float(),
    ],
    ids=["distinct", "tied", "much tied", "equal", "bfloat16"],
)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9, 0.95, 0.999])
def test_nucleus_and_typical_sets_equal_transformers_over_the_whole_vocabulary(logits, p):
    _check(fast.top_p(logits, p), oracle.TopPLogitsWarper(p), logits)
    _check(fast.typical_p(logits, p), oracle.TypicalLogitsWarper(p), logits)


@pytest.mark.parametrize("left", [1, 50, 700, 20_000, 40_000, VOCAB - 1])
@pytest.mark.parametrize("seed", range(4))
def test_filters_after_others_equal_transformers_over_the_whole_vocabulary(left, seed):
    # What was removed is left out of the sorts, which must not change how the sums are rounded.
    spread = (0.02, 0.3, 1, 2)[seed]
    logits = fast.top_k(distinct(VOCAB, seed) * spread, left)
    for p in torch.rand(4, generator=torch.Generator().manual_seed(seed)).tolist():
        _check(fast.top_p(logits, p), oracle.TopPLogitsWarper(p), logits)
        _check(fast.typical_p(logits, p), oracle.TypicalLogitsWarper(p), logits)


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
    ours = process(
        logits,
        prompt if prompt or sampled else [0],
        sampled,
        DecodingSettings(
            temperature=temperature,
            top_k=k,
            top_p=p,
            min_p=min_p,
            typical_p=typical_p,
            repetition_penalty=penalty,
            no_repeat_ngram=size,
            logit_bias=bias,
        ),
    )
    theirs = oracle.LogitsProcessorList(
        [
            oracle.SequenceBiasLogitsProcessor({(id,): value for id, value in bias.items()}),
            oracle.RepetitionPenaltyLogitsProcessor(penalty),
            oracle.NoRepeatNGramLogitsProcessor(size),
            oracle.TemperatureLogitsWarper(temperature),
            oracle.TopKLogitsWarper(k),
            oracle.TopPLogitsWarper(p),
            oracle.MinPLogitsWarper(min_p),
            oracle.TypicalLogitsWarper(typical_p),
        ]
    )(torch.tensor([history]), logits[None])[0]
    if (theirs > -INF).any():
        assert torch.equal(ours, theirs)
    else:  # every token banned: no filter after that means anything
        assert not (ours > -INF).any()


@given(any_logits(), st.floats(-2, 2), st.floats(-2, 2), st.data())
def test_presence_and_frequency_penalties_follow_openais_formula(logits, presence, frequency, data):
    sampled = data.draw(st.lists(st.integers(0, min(len(logits), 5) - 1), min_size=1, max_size=30))
    expected = logits.clone()
    for id, count in Counter(sampled).items():
        expected[id] = logits[id] - (count * frequency + presence)
    ours = penalties.count_penalty(logits, torch.tensor(sampled), presence=presence, frequency=frequency)
    torch.testing.assert_close(ours, expected)


def test_presence_and_frequency_count_sampled_tokens_and_not_the_prompt():
    penalties = DecodingSettings(presence_penalty=1.0, frequency_penalty=0.5)
    logits = torch.zeros(4)
    assert process(logits, [0, 1], [1, 2, 2], penalties).tolist() == [0.0, -1.5, -2.0, 0.0]
    assert process(logits, [0, 1], [], penalties).tolist() == [0.0] * 4


def test_a_bias_of_minus_100_bans():
    biased = penalties.logit_bias(torch.tensor([500.0, 0.0]), {0: -100.0, 1: -99.0})
    assert biased.tolist() == [-INF, -99.0]


def test_neutral_settings_return_the_logits_themselves():
    logits = distinct(100, 0)
    assert torch.equal(process(logits, [1, 2], [3], DecodingSettings()), logits)


def test_greedy_heeds_penalties_and_skips_the_filters():
    greedy = DecodingSettings(temperature=0, top_k=1, top_p=0.1, min_p=0.9, typical_p=0.1, logit_bias={0: -100})
    logits = torch.tensor([3.0, 1.0, 2.0, 0.0])
    processed = process(logits, [], [], greedy)
    assert processed.tolist() == [-INF, 1.0, 2.0, 0.0]
    assert choice.argmax(processed) == 2


def test_the_first_of_several_likeliest_tokens_is_taken():
    assert choice.argmax(torch.tensor([0.0, 2.0, 2.0])) == torch.tensor([0.0, 2.0, 2.0]).argmax() == 1


@pytest.mark.parametrize("choose", [choice.argmax, partial(choice.sample, generator=torch.Generator())])
def test_no_token_left_is_the_users_mistake(choose):
    with pytest.raises(UserError, match="ban every token"):
        choose(torch.full((5,), -INF))


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
    logits = torch.randn(50, generator=torch.Generator().manual_seed(7)) * 1.5
    processed = process(logits, [3, 4, 5, 3], [4, 4, 9, 3], DecodingSettings(**filters))
    expected = processed.double().softmax(0) * DRAWS
    generator = torch.Generator().manual_seed(1)
    drawn = torch.tensor([choice.sample(processed, generator) for _ in range(DRAWS)])
    observed = drawn.bincount(minlength=50)
    assert observed[expected == 0].sum() == 0
    # Cells under 5 expected draws are one cell, as the test's approximation wants it.
    usual = expected >= 5
    cells = [*observed[usual].tolist(), int(observed[~usual].sum())]
    means = [*expected[usual].tolist(), float(expected[~usual].sum())]
    if means[-1] == 0:
        cells.pop(), means.pop()
    assert stats.chisquare(cells, means).pvalue > 0.001


def test_the_tail_of_a_whole_vocabulary_is_drawn_as_often_as_it_should_be():
    logits = torch.full((VOCAB,), 0.0)
    logits[0] = torch.tensor(float(VOCAB - 1)).log()  # half of the probability; the other tokens share the other half
    generator = torch.Generator().manual_seed(3)
    drawn = torch.tensor([choice.sample(logits, generator) for _ in range(20_000)])
    tail = drawn[drawn > 0]
    assert stats.binomtest(len(tail), 20_000, 0.5).pvalue > 0.001
    assert stats.kstest(tail.double(), stats.uniform(1, VOCAB - 1).cdf).pvalue > 0.001


@pytest.mark.parametrize("left", [1, 3, 20, 45, 50])
def test_a_token_is_drawn_where_the_cumulated_probabilities_pass_the_number(left):
    logits = fast.top_k(distinct(50, 4), left)
    reached = logits.double().softmax(dim=0).cumsum(dim=0)
    ours, theirs = (torch.Generator().manual_seed(5) for _ in range(2))
    for _ in range(200):
        drawn = torch.rand((), dtype=torch.float64, generator=theirs)
        assert choice.sample(logits, ours) == int(torch.searchsorted(reached, drawn, right=True))


def test_generators_are_independent_and_repeatable():
    logits = distinct(VOCAB, 5) / 4
    first, second = (torch.Generator().manual_seed(9) for _ in range(2))
    alone = [choice.sample(logits, first) for _ in range(20)]
    other = torch.Generator().manual_seed(10)
    shared = [(choice.sample(logits, second), choice.sample(logits, other)) for _ in range(20)]
    assert alone == [mine for mine, _ in shared]
    assert alone != [others for _, others in shared]
