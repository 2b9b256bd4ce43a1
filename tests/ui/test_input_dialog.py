import gc

import shiboken6
from PySide6.QtWidgets import QTextEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gptdesk.ui.models.repository_dialog import RepositoryDialog
from gptdesk.ui.widgets.dialog import Dialog


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


def test_a_dialog_is_no_larger_than_a_small_window(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(720, 480)
    window.show()
    dialog = Dialog("Large", window, width=940)
    text = QTextEdit()
    text.setMinimumHeight(100)
    QVBoxLayout(dialog).addWidget(text)
    dialog.resize(1000, 800)
    dialog.open()
    assert dialog.width() < window.width()
    assert dialog.height() < window.height()
