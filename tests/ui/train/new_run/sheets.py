"""What a person does with the New run sheet, for its tests."""

import os
import signal
import threading
from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from gptdesk.files import read_json
from gptdesk.locks import is_locked
from gptdesk.ui.train.new_run.sheet import NewRunSheet

LONG = 60_000


def close(sheet: NewRunSheet, qtbot: QtBot) -> None:
    """Closes a sheet and waits until its threads have ended and it is gone."""
    import shiboken6

    if shiboken6.isValid(sheet):
        with qtbot.waitSignal(sheet.destroyed, timeout=LONG):
            sheet.reject()


def kill(record: Path) -> None:
    pid, lock = (read_json(record) or {}).get("pid"), record.with_name(".launch.lock")
    if isinstance(pid, int) and is_locked(lock):
        os.killpg(pid, signal.SIGKILL)
        while is_locked(lock):
            threading.Event().wait(0.01)


def choose_preset(sheet: NewRunSheet, name: str) -> None:
    """Chooses it in the list of presets, as by the mouse."""
    place = sheet.settings.presets.findText(name)
    assert place >= 0
    sheet.settings.presets.setCurrentIndex(place)
    sheet.settings.presets.activated.emit(place)


def settle(sheet: NewRunSheet, qtbot: QtBot) -> None:
    """Waits until what the settings make has been worked out."""
    qtbot.waitUntil(lambda: sheet.evaluation.settled, timeout=LONG)


def choose(sheet: NewRunSheet, data: Path, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: str(data) in sheet.data.sets.rows, timeout=LONG)
    sheet.data.sets.rows[str(data)].click()
    settle(sheet, qtbot)


def drop(sheet: NewRunSheet, *paths: Path, on: QWidget | None = None) -> None:
    """Drops files on a part of the sheet, which hands the event to whoever takes it."""
    target = on or sheet
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    action, button, keys = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(5, 5), action, data, button, keys)
    QApplication.sendEvent(target, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(target, QDropEvent(QPoint(5, 5).toPointF(), action, data, button, keys))


def set_number(sheet: NewRunSheet, key: str, text: str) -> None:
    """Types a number as a person does."""
    box = sheet.settings.form.rows[key].control.focus
    box.setFocus()
    box.selectAll()  # type: ignore[attr-defined]
    QTest.keyClicks(box, text)
    QTest.keyClick(box, Qt.Key.Key_Return)
