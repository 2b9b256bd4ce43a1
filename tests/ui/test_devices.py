"""Where the model computes: what is not there cannot be chosen, what fails is taken back, compiling is said."""

import sys
from collections.abc import Callable
from concurrent.futures import Future

import pytest
from PySide6.QtCore import QMetaObject, Qt
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot

from gptdesk.devices import missing_devices
from gptdesk.folders import Folders
from gptdesk.store.settings import Settings
from gptdesk.store.settings_file import SettingsFile
from gptdesk.ui.services.inference_messages import State

from .conftest import Opened

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="MPS may be there")
PATIENCE = 100_000


def test_a_device_that_is_not_there_is_grey_and_says_why(opened: Opened) -> None:
    menu = opened.window.device.menu()
    menu.aboutToShow.emit()
    (mps,) = [action for action in menu.actions() if "MPS" in action.text()]
    assert mps.text() == "Apple GPU (MPS): it needs a Mac with Apple silicon"
    assert not mps.isEnabled()
    for name, action in (("auto", "Automatic"), ("cpu", "CPU")):
        assert name not in missing_devices()
        assert next(a for a in menu.actions() if a.text() == action).isEnabled()


def test_a_choice_that_fails_goes_back_to_what_worked_and_is_not_kept(opened: Opened, qtbot: QtBot) -> None:
    opened.services.settings.update(device="cpu", precision="bfloat16")
    qtbot.waitUntil(lambda: opened.state is State.READY, timeout=PATIENCE)
    opened.services.settings.update(device="mps", precision="auto")
    qtbot.waitUntil(lambda: opened.window.banners.texts != [], timeout=PATIENCE)
    qtbot.waitUntil(lambda: opened.state is State.READY, timeout=PATIENCE)
    (text,) = opened.window.banners.texts
    assert text.endswith("The previous device and precision are used again.")
    value = opened.services.settings.value
    assert (value.device, value.precision) == ("cpu", "bfloat16")
    opened.services.settings.flush()
    kept, _ = SettingsFile(opened.services.folders.config / "settings.json").load()
    assert kept.device == "cpu"
    press(opened, "Use Automatic")
    assert opened.services.settings.value.device == "auto"
    qtbot.waitUntil(lambda: opened.state is State.READY, timeout=PATIENCE)
    assert opened.window.banners.texts == []


def test_a_hash_that_is_known_while_another_model_is_loaded_does_not_say_that_it_begins(
    opened: Opened, qtbot: QtBot
) -> None:
    inference = opened.services.inference
    info = inference.info
    inference.load(info.model, device="cpu", precision="auto")
    assert opened.state is State.LOADING
    with qtbot.assertNotEmitted(inference.state_changed):
        inference.engines._on_hashed(info.folder, "a hash")
    qtbot.waitUntil(lambda: opened.state is State.READY)


def press(opened: Opened, text: str) -> None:
    next(b for b in opened.window.banners.findChildren(QAbstractButton) if b.text() == text).click()


def test_a_device_of_another_day_that_is_gone_can_be_left(
    open_window: Callable[..., Opened], folders: Folders, qtbot: QtBot
) -> None:
    SettingsFile(folders.config / "settings.json").save(Settings(device="mps"))
    opened = open_window()
    qtbot.waitUntil(lambda: opened.window.banners.texts != [], timeout=PATIENCE)
    opened.window.playground.editor.replace_selection("Once")
    opened.window.playground.generate.trigger()
    assert len(opened.window.banners.texts) == 1, "the chosen model is not at fault"
    press(opened, "Use Automatic")
    qtbot.waitUntil(lambda: opened.state is State.READY, timeout=PATIENCE)
    assert opened.window.banners.texts == []


def test_the_status_bar_says_that_code_is_compiled_and_what_that_means(opened: Opened, qtbot: QtBot) -> None:
    worker, status = opened.services.inference._host.worker, opened.window.status
    assert worker._engine is not None
    assert not status.compiling.isVisible()
    before, coming = worker._engine.decoder, Future()  # type: ignore[var-annotated]

    def look() -> None:
        QMetaObject.invokeMethod(worker, "_tell_changes", Qt.ConnectionType.QueuedConnection)  # type: ignore[call-overload]

    worker._engine.decoder = coming
    look()
    qtbot.waitUntil(status.compiling.isVisible, timeout=PATIENCE)
    assert "slower" in status.compiling.text()
    assert "compiled" in status.compiling.accessibleDescription()
    coming.set_result(None)
    look()
    qtbot.waitUntil(lambda: not status.compiling.isVisible(), timeout=PATIENCE)
    worker._engine.decoder = before
