"""Distinct-n, repetition, and Wilson's interval beside scipy."""

import pytest
from scipy.stats import binomtest

from gptdesk.compare.text_figures import distinct, repetition
from gptdesk.compare.wilson import wilson_interval


def test_distinct_counts_different_ngrams_for_each_word() -> None:
    text = "The cat sat. The cat ran."
    assert distinct(text, 1) == 5 / 8  # the cat sat . ran
    assert distinct(text, 2) == 6 / 8  # the-cat cat-sat sat-. .-the cat-ran ran-.
    assert distinct("", 1) is None
    assert distinct("one", 2) == 0


def test_repetition_is_the_share_of_fourgrams_that_occurred_before() -> None:
    assert repetition("a b c d e f") == 0
    assert repetition("a b c d a b c d") == pytest.approx(1 - 4 / 5)
    assert repetition("so so so so so so so") == 3 / 4
    assert repetition("a b c") is None


@pytest.mark.parametrize(("wins", "votes"), [(0, 1), (1, 1), (3, 7), (0, 20), (20, 20), (61, 100), (1, 5_000)])
def test_the_interval_is_scipys(wins: int, votes: int) -> None:
    theirs = binomtest(wins, votes).proportion_ci(confidence_level=0.95, method="wilson")
    assert wilson_interval(wins, votes) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_without_a_vote_anything_is_possible() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)
