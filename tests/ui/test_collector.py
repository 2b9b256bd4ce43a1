"""What Python's collector of cycles need not look at, and what ends without it."""

import gc
import threading
import weakref

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from gptdesk.folders import Folders
from gptdesk.inference.engine import Engine
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.library.catalogue import BUNDLED, find_model
from gptdesk.ui.services.inference import Inference
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.window.application import spare_the_collector


def test_what_is_loaded_is_frozen_once_a_model_is_ready(qtbot: QtBot) -> None:
    inference = Inference(lambda name: find_model(name, Folders.of_this_user()).path)
    spare_the_collector(inference)
    before = gc.get_freeze_count()
    inference.start()
    inference.load(BUNDLED, device="cpu", precision="auto")
    try:
        qtbot.waitUntil(lambda: inference.state is State.READY, timeout=600_000)
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()
        assert inference.shut_down(60_000)


def test_no_other_thread_collects_while_models_are_loaded(qtbot: QtBot) -> None:
    """It would destroy QObjects while Qt holds a lock that the GUI thread may want while it has the interpreter."""
    collecting: set[int] = set()

    def note(_phase: str, _about: dict[str, int]) -> None:
        collecting.add(threading.get_ident())

    inference = Inference(lambda name: find_model(name, Folders.of_this_user()).path)
    inference.start()
    gc.callbacks.append(note)
    try:
        for _ in range(2):  # the second takes the place of the first
            inference.load(BUNDLED, device="cpu", precision="auto")
            qtbot.waitUntil(lambda: inference.state is State.LOADING)
            qtbot.waitUntil(lambda: inference.state is State.READY)
    finally:
        gc.callbacks.remove(note)
        assert inference.shut_down(60_000)
    assert collecting <= {threading.get_ident()}


def test_cycles_of_qobjects_end_in_the_gui_thread(qtbot: QtBot) -> None:
    ended: list[int] = []
    child = QObject()
    child.cycle = child  # type: ignore[attr-defined]
    weakref.finalize(child, lambda: ended.append(threading.get_ident()))
    del child
    _ = [[] for _ in range(2_000)]  # makes a collection due
    qtbot.waitUntil(lambda: ended != [])
    assert ended == [threading.get_ident()]


def test_a_model_ends_without_the_collector() -> None:
    pytest.importorskip("numba")
    entry = find_model(BUNDLED, Folders.of_this_user())
    assert entry.path is not None
    engine = Engine.load(entry.path, device="cpu")
    assert engine.decoder is not None
    decoder = engine.decoder.result(timeout=600)
    list(engine.generate("Once", DecodingSettings(max_tokens=4, n=2)))
    ends = [weakref.ref(part) for part in (engine.network, decoder, engine.context)]
    del engine, decoder
    assert not gc.isenabled()
    assert [end() for end in ends] == [None] * 3
