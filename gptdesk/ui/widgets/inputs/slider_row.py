"""A row for one number: title, help mark, number box and slider."""

from __future__ import annotations

from typing import Final

import msgspec
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QSlider, QStyle, QStyleOptionSlider, QWidget

from gptdesk.ui.fonts import scaled
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.help_mark import label_with_help
from gptdesk.ui.widgets.inputs.number_box import OFF, NumberBox
from gptdesk.ui.widgets.inputs.scale import STEPS, Scale
from gptdesk.ui.widgets.tooltips import wrapped

BOX_WIDTH: Final = 80
"""Width of the number boxes beside settings, in pixels at a font of 13 pixels."""


class SliderSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Contents of a row.

    Attributes:
        name: of the setting in `DecodingSettings`.
        title: name of the setting, for the user.
        help: tooltip.
        lowest: of the box.
        highest: of the box; a slider may end earlier.
        decimals: digits after the decimal point.
        scale: of the slider.
        off: value that is shown as a word.
        off_text: the word.
    """

    name: str
    title: str
    help: str
    lowest: float
    highest: float
    decimals: int
    scale: Scale
    off: float | None = None
    off_text: str = OFF


class SliderRow(QWidget):
    """One setting.

    Attributes:
        note: muted text under the slider, while there is one.

    Signals:
        changed(): emitted when the user changes the value.
    """

    changed = Signal()

    def __init__(self, spec: SliderSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self.label = QLabel(spec.title)
        self.box = NumberBox(spec.lowest, spec.highest, spec.decimals, off=spec.off, off_text=spec.off_text)
        self.box.setFixedWidth(scaled(BOX_WIDTH))
        self.box.setProperty("kind", "compact")
        self.box.setAccessibleName(spec.title)
        self.label.setBuddy(self.box)
        self.slider = _Slider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        self.slider.setSingleStep(10)
        self.slider.setPageStep(50)
        self.slider.setAccessibleName(f"{spec.title} slider")
        for widget in (self.label, self.box, self.slider):
            widget.setToolTip(wrapped(spec.help))
        self.box.setAccessibleDescription(spec.help)
        self.slider.setAccessibleDescription(spec.help)

        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setVerticalSpacing(0)
        layout.addLayout(label_with_help(self.label, spec.help), 0, 0)
        layout.addWidget(self.box, 0, 1)
        layout.addWidget(self.slider, 1, 0, 1, 2)
        layout.setColumnStretch(0, 1)

        self.note = ElidedLabel()
        self.note.setProperty("kind", "muted")
        self.note.hide()
        layout.addWidget(self.note, 2, 0, 1, 2)

        self.box.valueChanged.connect(self._on_box_changed)
        self.slider.valueChanged.connect(self._on_slider_moved)

    @property
    def value(self) -> float | int:
        value = self.box.value()
        return round(value) if self.spec.decimals == 0 else value

    def set_value(self, value: float) -> None:
        """Shows ``value`` without a signal."""
        for widget in (self.box, self.slider):
            widget.blockSignals(True)
        self.box.setValue(value)
        self.slider.setValue(self.spec.scale.position(value))
        for widget in (self.box, self.slider):
            widget.blockSignals(False)
        self._show_off()

    def show_note(self, text: str) -> None:
        """Shows a line under the slider; "" none."""
        self.note.setText(text)
        self.note.setVisible(bool(text))
        self.slider.setAccessibleDescription(f"{self.spec.help} {text}".strip())

    def _on_box_changed(self, value: float) -> None:
        self.set_value(value)
        self.changed.emit()

    def _on_slider_moved(self, position: int) -> None:
        self.box.blockSignals(True)
        self.box.setValue(self.spec.scale.value(position))
        self.box.blockSignals(False)
        self._show_off()
        self.changed.emit()

    def _show_off(self) -> None:
        off = self.spec.off is not None and self.box.text() == self.spec.off_text and self.spec.off_text == OFF
        if self.slider.property("off") != off:
            self.slider.setProperty("off", off)
            self.slider.style().unpolish(self.slider)
            self.slider.style().polish(self.slider)


class _Slider(QSlider):
    """Jumps to where it is pressed, and ignores the wheel."""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            option = QStyleOptionSlider()
            self.initStyleOption(option)
            style, slider = self.style(), QStyle.ComplexControl.CC_Slider
            handle = style.subControlRect(slider, option, QStyle.SubControl.SC_SliderHandle, self)
            if not handle.contains(event.position().toPoint()):
                x = round(event.position().x()) - handle.width() // 2
                self.setValue(QStyle.sliderValueFromPosition(0, STEPS, x, self.width() - handle.width()))
        super().mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()
