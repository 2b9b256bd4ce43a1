"""Row of the settings form: title, help, control and problem of one setting."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QLineEdit, QSizePolicy, QWidget

from gptdesk.ui.theme import Theme
from gptdesk.ui.train.new_run.draft.schema import Setting
from gptdesk.ui.train.new_run.settings.controls import WIDTH, make_control
from gptdesk.ui.widgets.style_state import set_property
from gptdesk.ui.widgets.tooltips import wrapped


class SettingRow(QWidget):
    """One setting.

    Attributes:
        problem: why its value cannot work; "" if it can.

    Signals:
        changed(str, object): the user gave the setting of that key this value.
    """

    changed = Signal(str, object)

    def __init__(self, setting: Setting, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setting = setting
        self.problem = self._refused = ""
        self.control = make_control(setting, theme)
        self.control.setFixedWidth(WIDTH)
        self.label = QLabel(setting.title)
        self.label.setProperty("kind", "label")
        self.label.setBuddy(self.control.focus)
        self.help = QLabel(_sentence(setting, setting.telling_limits))
        self.help.setProperty("kind", "muted")
        self.problem_label = QLabel()
        self.problem_label.setProperty("kind", "bad")
        self.problem_label.hide()
        for label in (self.label, self.help, self.problem_label):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        whole = _sentence(setting, setting.limits)
        for widget in (self.label, self.control):
            widget.setToolTip(wrapped(f"{setting.key}\n{whole}"))
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
        self.control.refused.connect(self._on_refused)
        for line in (*self.control.findChildren(QLineEdit), self.control.focus):
            line.setAcceptDrops(False)  # the sheet takes files that are dropped here

    def show_value(self, value: Any) -> None:
        self.control.show_value(value)

    def show_problem(self, problem: str) -> None:
        """Shows what is wrong with the value and marks the control; "" for nothing."""
        self.problem = problem
        self._show_problem()

    def _show_problem(self) -> None:
        text = self.problem or self._refused
        self.problem_label.setText(text)
        self.problem_label.setVisible(bool(text))
        set_property(self.control.focus, "invalid", "true" if self.problem else "false")

    def _on_refused(self, sentence: str) -> None:
        """Shows that the typed text is not the value; the sentence stays until the value changes."""
        self._refused = sentence
        self._show_problem()

    def matches(self, words: list[str]) -> bool:
        """Whether all of these are in its name or help."""
        text = f"{self.setting.title} {self.setting.key} {self.setting.help}".lower()
        return all(word in text for word in words)

    def _on_changed(self, value: Any) -> None:
        self._refused = ""
        self.show_problem("")
        self.changed.emit(self.setting.key, value)


def _sentence(setting: Setting, limits: str) -> str:
    return f"{setting.help} {limits[0].upper()}{limits[1:]}." if limits else setting.help
