"""Throttle, debounce and rate limit: many requests, few calls."""

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from gptdesk.ui.throttle import Debounce, Delayed, RateLimit, Throttle

LONG = 10**8
"""Milliseconds that no test waits for."""


@pytest.fixture
def parent(qtbot: QtBot) -> QObject:
    return QObject()


def test_a_throttle_works_once_for_all_requests_of_an_interval(parent: QObject, qtbot: QtBot) -> None:
    calls: list[int] = []
    throttle = Throttle(lambda: calls.append(1), 1, parent)
    for _ in range(10):
        throttle.request()
    assert throttle.pending
    assert calls == []
    qtbot.waitUntil(lambda: calls == [1])
    assert not throttle.pending
    throttle.request(0)
    qtbot.waitUntil(lambda: calls == [1, 1])


def test_a_throttle_is_not_delayed_by_later_requests_and_a_debounce_is(parent: QObject) -> None:
    throttle, debounce = Throttle(lambda: None, LONG, parent), Debounce(lambda: None, LONG, parent)
    throttle.request(LONG // 2)
    throttle.request()
    assert throttle._timer.interval() == LONG // 2
    debounce.request()
    debounce._timer.start(1)  # as if most of the interval had passed
    debounce.request()
    assert debounce._timer.remainingTime() > LONG // 2


@pytest.mark.parametrize("kind", [Throttle, Debounce])
def test_what_is_pending_can_be_done_now_or_forgotten(kind: type[Throttle | Debounce], parent: QObject) -> None:
    calls: list[int] = []
    delayed = kind(lambda: calls.append(1), LONG, parent)
    delayed.flush()
    assert calls == []
    delayed.request()
    delayed.flush()
    delayed.flush()
    assert calls == [1]
    delayed.request()
    delayed.cancel()
    delayed.flush()
    assert calls == [1]


def test_a_rate_limit_works_at_once_and_again_when_the_interval_has_passed(parent: QObject, qtbot: QtBot) -> None:
    calls: list[int] = []
    limit = RateLimit(lambda: calls.append(1), 20, parent)
    for _ in range(10):
        limit.request()
    assert calls == [1]
    assert limit.pending
    qtbot.waitUntil(lambda: calls == [1, 1])
    assert not limit.pending


def test_a_rate_limit_does_nothing_at_the_end_of_an_interval_without_requests(parent: QObject, qtbot: QtBot) -> None:
    calls: list[int] = []
    limit = RateLimit(lambda: calls.append(1), LONG, parent)
    limit.work_now()
    limit.work_now()
    assert calls == [1, 1]
    limit._timer.timeout.emit()
    assert calls == [1, 1]
    limit.request()
    limit.cancel()
    limit._timer.timeout.emit()
    assert calls == [1, 1]


def test_nothing_is_done_for_a_parent_that_was_deleted(qtbot: QtBot) -> None:
    owner, calls = QObject(), list[int]()
    kinds: list[Delayed] = [Throttle(lambda: calls.append(1), 0, owner), Debounce(lambda: calls.append(1), 0, owner)]
    for delayed in kinds:
        delayed.request()  # type: ignore[attr-defined]
    owner.deleteLater()
    with qtbot.waitSignal(owner.destroyed):
        pass
    later = QObject()
    done: list[int] = []
    Throttle(lambda: done.append(1), 1, later).request()
    qtbot.waitUntil(lambda: done == [1])
    assert len(calls) <= 2  # zero timers may come before the deletion; none comes after it
