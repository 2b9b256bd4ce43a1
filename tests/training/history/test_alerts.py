"""The rules by which a person is told."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptdesk.training.history.alerts import SLOW_STEPS, SPIKE_SCORE, WINDOW, Alert, AlertDetector

NAN = float("nan")


def look(losses: np.ndarray, speeds: np.ndarray | None = None, bite: int = 1_000_000) -> list[Alert]:
    """What is raised over logged steps 1, 2, ... that come so many at a time."""
    watch, found = AlertDetector(), []
    speeds = np.full(len(losses), 5_000.0) if speeds is None else speeds
    numbers = np.arange(1.0, len(losses) + 1)
    for first in range(0, len(losses), bite):
        part = slice(first, first + bite)
        found += watch.steps(numbers[part], 100 + numbers[part], losses[part], speeds[part])
    return found


def kinds(alerts: list[Alert]) -> list[tuple[str, int]]:
    return [(alert.kind, alert.step) for alert in alerts]


def noise(count: int, seed: int = 0) -> np.ndarray:
    return 3 + np.random.default_rng(seed).normal(0, 0.05, count)


def test_normal_noise_raises_nothing() -> None:
    speeds = np.random.default_rng(1).normal(5_000, 200, 100_000)
    assert look(noise(100_000), speeds) == []


def test_a_spike_is_told_with_its_figures() -> None:
    losses = noise(400)
    losses[299] = 5.5
    (alert,) = look(losses)
    assert (alert.kind, alert.step, alert.t) == ("spike", 300, 400)
    assert "5.500" in alert.explanation
    assert "step 300" in alert.explanation


def test_a_loss_that_falls_fast_at_the_start_is_no_spike() -> None:
    assert look(3 + 8 * np.exp(-np.arange(2_000) / 100)) == []


def test_a_loss_far_below_is_no_spike() -> None:
    losses = noise(400)
    losses[299] = 0.1
    assert look(losses) == []


def test_a_spike_among_the_first_losses_has_nothing_to_compare_with() -> None:
    losses = noise(WINDOW)
    losses[WINDOW - 2] = 9
    assert look(losses) == []


def test_a_flutter_of_a_constant_loss_is_no_spike() -> None:
    losses = np.full(400, 3.0)
    losses[300] = 3.001
    assert look(losses) == []


def test_a_spike_that_lasts_is_told_once_and_a_later_one_again() -> None:
    losses = noise(2_000)
    losses[500:520] = np.linspace(5, 50, 20)
    losses[1_500] = 9
    assert kinds(look(losses)) == [("spike", 501), ("spike", 1_501)]


@pytest.mark.parametrize("huge", [1e30, 1e160, 1e300])
def test_a_huge_loss_does_not_blind_the_watch(huge: float) -> None:
    losses = noise(1_000)
    losses[300], losses[700] = huge, 5.0
    assert kinds(look(losses)) == [("spike", 301), ("spike", 701)]


@given(st.integers(0, 50), st.integers(1, 700))
def test_spikes_are_those_of_the_definition(seed: int, bite: int) -> None:
    """Mean and standard deviation of the window that the loss ends; the least spread plays no part here."""
    rng = np.random.default_rng(seed)
    losses = 3 + 0.1 * rng.standard_t(3, 700)
    losses[rng.integers(0, 700, 5)] = NAN
    expected, quiet_until, seen = [], 0, []
    for number, loss in enumerate(losses, 1):
        if np.isfinite(loss):
            seen.append(loss)
            window = seen[-WINDOW:]
            spike = len(window) == WINDOW and loss - np.mean(window) > SPIKE_SCORE * np.std(window)
            if spike and len(seen) >= quiet_until:
                expected.append(number)
                quiet_until = len(seen) + WINDOW
    assert [alert.step for alert in look(losses, bite=bite) if alert.kind == "spike"] == expected


def test_losses_that_are_not_finite_are_told_where_they_begin() -> None:
    losses = noise(300)
    losses[100:200] = NAN
    losses[250] = np.inf
    for bite in (1, 7, 300):
        assert kinds(look(losses, bite=bite)) == [("nonfinite", 101), ("nonfinite", 251)]


def test_a_drop_of_speed_is_told_when_it_has_lasted() -> None:
    speeds = np.random.default_rng(0).normal(5_000, 100, 1_000)
    speeds[600:700] = 3_000
    for bite in (1, 10, 64, 1_000):
        (alert,) = look(noise(1_000), speeds, bite)
        assert (alert.kind, alert.step) == ("slow", 600 + SLOW_STEPS)
        assert "3,000 tokens per second" in alert.explanation


def test_a_few_slow_steps_and_a_slight_drop_are_usual() -> None:
    speeds = np.full(1_000, 5_000.0)
    speeds[500 : 500 + SLOW_STEPS - 1] = 100
    speeds[700:] = 4_100
    assert look(noise(1_000), speeds) == []


def test_a_slow_beginning_is_no_drop() -> None:
    speeds = np.full(1_000, 5_000.0)
    speeds[:20] = 50
    assert look(noise(1_000), speeds) == []


def test_speeds_that_are_missing_do_not_count() -> None:
    assert look(noise(1_000), np.full(1_000, NAN)) == []
    speeds = np.full(1_000, 5_000.0)
    speeds[::2] = NAN
    speeds[601:700:2] = 1_000
    assert kinds(look(noise(1_000), speeds)) == [("slow", 602 + 2 * (SLOW_STEPS - 1))]


def evaluate(losses: list[float], trainings: list[float]) -> list[int]:
    watch = AlertDetector()
    return [
        number
        for number, (loss, training) in enumerate(zip(losses, trainings, strict=True))
        if [alert.kind for alert in watch.evaluation(number, 0.0, loss, training)] == ["overfitting"]
    ]


def test_validation_that_rises_three_times_while_training_falls_is_told_once() -> None:
    assert evaluate([4, 3, 3.1, 3.2, 3.3, 3.4, 3.5], [4, 3, 2.9, 2.8, 2.7, 2.6, 2.5]) == [4]


def test_it_is_told_again_after_a_new_best() -> None:
    losses = [3, 3.1, 3.2, 3.3, 3.2, 3.3, 3.4, 3.5, 2.9, 3.0, 3.1, 3.2]
    assert evaluate(losses, [5 - 0.1 * number for number in range(len(losses))]) == [3, 11]


@pytest.mark.parametrize("training", [4.0, 4.5, NAN])
def test_it_is_not_told_when_training_does_not_fall(training: float) -> None:
    assert evaluate([3, 3.1, 3.2, 3.3], [4, 4, 4, training]) == []


def test_a_pause_in_the_rise_begins_the_count_again() -> None:
    assert evaluate([3, 3.1, 3.2, 3.15, 3.2, 3.3], [4, 3.9, 3.8, 3.7, 3.6, 3.5]) == []


def test_a_validation_loss_that_is_not_finite_is_told_unless_the_losses_have() -> None:
    watch = AlertDetector()
    assert kinds(watch.evaluation(3, 0.0, NAN, 3.0)) == [("nonfinite", 3)]
    assert watch.evaluation(4, 0.0, NAN, 3.0) == []


def test_a_validation_loss_that_stays_no_number_is_told_once_though_the_losses_are_fine() -> None:
    watch, found = AlertDetector(), []
    for number in range(1, 9):
        fine = np.array([float(number)])
        found += watch.steps(fine, fine, fine, fine)
        found += watch.evaluation(number, 0.0, 3.0 if number == 5 else NAN, 3.0)
    assert kinds(found) == [("nonfinite", 1), ("nonfinite", 6)]


def test_going_back_forgets_what_was_usual() -> None:
    watch = AlertDetector()
    numbers = np.arange(1.0, 301)
    fast, slow = np.full(300, 5_000.0), np.full(300, 2_000.0)
    assert watch.steps(numbers, numbers, noise(300), fast) == []
    watch.reset()
    assert watch.steps(numbers, numbers, noise(300) + 4, slow) == []


def test_a_checkpoint_that_was_not_written_says_why_and_what_to_do() -> None:
    (alert,) = AlertDetector().checkpoint_failed(7, 0.0, "There is no room for a checkpoint.")
    assert alert.kind == "disk"
    assert alert.explanation.startswith("There is no room for a checkpoint. The run is paused. Free")
