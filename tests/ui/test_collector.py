"""What Python's collector of cycles need not look at, and what ends without it."""

import gc
import weakref

import pytest
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


def test_a_model_ends_without_the_collector() -> None:
    pytest.importorskip("numba")
    entry = find_model(BUNDLED, Folders.of_this_user())
    assert entry.path is not None
    engine = Engine.load(entry.path, device="cpu")
    assert engine._decoder_future is not None
    decoder = engine._decoder_future.result(timeout=600)
    list(engine.generate("Once", DecodingSettings(max_tokens=4, n=2)))
    ends = [weakref.ref(part) for part in (engine.model, decoder, engine._context)]
    gc.disable()
    try:
        del engine, decoder
        assert [end() for end in ends] == [None] * 3
    finally:
        gc.enable()
