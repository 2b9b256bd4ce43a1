"""Settings of runs, held against each other."""

from typing import Any

import pytest

from gptdesk.training.differences import settings_diff
from gptdesk.training.published import published_losses


def rows(*configs: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {row.name: row.values for row in settings_diff(configs)}


def test_only_what_differs_is_told_in_the_order_in_which_it_stands() -> None:
    first = {"optim": {"lr": 6e-4, "betas": [0.9, 0.95]}, "run": {"folder": "a", "compile": True, "seed": 1}}
    second = {"optim": {"lr": 3e-4, "betas": [0.9, 0.99]}, "run": {"folder": "b", "compile": False, "seed": 1}}
    assert rows(first, second) == {
        "optim.lr": ("0.0006", "0.0003"),
        "optim.betas": ("0.9, 0.95", "0.9, 0.99"),
        "run.compile": ("on", "off"),
    }


@pytest.mark.parametrize(("one", "other"), [(1.0, 1.0000001), (0.12345678, 0.12345679), (1e6, 1e6 + 0.25)])
def test_numbers_that_differ_a_little_differ(one: float, other: float) -> None:
    (values,) = rows({"optim": {"lr": one}}, {"optim": {"lr": other}}).values()
    assert [float(value) for value in values] == [one, other]


def test_a_number_is_the_same_however_it_is_written() -> None:
    assert rows({"optim": {"clip": 1}}, {"optim": {"clip": 1.0}}) == {}


def test_a_setting_that_a_run_does_not_have_is_shown_as_absent() -> None:
    assert rows({"optim": {"lr": 1.0}}, {"optim": 3}, {}) == {"optim.lr": ("1", "–", "–"), "optim": ("–", "3", "–")}


def test_settings_are_compared_by_value_and_the_folder_is_none() -> None:
    first = {"run": {"folder": "/a", "seed": 1, "compile": "auto"}, "model": {"bias": True}, "only": 1}
    second = {"run": {"folder": "/b", "seed": 2, "compile": "auto"}, "model": {"bias": False}}
    rows = settings_diff([first, second])
    assert [(row.name, row.values) for row in rows] == [
        ("run.seed", ("1", "2")),
        ("model.bias", ("on", "off")),
        ("only", ("1", "–")),
    ]
    assert settings_diff([first, first]) == []


def test_the_published_losses_are_those_of_four_models() -> None:
    assert [row.loss for row in published_losses()] == [3.12, 2.84, 2.67, 2.54]
