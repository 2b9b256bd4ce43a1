import gc

import shiboken6
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from gptdesk.ui.models.repository_dialog import RepositoryDialog


def open_dialog(window: QWidget) -> None:
    RepositoryDialog(window).open()


def test_a_dialog_that_asks_for_something_stays_open_while_nothing_else_refers_to_it(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    open_dialog(window)
    gc.collect()
    (dialog,) = window.findChildren(RepositoryDialog)
    assert shiboken6.isValid(dialog)
    assert dialog.isVisible()
    qtbot.waitUntil(lambda: dialog.focusWidget() is dialog.repo)
