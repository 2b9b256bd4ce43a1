"""What waits for the model is started when it is ready, when there is none, or when it takes long; never twice."""

import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from gptdesk.ui.services.deferred_start import DeferredStart
from gptdesk.ui.services.inference_messages import State


class Model(QObject):
    """The part of an inference service that is looked at."""

    state_changed = Signal()

    def __init__(self, state: State) -> None:
        super().__init__()
        self.state = state

    def change(self, state: State) -> None:
        self.state = state
        self.state_changed.emit()


@pytest.mark.parametrize("end", [State.READY, State.EMPTY])
def test_it_starts_when_the_model_is_no_longer_loaded_and_only_once(end: State, qtbot: QtBot) -> None:
    model, started = Model(State.LOADING), list[str]()
    deferred = DeferredStart(model)
    deferred.defer(lambda: started.append("one"), lambda: started.append("two"))
    model.change(State.LOADING)
    assert started == []
    model.change(end)
    model.change(State.READY)
    assert started == ["one", "two"]


def test_it_starts_at_once_where_no_model_is_loaded(qtbot: QtBot) -> None:
    started = list[str]()
    DeferredStart(Model(State.EMPTY)).defer(lambda: started.append("one"))
    assert started == ["one"]


def test_it_does_not_wait_long_for_a_large_model(qtbot: QtBot) -> None:
    started = list[str]()
    deferred = DeferredStart(Model(State.LOADING))
    deferred.defer(lambda: started.append("one"))
    qtbot.waitUntil(lambda: started == ["one"])


def test_what_is_cancelled_does_not_start(qtbot: QtBot) -> None:
    model, started = Model(State.LOADING), list[str]()
    deferred = DeferredStart(model)
    deferred.defer(lambda: started.append("one"))
    deferred.cancel()
    model.change(State.READY)
    assert started == []
