"""Rows of the decoding panel: one for each setting that has a control, from the table of decoding settings."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gptdesk.inference.sampling.fields import Setting, Slider
from gptdesk.ui.fonts import scaled
from gptdesk.ui.widgets.help_mark import label_with_help
from gptdesk.ui.widgets.inputs.boxes import ListBox
from gptdesk.ui.widgets.inputs.number_box import NumberBox
from gptdesk.ui.widgets.inputs.scale import Linear, LogThenOff, Power, Scale
from gptdesk.ui.widgets.inputs.slider_row import BOX_WIDTH, SliderRow, SliderSpec
from gptdesk.ui.widgets.tooltips import wrapped


class NumberRow(QWidget):
    """Title and number box of a setting, without a slider.

    Attributes:
        box: emits ``valueChanged`` when the person changes the number.
    """

    def __init__(self, setting: Setting, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        assert setting.limit is not None
        self._decimals = setting.decimals
        self.box = NumberBox(
            setting.limit.lowest,
            setting.limit.highest,
            setting.decimals,
            off=setting.word_value,
            off_text=setting.word,
        )
        self.box.setFixedWidth(scaled(BOX_WIDTH))
        self.box.setProperty("kind", "compact")
        self.label = _lay_out(self, setting, self.box)

    @property
    def value(self) -> float | int:
        value = self.box.value()
        return value if self._decimals else round(value)

    def set_value(self, value: float) -> None:
        """Shows ``value`` without a signal."""
        self.box.blockSignals(True)
        self.box.setValue(value)
        self.box.blockSignals(False)


class ChoiceRow(QWidget):
    """Title and list of a setting whose values are words.

    Attributes:
        box: emits ``activated`` when the person chooses.
    """

    def __init__(self, setting: Setting, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.box = ListBox()
        for choice in setting.choices:
            self.box.addItem(choice.capitalize(), choice)
        self.label = _lay_out(self, setting, self.box)

    @property
    def value(self) -> str:
        return str(self.box.currentData())

    def set_value(self, value: str) -> None:
        """Shows ``value`` without a signal of ``activated``."""
        self.box.setCurrentIndex(self.box.findData(value))


def has_row(setting: Setting) -> bool:
    """Whether the panel shows the setting: a number with a control, words, a list, or the seed."""
    return bool(setting.control or setting.choices or setting.repeated or setting.optional)


def make_row(setting: Setting) -> SliderRow | NumberRow | None:
    """The row of a setting; ``None`` if the table of settings gives it no control."""
    if isinstance(setting.control, Slider):
        return SliderRow(slider_spec(setting, setting.control))
    return NumberRow(setting) if setting.control == "box" else None


def slider_spec(setting: Setting, slider: Slider) -> SliderSpec:
    """Contents of the slider row of a setting."""
    assert setting.limit is not None
    return SliderSpec(
        name=setting.name,
        title=setting.title,
        help=setting.help,
        lowest=setting.limit.lowest,
        highest=setting.limit.highest,
        decimals=setting.decimals,
        scale=_scale(slider, setting.neutral),
        off=setting.word_value,
        off_text=setting.word,
    )


def _scale(slider: Slider, neutral: float) -> Scale:
    if slider.logarithmic:
        return LogThenOff(highest=slider.highest, off=neutral)
    if slider.middle is not None:
        return Power(highest=slider.highest, middle=slider.middle)
    return Linear(slider.lowest, slider.highest)


def _lay_out(row: QWidget, setting: Setting, box: QWidget) -> QLabel:
    """Puts the title with its help and the box into the row, names the box, and returns the title."""
    box.setAccessibleName(setting.title)
    box.setAccessibleDescription(setting.help)
    label = QLabel(setting.title)
    label.setBuddy(box)
    for widget in (label, box):
        widget.setToolTip(wrapped(setting.help))
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addLayout(label_with_help(label, setting.help), 1)
    layout.addWidget(box)
    return label
