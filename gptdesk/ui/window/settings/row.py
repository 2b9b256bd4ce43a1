"""Row of the settings dialog: title, control, help, and why a value was refused."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Final

import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItemModel, QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from gptdesk.errors import UserError
from gptdesk.store.setting_fields import Choice, Folder, Number, Setting, Switch
from gptdesk.ui.services.services import SettingsService
from gptdesk.ui.widgets.inputs.boxes import ListBox
from gptdesk.ui.widgets.inputs.check_box import CheckBox
from gptdesk.ui.widgets.inputs.folder_choice import FolderChoice
from gptdesk.ui.widgets.inputs.number_box import NumberBox
from gptdesk.ui.widgets.long_words import wrappable

_WIDTH: Final = 216
"""Width of a control, in pixels."""

_SHARE: Final = (3, 2)
"""Share of text and control in the width of the row."""

Missing = Callable[[], Mapping[Any, str]]
"""Returns the values that are not available on this computer, with the reason."""

Apply = Callable[[Any, Callable[[], object], Callable[[str], object]], object]
"""Puts a new value into effect and keeps it; calls the second argument when that is done, or the third with the reason
why it cannot be done."""


class SettingRow(QWidget):
    """Shows and changes one setting.

    Args:
        settings: hold the value.
        setting: shown by the row.
        missing: unavailable values of a choice.
        apply: changes a setting that takes time to apply; others are changed at once.
    """

    def __init__(
        self, settings: SettingsService, setting: Setting, missing: Missing | None = None, apply: Apply | None = None
    ) -> None:
        super().__init__()
        self.setting = setting
        self._settings, self._missing, self._apply = settings, missing or dict, apply
        self.title = QLabel(setting.title)
        self.title.setProperty("kind", "label")
        self.help = _wrapped(setting.help, "muted")
        self.problem = _wrapped("", "warn")
        self.problem.hide()
        self.control, self._show = self._make_control()
        self.control.setAccessibleName(setting.title)
        self.control.setAccessibleDescription(setting.help)
        self.title.setBuddy(self.control)
        words = QVBoxLayout()
        words.setSpacing(2)
        for label in (self.title, self.help, self.problem):
            words.addWidget(label)
        words.addStretch(1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(24)
        layout.addLayout(words, 1)
        layout.addWidget(self.control, 0, Qt.AlignmentFlag.AlignTop)
        settings.changed.connect(self.show_value)
        self.show_value()

    def show_value(self) -> None:
        """Shows the present value."""
        self._show(getattr(self._settings.value, self.setting.key))

    def _change(self, value: Any) -> None:
        """Changes the setting, or says why the value cannot be used and shows the present one."""
        if self._apply is not None:
            self._refuse("")
            self.control.setEnabled(False)
            self._apply(value, self._on_applied, self._on_refused)
            return
        sentence = ""
        try:
            self._settings.update(**{self.setting.key: value})
        except UserError as error:
            sentence = str(error)
        self._refuse(sentence)

    def _on_applied(self) -> None:
        if shiboken6.isValid(self):  # the dialog may be closed by now
            self.control.setEnabled(True)

    def _on_refused(self, sentence: str) -> None:
        self.control.setEnabled(True)
        self._refuse(sentence)

    def _refuse(self, sentence: str) -> None:
        self.problem.setText(wrappable(sentence))
        self.problem.setAccessibleName(sentence)
        self.problem.setVisible(bool(sentence))

    def _make_control(self) -> tuple[QWidget, Callable[[Any], object]]:
        control = self.setting.control
        if isinstance(control, Choice):
            return self._make_list(control)
        if isinstance(control, Number):
            return self._make_number(control)
        if isinstance(control, Switch):
            check = CheckBox()
            check.clicked.connect(self._change)
            return check, check.setChecked
        if isinstance(control, Folder):
            return self._make_folder()
        line = QLineEdit()
        line.setPlaceholderText(control.placeholder)
        line.setFixedWidth(_WIDTH)
        line.editingFinished.connect(lambda: self._change(line.text()))
        return line, lambda value: None if line.hasFocus() and not self.problem.isHidden() else line.setText(value)

    def _make_list(self, control: Choice) -> tuple[QWidget, Callable[[Any], object]]:
        box, values, missing = _CalmList(), list(control.titles), self._missing()
        model = box.model()
        for row, (value, title) in enumerate(control.titles.items()):
            why = missing.get(value, "")
            box.addItem(f"{title}: {why}" if why else title)
            if why and isinstance(model, QStandardItemModel):
                model.item(row).setEnabled(False)
        box.setFixedWidth(_WIDTH)
        box.activated.connect(lambda row: self._change(values[row]))
        return box, lambda value: box.setCurrentIndex(values.index(value))

    def _make_number(self, control: Number) -> tuple[QWidget, Callable[[Any], object]]:
        word = control.word
        box = NumberBox(control.lowest, control.highest, 0, off=control.lowest if word else None, off_text=word)
        box.setSuffix(f" {control.unit}" if control.unit else "")
        box.setFixedWidth(_WIDTH)
        box.refused.connect(self._refuse)
        box.valueChanged.connect(lambda value: self._change(round(value)))
        return box, lambda value: None if box.value() == value else box.setValue(value)

    def _make_folder(self) -> tuple[QWidget, Callable[[Any], object]]:
        buttons = FolderChoice(self.setting.title)
        buttons.chosen.connect(self._change)

        def show(folder: str) -> None:
            buttons.show_folder(folder)
            missing = bool(folder) and not os.path.isdir(folder)
            self._refuse(f"The folder {folder} is not there; connect its disk, or choose another." if missing else "")

        return buttons, show


class _CalmList(ListBox):
    """A list that ignores the wheel."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


def _wrapped(text: str, kind: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("kind", kind)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label
