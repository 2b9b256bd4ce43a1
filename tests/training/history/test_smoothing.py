"""Smoothed curves against scipy's filter, and where lines are broken."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter

from gptdesk.training.history.smoothing import smooth, with_gaps

NAN = float("nan")


def by_scipy(y: np.ndarray, factor: float) -> np.ndarray:
    """The average as a recursive filter, divided by the sum of its weights."""
    return lfilter([1 - factor], [1, -factor], y) / (1 - factor ** np.arange(1, len(y) + 1))


@given(st.integers(1, 5_000), st.floats(0, 0.999), st.integers(0, 99))
def test_smoothing_is_an_exponential_average(count: int, factor: float, seed: int) -> None:
    y = 3 + np.random.default_rng(seed).normal(size=count)
    np.testing.assert_allclose(smooth(y, factor), by_scipy(y, factor), rtol=1e-11)


def test_a_long_curve_keeps_its_precision() -> None:
    y = np.random.default_rng(0).normal(size=300_001) * 1e-3 + 10
    np.testing.assert_allclose(smooth(y, 0.999), by_scipy(y, 0.999), rtol=1e-12)


def test_it_begins_at_the_first_value_and_keeps_a_constant() -> None:
    assert smooth(np.array([7.0, 1.0]), 0.99)[0] == pytest.approx(7)
    np.testing.assert_allclose(smooth(np.full(10_000, 2.5), 0.999), 2.5, rtol=1e-12)


def test_nothing_smoothed_is_nothing() -> None:
    assert len(smooth(np.empty(0), 0.9)) == 0


def test_factor_zero_changes_nothing_and_gives_a_copy() -> None:
    y = np.array([1.0, NAN, 3.0])
    smoothed = smooth(y, 0)
    np.testing.assert_array_equal(smoothed, y)
    assert smoothed is not y


@pytest.mark.parametrize("factor", [0.0, 0.5, 0.99])
def test_what_is_no_number_stays_away(factor: float) -> None:
    y = np.random.default_rng(0).normal(size=500)
    holes = np.zeros(500, dtype=bool)
    holes[[0, 7, 8, 100, 499]] = True
    y[holes] = [NAN, np.inf, -np.inf, NAN, NAN]
    smoothed = smooth(y, factor)
    assert np.isnan(smoothed[holes]).all()
    np.testing.assert_allclose(smoothed[~holes], by_scipy(y[~holes], factor))


def test_the_input_is_left_as_it_is() -> None:
    y = np.arange(100.0)
    y.flags.writeable = False
    smooth(y, 0.9)
    np.testing.assert_array_equal(y, np.arange(100.0))


def gaps(step: list[float], value: list[float] | None = None) -> list[int]:
    broken = with_gaps(np.array(step, float), np.array(value or [1.0] * len(step)))
    assert len(broken) == len(step)
    return np.flatnonzero(broken).tolist()


def test_an_even_line_is_not_broken() -> None:
    assert gaps([10, 20, 30, 40, 45]) == []


@pytest.mark.parametrize("steps", [[], [1.0], [1.0, 900.0]])
def test_too_few_points_for_a_gap(steps: list[float]) -> None:
    assert gaps(steps) == []


def test_a_line_is_broken_where_records_were_lost() -> None:
    assert gaps([1, 2, 3, 90, 91, 92]) == [2]


def test_a_logging_interval_that_was_changed_is_no_gap() -> None:
    assert gaps([1, 2, 3, 10, 20, 30, 31, 32]) == []
    assert gaps([100, 200, 300, 301, 302, 303]) == []


def test_a_line_is_broken_on_both_sides_of_what_is_no_number() -> None:
    assert gaps([1, 2, 3, 4, 5], [1.0, 1.0, NAN, 1.0, np.inf]) == [1, 2, 3]


def test_a_line_is_broken_where_steps_go_back() -> None:
    assert gaps([1, 2, 3, 2, 3, 3, 4]) == [2, 4]
