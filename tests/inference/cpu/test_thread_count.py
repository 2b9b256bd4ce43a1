"""The number of threads follows what is fastest."""

from collections.abc import Callable

import pytest

from gptdesk.inference.cpu.thread_count import ThreadCount


def settle(threads: ThreadCount, seconds: Callable[[int], float], steps: int = 1000) -> list[int]:
    """The numbers chosen, when steps take so long with each."""
    chosen = []
    for _ in range(steps):
        count = threads.choose()
        threads.took(seconds(count))
        chosen.append(count)
    return chosen


def mostly(chosen: list[int]) -> int:
    return max(set(chosen), key=chosen.count)


@pytest.mark.parametrize(("most", "best"), [(1, 1), (2, 1), (2, 2), (8, 8), (8, 7), (8, 3), (8, 1)])
def test_the_fastest_number_is_found(most: int, best: int) -> None:
    chosen = settle(ThreadCount(most), lambda count: 1 + abs(count - best))
    assert mostly(chosen[500:]) == best
    assert all(1 <= count <= most for count in chosen)
    assert chosen[500:].count(best) > 0.9 * 500


def test_it_changes_when_the_computer_gets_busy_and_idle_again() -> None:
    threads = ThreadCount(2)
    assert mostly(settle(threads, lambda count: 1 / count)) == 2
    assert mostly(settle(threads, lambda count: 1 if count == 1 else 2)[500:]) == 1
    assert mostly(settle(threads, lambda count: 1 / count)[500:]) == 2


def test_threads_that_sleep_are_given_the_time_to_wake() -> None:
    """Two are twice as fast as one, once the second is awake; in the step that wakes it they are slower."""
    threads, before = ThreadCount(2), 2
    settle(threads, lambda count: 1 if count == 1 else 2)  # two are slow meanwhile

    def seconds(count: int) -> float:
        nonlocal before
        wakes, before = count > before, count
        return 1.5 if wakes else 1 / count

    assert mostly(settle(threads, seconds)[500:]) == 2


def test_two_late_steps_before_a_trial_do_not_decide() -> None:
    """A thread was preempted in some of the steps before each trial, as happens now and then; two are faster."""
    threads = ThreadCount(2)
    chosen = []
    for step in range(1, 640):
        chosen.append(count := threads.choose())
        threads.took(5 if count == 2 and step % 64 in (60, 61, 63) else 1.7 / count)
    assert chosen.count(1) == 5 * 9, "nothing but the trials"


def test_steps_after_a_pause_are_not_compared_with_those_before() -> None:
    """A long context after a short one: with one thread the short one takes less time than the long one with two."""
    threads = ThreadCount(2)
    for _ in range(200):
        threads.resume()
        chosen = settle(threads, lambda count: 10 / count, steps=31)
        threads.resume()
        assert set(chosen + settle(threads, lambda count: 3 / count, steps=31)) == {2}
