"""A row of the form: a setting's name, its control, what it does, and what is wrong with it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from gptdesk.ui.theme import Theme
from gptdesk.ui.train.new_run.controls import WIDTH, make_control
from gptdesk.ui.train.new_run.schema import Setting


class SettingRow(QWidget):
    """One setting.

    Attributes:
        problem: why its value cannot work; empty when it can.

    Signals:
        changed(str, object): the person gave the setting of that key this value.
    """

    changed = Signal(str, object)

    def __init__(self, setting: Setting, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setting = setting
        self.problem = ""
        self.control = make_control(setting, theme)
        self.control.setFixedWidth(WIDTH)
        self.label = QLabel(setting.title)
        self.label.setBuddy(self.control.focus)
        self.help = QLabel(_sentence(setting, setting.telling_limits))
        self.help.setProperty("kind", "muted")
        self.problem_label = QLabel()
        self.problem_label.setProperty("kind", "bad")
        self.problem_label.hide()
        for label in (self.help, self.problem_label):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        whole = _sentence(setting, setting.limits)
        tip = f"{setting.key}\n{whole}"
        self.label.setToolTip(tip)
        self.control.setToolTip(tip)
        self.control.focus.setAccessibleDescription(whole)
        top = Qt.AlignmentFlag.AlignTop
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(24)
        layout.setVerticalSpacing(2)
        layout.setColumnStretch(0, 1)
        layout.addWidget(self.label, 0, 0)
        layout.addWidget(self.help, 1, 0, top)
        layout.addWidget(self.problem_label, 2, 0, top)
        layout.addWidget(self.control, 0, 1, 3, 1, top)
        self.control.changed.connect(self._on_changed)
        self.control.refused.connect(self.show_problem)

    def show_value(self, value: Any) -> None:
        self.control.show_value(value)

    def show_problem(self, problem: str) -> None:
        """Says what is wrong with the value, or nothing."""
        self.problem = problem
        self.problem_label.setText(problem)
        self.problem_label.setVisible(bool(problem))

    def matches(self, words: list[str]) -> bool:
        """Whether all of these are in its name or help."""
        text = f"{self.setting.title} {self.setting.key} {self.setting.help}".lower()
        return all(word in text for word in words)

    def _on_changed(self, value: Any) -> None:
        self.show_problem("")
        self.changed.emit(self.setting.key, value)


def _sentence(setting: Setting, limits: str) -> str:
    return f"{setting.help} {limits[0].upper()}{limits[1:]}." if limits else setting.help
