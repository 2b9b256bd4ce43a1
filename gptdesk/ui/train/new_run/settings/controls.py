"""Controls for the kinds of settings: switch, list, number, line, folder, list of texts."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QLocale, Signal
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QAbstractSpinBox, QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget

from gptdesk.bounded_read import parse_toml
from gptdesk.errors import UserError
from gptdesk.ui.decoding.escapes import read_escapes, write_escapes
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.new_run.calm_inputs import CalmListBox
from gptdesk.ui.train.new_run.draft.schema import FOLDER, Setting
from gptdesk.ui.widgets.inputs.check_box import CheckBox
from gptdesk.ui.widgets.inputs.chips import Chips
from gptdesk.ui.widgets.inputs.number_box import NumberBox

WIDTH: Final = 168
"""Width of every control, in pixels."""

_LARGEST_INT: Final = 10**12
_LARGEST_FLOAT: Final = 1e12
_DECIMALS: Final = 12


class Control(QWidget):
    """Control at the right end of a row.

    Attributes:
        focus: the widget that takes the keyboard.

    Signals:
        changed(object): the user entered this value.
        refused(str): the typed text cannot be used; the sentence says why.
    """

    changed = Signal(object)
    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.focus: QWidget = self
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(8)

    def show_value(self, value: Any) -> None:
        """Shows another value without emitting ``changed``."""
        raise NotImplementedError

    def _hold(self, *widgets: QWidget) -> None:
        for widget in widgets:
            self._row.addWidget(widget)
        self.focus = widgets[0]
        self.setFocusProxy(widgets[0])


def make_control(setting: Setting, theme: Theme) -> Control:
    """Makes the control for a setting; a setting of an unknown kind is edited as TOML."""
    kinds = {"bool": _Switch, "choice": _Choice, "int": _Number, "float": _Number, "numbers": _Numbers}
    if setting.kind in kinds:
        return kinds[setting.kind](setting)
    if setting.kind == FOLDER:
        return _Folder(setting, theme)
    if setting.kind == "texts":
        return _Texts(setting, theme)
    return _Line(setting)


class _Switch(Control):
    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.box = CheckBox()
        self.box.setAccessibleName(setting.title)
        self._row.addStretch(1)
        self._hold(self.box)
        self.box.clicked.connect(self.changed.emit)

    def show_value(self, value: Any) -> None:
        self.box.setChecked(bool(value))


class _Choice(Control):
    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.box = CalmListBox()
        self.box.setAccessibleName(setting.title)
        self.box.addItems(setting.choices)
        self._hold(self.box)
        self.box.activated.connect(lambda index: self.changed.emit(setting.choices[index]))

    def show_value(self, value: Any) -> None:
        self.box.setCurrentText(str(value))


class QuantityBox(NumberBox):
    """A number of any size, such as 0.00000001 or 300,000, in its shortest form; the arrows change its first digit."""

    def __init__(self, lowest: float, highest: float) -> None:
        super().__init__(lowest, highest, _DECIMALS)
        self.setDecimals(_DECIMALS)

    def textFromValue(self, value: float) -> str:
        return f"{value:.6g}".replace(".", QLocale().decimalPoint())

    def valueFromText(self, text: str) -> float:
        return _read_number(text) or 0.0

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        value = _read_number(text)
        if value is None:
            typing = set(text) <= set("0123456789.,eE+- ")
            return (QValidator.State.Intermediate if typing else QValidator.State.Invalid, text, position)
        inside = self.minimum() <= value <= self.maximum()
        return (QValidator.State.Acceptable if inside else QValidator.State.Intermediate, text, position)

    def stepBy(self, steps: int) -> None:
        value = self.value()
        size = 10.0 ** math.floor(math.log10(value)) if value > 0 else 0.01
        if steps < 0 and math.isclose(value, size):
            size /= 10
        self.setValue(value + steps * size)


def _read_number(text: str) -> float | None:
    value, right = QLocale().toDouble(text.strip())
    if right:
        return value
    try:
        return float(text)
    except ValueError:
        return None


def _box(setting: Setting) -> NumberBox:
    if setting.kind == "int":
        lowest = -_LARGEST_INT if setting.lowest is None else setting.lowest
        box = NumberBox(lowest, _LARGEST_INT if setting.highest is None else setting.highest, 0)
        box.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
    else:
        finest = 10.0**-_DECIMALS
        lowest = -_LARGEST_FLOAT if setting.lowest is None else setting.lowest
        highest = _LARGEST_FLOAT if setting.highest is None else setting.highest
        lowest = lowest if setting.above is None else setting.above + finest
        highest = highest if setting.below is None else setting.below - finest
        box = QuantityBox(lowest, highest)
    box.limits = setting.limits
    box.setAccessibleName(setting.title)
    box.setMinimumWidth(0)
    return box


class _Number(Control):
    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self._whole = setting.kind == "int"
        self.box = _box(setting)
        self._hold(self.box)
        self.box.refused.connect(self.refused)
        self.box.valueChanged.connect(lambda value: self.changed.emit(round(value) if self._whole else value))

    def show_value(self, value: Any) -> None:
        if self.box.value() == value:
            return
        self.box.blockSignals(True)
        self.box.setValue(value)
        self.box.blockSignals(False)


class _Numbers(Control):
    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.boxes = [_box(setting) for _ in range(setting.count)]
        self._hold(*self.boxes)
        for number, box in enumerate(self.boxes):
            box.setAccessibleName(f"{setting.title} {number + 1}")
            box.refused.connect(self.refused)
            box.valueChanged.connect(lambda _: self.changed.emit([box.value() for box in self.boxes]))

    def show_value(self, value: Any) -> None:
        for box, number in zip(self.boxes, value, strict=True):
            box.blockSignals(True)
            box.setValue(number)
            box.blockSignals(False)


class _Line(Control):
    """A line of text; for a setting of an unknown kind, its value as TOML."""

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self._toml = setting.kind == "other"
        self.line = QLineEdit()
        self.line.setAccessibleName(setting.title)
        self._hold(self.line)
        self._shown = ""
        self.line.editingFinished.connect(self._on_edited)

    def show_value(self, value: Any) -> None:
        self._shown = repr(value) if self._toml and not isinstance(value, str) else str(value or "")
        if self.line.text() != self._shown:
            self.line.setText(self._shown)

    def _on_edited(self) -> None:
        text = self.line.text()
        if text == self._shown:
            return
        self._shown = text
        try:
            self.changed.emit(parse_toml(f"value = {text}")["value"] if self._toml else text)
        except ValueError:
            self.changed.emit(text)


class _Folder(_Line):
    """A line for a folder, and a button that opens a dialog."""

    def __init__(self, setting: Setting, theme: Theme) -> None:
        super().__init__(setting)
        self._title = setting.title
        browse = QPushButton()
        browse.setProperty("icon_only", "true")
        browse.setAccessibleName(f"Choose a folder: {setting.title}")
        browse.setToolTip("Choose a folder")
        theme.set_icon(browse, "folder", "muted")
        browse.clicked.connect(self._browse)
        self._row.addWidget(browse)

    def _browse(self) -> None:
        start = self.line.text() or str(Path.home())
        folder = QFileDialog.getExistingDirectory(self, self._title, start)
        if folder:
            self.line.setText(folder)
            self._on_edited()


class _Texts(Control):
    def __init__(self, setting: Setting, theme: Theme) -> None:
        super().__init__()
        self.chips = Chips(theme, show=write_escapes, read=read_escapes, check=_not_empty)
        self.chips.line.setAccessibleName(f"Add to: {setting.title}")
        self.chips.line.setPlaceholderText("Add, then Enter")
        self._hold(self.chips)
        self.focus = self.chips.line
        self.setFocusProxy(self.chips.line)
        self.chips.changed.connect(lambda: self.changed.emit(list(self.chips.values)))
        self.chips.refused.connect(self.refused)

    def show_value(self, value: Any) -> None:
        self.chips.set_values(tuple(value))


def _not_empty(values: tuple[str, ...]) -> None:
    if not all(values):
        raise UserError("An empty text cannot be added.")
