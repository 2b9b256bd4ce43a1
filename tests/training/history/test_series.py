"""Columns that grow while others look, and what of a curve a screen shows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptdesk.metrics import AXES
from gptdesk.training.history.series import Series, Table, decimate

PIXELS = 50


def table(rows: int) -> Table:
    made = Table((*AXES, "loss"))
    for row in range(rows):
        made.append(np.array([[row], [100.0 * row], [2.0 * row], [-row]]))
    return made


def curve(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.random(count)), rng.normal(size=count)


def test_rows_come_back_by_column_however_many() -> None:
    made = table(1_000)
    assert len(made) == 1_000
    series = made.series("loss")
    assert len(series) == 1_000
    for axis, factor in (("step", 1), ("tokens", 100), ("time", 2)):
        np.testing.assert_array_equal(series.x(axis), factor * np.arange(1_000.0))
    np.testing.assert_array_equal(series.value, -np.arange(1_000.0))


def test_what_was_handed_out_stays_when_the_table_grows_or_is_cut() -> None:
    made = table(10)
    series = made.series("loss")
    head = made.head(4)
    head.append(np.full((4, 1), 7.0))
    made.append(np.full((4, 1_000), 8.0))
    np.testing.assert_array_equal(series.value, -np.arange(10.0))
    np.testing.assert_array_equal(head.column("loss"), [0, -1, -2, -3, 7])
    np.testing.assert_array_equal(made.column("loss", 9), [-9, *[8.0] * 1_000])


def test_room_made_for_more_rows_changes_no_row() -> None:
    made = table(3)
    made.append(np.empty((4, 1_000)))
    np.testing.assert_array_equal(made.column("step")[:3], [0, 1, 2])


def test_an_axis_that_does_not_exist_is_our_mistake() -> None:
    empty = np.empty(0)
    with pytest.raises(AssertionError):
        Series(empty, empty, empty, empty).x("parsecs")


def test_few_points_are_all_shown() -> None:
    x, y = curve(4 * PIXELS)
    shown_x, shown_y = decimate(x, y, x[0], x[-1], PIXELS)
    np.testing.assert_array_equal(shown_x, x)
    np.testing.assert_array_equal(shown_y, y)


def test_nothing_is_shown_of_nothing() -> None:
    shown_x, shown_y = decimate(np.empty(0), np.empty(0), 0.0, 1.0, PIXELS)
    assert (len(shown_x), len(shown_y)) == (0, 0)


@given(st.integers(0, 20_000), st.floats(-10, 6_000), st.floats(1, 12_000), st.integers(0, 99), st.booleans())
def test_every_pixel_column_keeps_its_extremes(
    count: int, lo: float, width: float, seed: int, with_holes: bool
) -> None:
    x, y = curve(count, seed)
    if with_holes:
        y[:: 7 + seed] = np.nan
    hi = lo + width
    shown_x, shown_y = decimate(x, y, lo, hi, PIXELS)
    assert len(shown_x) == len(shown_y) <= 4 * PIXELS + 2
    assert (np.diff(shown_x) >= 0).all()
    inside, shown_inside = (x >= lo) & (x <= hi), (shown_x >= lo) & (shown_x <= hi)
    edges = lo + width / PIXELS * np.arange(1, PIXELS)
    columns, shown_columns = np.searchsorted(edges, x, "right"), np.searchsorted(edges, shown_x, "right")
    for column in range(PIXELS):
        values = y[inside & (columns == column)]
        shown = shown_y[shown_inside & (shown_columns == column)]
        assert np.isnan(values).any() == np.isnan(shown).any()
        numbers, shown_numbers = values[~np.isnan(values)], shown[~np.isnan(shown)]
        assert bool(len(numbers)) == bool(len(shown_numbers))
        if len(numbers):
            assert (numbers.min(), numbers.max()) == (shown_numbers.min(), shown_numbers.max())


def test_the_next_points_outside_carry_the_line_to_the_edges() -> None:
    x, y = np.arange(10_000.0), np.arange(10_000.0)
    for lo, hi in ((100.5, 9_000.5), (100.5, 110.5), (100.25, 100.75)):
        shown_x, _ = decimate(x, y, lo, hi, PIXELS)
        assert shown_x[0] == 100
        assert shown_x[-1] == np.floor(hi) + 1


def test_a_hole_within_a_pixel_still_breaks_the_line() -> None:
    x, y = np.arange(10_000.0), np.zeros(10_000)
    y[5_050] = np.nan
    _, shown_y = decimate(x, y, 0, 9_999, PIXELS)
    assert np.isnan(shown_y).sum() == 1


def test_many_points_at_one_place_are_few_on_the_screen() -> None:
    x, y = np.zeros(10_000), np.arange(10_000.0)
    shown_x, shown_y = decimate(x, y, -1, 1, PIXELS)
    assert len(shown_x) == 4
    assert (shown_y.min(), shown_y.max()) == (0, 9_999)
