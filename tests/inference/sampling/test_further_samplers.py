"""Top-n-sigma, XTC, DRY and dynamic temperature beside their reference implementations, in plain Python."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.sampling import fast
from gptdesk.inference.sampling.chain import SamplerChain
from gptdesk.inference.sampling.dry import dry_penalty
from gptdesk.inference.sampling.random_numbers import RandomNumbers
from gptdesk.inference.sampling.sampler import History
from gptdesk.inference.sampling.settings import DecodingSettings
from tests.inference.sampling import plain
from tests.inference.sampling.logits import (
    INF,
    Floats,
    any_logits,
    check_but,
    distinct,
    floats,
    probabilities,
    probability,
)

EMPTY = History([], [])


def in_torch(function: Callable[..., torch.Tensor], logits: Floats, *values: float) -> Floats:
    result: Floats = function(torch.from_numpy(logits.copy()), *values).numpy()
    return result


def softmax(logits: Sequence[float]) -> list[float]:
    largest = max(logits)
    powers = [math.exp(logit - largest) for logit in logits]
    total = sum(powers)
    return [power / total for power in powers]


@given(any_logits(), st.floats(0.01, 10))
@settings(max_examples=200)
def test_top_n_sigma_keeps_what_lies_within_n_deviations_of_the_highest_logit(logits, n):
    """``llama_sampler_top_n_sigma_apply``: mean and deviation over the logits that are left."""
    left = [value for value in logits.tolist() if value > -INF]
    mean = math.fsum(left) / len(left)
    sigma = math.sqrt(math.fsum((value - mean) ** 2 for value in left) / len(left))
    cut = max(left) - n * sigma
    for kept in (fast.top_n_sigma(logits, n), in_torch(plain.top_n_sigma, logits, n)):
        for before, after in zip(logits.tolist(), kept.tolist(), strict=True):
            if len(left) < 2 or abs(before - cut) > 1e-9:  # nearer than that, rounding decides
                assert after == (before if len(left) < 2 or before >= cut else -INF)


def test_top_n_sigma_keeps_the_same_tokens_at_any_temperature():
    logits = distinct(5000, 3)
    kept = [fast.top_n_sigma(logits / np.float32(value), 1.5) > -INF for value in (0.25, 1, 4)]
    assert 0 < kept[0].sum() < 5000
    assert all(np.array_equal(kept[0], other) for other in kept)


def excluded(logits: list[float], threshold: float) -> set[int]:
    """``XTCLogitsWarper``: sorted by probability, all whose next one reaches the threshold, too."""
    probs = softmax(logits)
    ranked = sorted(range(len(logits)), key=lambda id: -probs[id])
    return {id for id, after in pairwise(ranked) if probs[after] >= threshold}


@given(st.lists(st.integers(-30, 30), min_size=1, max_size=12, unique=True), st.floats(0.01, 0.6))
def test_xtc_removes_all_but_the_least_likely_top_choice(values, threshold):
    logits = [value / 8 for value in values]
    gone = excluded(logits, threshold)
    if any(abs(p - threshold) < 1e-6 for p in softmax(logits)):
        return  # float32 may round to the other side
    expected = [-INF if id in gone else logit for id, logit in enumerate(logits)]
    assert fast.exclude_top_choices(floats(logits), threshold).tolist() == expected
    assert in_torch(plain.exclude_top_choices, floats(logits), threshold).tolist() == expected


@given(any_logits(), probability)
@settings(max_examples=200)
def test_xtc_keeps_the_same_tokens_as_its_plain_definition(logits, threshold):
    ours, theirs = fast.exclude_top_choices(logits, threshold), in_torch(plain.exclude_top_choices, logits, threshold)
    probs = probabilities(logits)
    if not (np.abs(probs - threshold) < 1e-6).any():  # nearer than that, rounding decides
        check_but(ours, theirs, np.zeros(len(logits), np.bool_))


def test_xtc_acts_with_its_probability_and_the_same_seed_gives_the_same_tokens():
    logits = floats([3.0, 2.9, 0.0, 0.0])  # 0 is drawn where XTC does not act, and never where it does
    values = DecodingSettings(xtc_probability=0.3, xtc_threshold=0.2, top_k=2)
    drawn = []
    for _ in range(2):
        chain, numbers = SamplerChain(values), RandomNumbers(4)
        drawn.append([chain.choose(logits, EMPTY, numbers) for _ in range(4000)])
    assert drawn[0] == drawn[1]
    first = softmax([3.0, 2.9])[0]
    assert drawn[0].count(0) / 4000 == pytest.approx(0.7 * first, abs=0.03)


def dry_reference(ids: list[int], breakers: set[int], allowed_length: int) -> dict[int, int]:
    """``DRYLogitsProcessor``: how long a repeated sequence each token would continue."""
    lengths: dict[int, int] = {}
    if not ids or ids[-1] in breakers:
        return lengths
    for place in range(len(ids) - 1):
        following = ids[place + 1]
        if ids[place] != ids[-1] or following in breakers:
            continue
        length = 1
        while length < 50:
            other = place - length
            if other < 0 or ids[other] != ids[-(length + 1)] or ids[-(length + 1)] in breakers:
                break
            length += 1
        lengths[following] = max(length, lengths.get(following, 0))
    return {id: length for id, length in lengths.items() if length >= allowed_length}


@given(
    st.lists(st.integers(0, 3), max_size=120),
    st.sets(st.integers(0, 3), max_size=2),
    st.integers(1, 6),
    st.floats(0.1, 5),
    st.floats(1, 4),
)
@settings(max_examples=300)
def test_dry_lowers_what_the_reference_lowers_by_as_much(ids, breakers, allowed_length, multiplier, base):
    logits = distinct(4, 1)
    expected = logits.copy()
    for id, length in dry_reference(ids, breakers, allowed_length).items():
        expected[id] -= multiplier * base ** (length - allowed_length)
    lowered = dry_penalty(
        logits, ids, multiplier=multiplier, base=base, allowed_length=allowed_length, breaker_ids=breakers
    )
    np.testing.assert_allclose(lowered, expected, rtol=1e-5)


def test_dry_knows_its_breakers_by_the_tokenizer_and_applies_to_greedy_text_too():
    tokenizer = gpt2_tokenizer()
    values = DecodingSettings(dry_multiplier=1.0, temperature=0)
    line = tokenizer.encode(" one two three\n one two")
    logits = np.zeros(tokenizer.vocab_size, np.float32)
    three = tokenizer.encode(" three")[0]
    with_breakers = SamplerChain(values, tokenizer).apply(logits, History(line, []))
    assert float(with_breakers[three]) == -1.0  # two tokens: the line end before them ends the sequence
    longer = tokenizer.encode(" we count one two three, we count one two")
    assert float(SamplerChain(values, tokenizer).apply(logits, History(longer, []))[three]) == pytest.approx(-(1.75**2))
    after_line = tokenizer.encode(" one two\n one two\n")
    assert SamplerChain(values, tokenizer).apply(logits, History(after_line, [])) is logits


@given(any_logits(), st.floats(0, 3), st.floats(0.01, 3), st.floats(0.1, 10))
@settings(max_examples=200)
def test_dynamic_temperature_follows_the_entropy_as_in_llama_cpp(logits, middle, spread, exponent):
    left = [value for value in logits.tolist() if value > -INF]
    result = fast.dynamic_temperature(logits, middle, spread, exponent)
    theirs = in_torch(plain.dynamic_temperature, logits, middle, spread, exponent)
    np.testing.assert_allclose(result, theirs, rtol=1e-5)
    if len(left) < 2:
        assert np.array_equal(result, logits)
        return
    entropy = -sum(p * math.log(p) for p in softmax(left) if p > 0)
    low = max(0.0, middle - spread)
    value = low + (middle + spread - low) * min(1.0, entropy / math.log(len(left))) ** exponent
    if value > 1e-3:
        np.testing.assert_allclose(result, logits / np.float32(value), rtol=1e-4, atol=1e-4)


def test_a_sure_model_is_sharpened_and_an_unsure_one_flattened():
    values = DecodingSettings(temperature=1.0, dynatemp_range=0.5)
    sure, unsure = floats([9.0, 0.0, 0.0]), floats([0.1, 0.0, 0.0])
    for logits, sharper in ((sure, True), (unsure, False)):
        after = probabilities(SamplerChain(values).apply(logits, EMPTY))[0]
        assert (after > probabilities(logits)[0]) == sharper
