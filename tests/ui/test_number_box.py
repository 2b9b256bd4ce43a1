"""A box for a number says why what was typed is not used."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QPushButton, QVBoxLayout
from pytestqt.qtbot import QtBot

from gptdesk.ui.train.runs.dialogs.change import ChangeDialog
from gptdesk.ui.widgets.inputs.number_box import NumberBox


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("0", "0 cannot be used: at least 1, at most 12. The value is 5 again."),
        ("99", "99 cannot be used: at least 1, at most 12. The value is 5 again."),
        ("", "A number is needed: at least 1, at most 12. The value is 5 again."),
    ],
)
def test_what_is_refused_is_said_and_the_value_is_back(typed: str, said: str, qtbot: QtBot) -> None:
    dialog, box, button = QDialog(), NumberBox(1, 12, 0), QPushButton("Start")
    qtbot.addWidget(dialog)
    layout = QVBoxLayout(dialog)
    layout.addWidget(box)
    layout.addWidget(button)
    button.setDefault(True)
    pressed: list[bool] = []
    button.clicked.connect(lambda: pressed.append(True))
    box.setValue(5)
    dialog.show()
    box.selectAll()
    QTest.keyClick(box, Qt.Key.Key_Delete)
    QTest.keyClicks(box, typed)
    with qtbot.waitSignal(box.refused) as refused:
        QTest.keyClick(box, Qt.Key.Key_Return)
    assert refused.args == [said]
    assert box.value() == 5
    assert not pressed, "Enter must not press the default button with a value that was not typed"
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert pressed


def test_a_dialog_says_what_its_boxes_refuse(qtbot: QtBot) -> None:
    dialog = ChangeDialog({"eval_interval": 100})
    qtbot.addWidget(dialog)
    dialog.show()
    box = dialog.boxes["learning_rate_factor"]
    box.selectAll()
    QTest.keyClicks(box, "11")
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert dialog.problem.isVisible()
    assert dialog.problem.text().startswith("11 cannot be used: at least 0.00, at most 10.00.")
    assert dialog.isVisible()
    box.setValue(2)
    assert not dialog.problem.text()
