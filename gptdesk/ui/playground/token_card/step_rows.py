"""The steps of the X-ray as rows: title, a line that can be dragged over the tokens it cuts, and the effect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSlider, QVBoxLayout, QWidget

from gptdesk.inference.sampling.fields import Setting, Slider
from gptdesk.ui.decoding.rows import slider_spec
from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.token_card.steps import Step
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.inputs.scale import STEPS
from gptdesk.ui.widgets.style_state import set_kind
from gptdesk.ui.widgets.tooltips import wrapped

_TITLE: Final = 152
_EFFECT: Final = 172
_HEIGHT: Final = 22
"""Of the columns and a row, in pixels at a font of 13 pixels; the line takes the rest."""

_GRIP: Final = 5.0
"""Half the width of the grip of a line, in pixels, and the margin at both ends of its scale."""

_TICK: Final = 2.0
"""Width of a token's mark, in pixels."""


class CutLine(QSlider):
    """A line on the scale of a setting, over marks of the tokens: those that it keeps in the accent's colour.

    The arrow keys move it, as the mouse does.

    Args:
        setting: whose control is a slider.

    Signals:
        moved(object): emitted with the value when the person moves the line.
    """

    moved = Signal(object)

    def __init__(self, theme: Theme, setting: Setting, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        assert isinstance(setting.control, Slider)
        assert setting.limit is not None
        self._theme, self._setting = theme, setting
        self._scale = slider_spec(setting, setting.control).scale
        self._step: Step | None = None
        self.setRange(0, STEPS)
        self.setSingleStep(10)
        self.setPageStep(50)
        self.setFixedHeight(scaled(_HEIGHT))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.valueChanged.connect(self._on_moved)
        theme.changed.connect(self.update)

    def show_step(self, step: Step) -> None:
        """Shows value and tokens without a signal. While the person drags, the line stays under the pointer."""
        self._step = step
        if not self.isSliderDown() and self._value_at(self.value()) != step.value:
            self.blockSignals(True)
            self.setValue(self._scale.position(step.value))
            self.blockSignals(False)
        self.setAccessibleName(f"{step.setting.title} in the X-ray")
        self.setAccessibleDescription(step.sentence)
        self.setToolTip(
            wrapped(f"{step.sentence}\nDrag the line, or move it with the arrow keys, to see what changes.")
        )
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(scaled(96), scaled(_HEIGHT))

    def minimumSizeHint(self) -> QSize:
        return QSize(scaled(48), scaled(_HEIGHT))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self._follow(event)
            event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.isSliderDown():
            self._follow(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.setSliderDown(False)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = self._theme.colours
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        bottom = self.height() - 3.0
        painter.setBrush(QColor(colours.hairline))
        painter.drawRect(QRectF(_GRIP, bottom, self.width() - 2 * _GRIP, 1))
        if self._step is not None:
            highest = max((edge.share for edge in self._step.edges), default=1.0)
            for edge in reversed(self._step.edges):  # the most likely over the others
                height = max(2.0, (edge.share / highest) ** 0.5 * (bottom - 4))  # else only a few could be seen
                painter.setBrush(QColor(colours.accent if edge.kept else colours.muted))
                left = self._x(self._scale.position(edge.value)) - _TICK / 2
                painter.drawRect(QRectF(left, bottom - height, _TICK, height))
        middle = self._x(self.value())
        held = self.hasFocus() or self.underMouse() or self.isSliderDown()
        painter.setBrush(QColor(colours.text if held else colours.muted))
        painter.drawRect(QRectF(middle - 0.75, 1, 1.5, self.height() - 2))
        painter.drawRoundedRect(QRectF(middle - _GRIP + 1, self.height() - 7, 2 * _GRIP - 2, 6), 2, 2)
        if self.hasFocus():
            painter.setPen(QColor(colours.accent))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.end()

    def _x(self, position: int) -> float:
        return _GRIP + (self.width() - 2 * _GRIP) * position / STEPS

    def _follow(self, event: QMouseEvent) -> None:
        share = (event.position().x() - _GRIP) / max(1.0, self.width() - 2 * _GRIP)
        self.setValue(round(STEPS * min(1.0, max(0.0, share))))

    def _value_at(self, position: int) -> float | int:
        value = round(self._scale.value(position), self._setting.decimals)
        return value if self._setting.decimals else int(value)

    def _on_moved(self, position: int) -> None:
        value = self._value_at(position)
        if self._step is None or value != self._step.value:
            self.moved.emit(value)


class StepRow(QWidget):
    """One step.

    Attributes:
        name: of the setting.
        line: None for a setting that no slider controls.
    """

    def __init__(self, theme: Theme, setting: Setting, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = setting.name
        self._title, self._effect = ElidedLabel(), ElidedLabel()
        self._title.setFixedWidth(scaled(_TITLE))
        self._effect.setFixedWidth(scaled(_EFFECT))
        self._effect.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._effect.setProperty("kind", "muted")
        self.line = CutLine(theme, setting) if isinstance(setting.control, Slider) else None
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 0, 4, 0)
        row.setSpacing(6)
        row.addWidget(self._title)
        if self.line is None:
            row.addStretch(1)
        else:
            row.addWidget(self.line, 1)
        row.addWidget(self._effect)

    def show_step(self, step: Step) -> None:
        """Shows a step of the setting."""
        self._title.setText(step.title)
        set_kind(self._title, "" if step.effect else "muted")
        self._effect.setText(step.effect)
        if self.line is not None:
            self.line.show_step(step)


class StepRows(QWidget):
    """The steps of a chain, first to last.

    Attributes:
        rows: by name of the setting.

    Signals:
        moved(str, object): emitted with setting and value when the person moves a line.
    """

    moved = Signal(str, object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._steps: Sequence[Step] = ()
        self.rows: dict[str, StepRow] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)

    @property
    def sentences(self) -> list[str]:
        """What each step that acts does."""
        return [step.sentence for step in self._steps if step.effect]

    def show_steps(self, steps: Sequence[Step]) -> None:
        """Shows the steps; a row that is being dragged stays the same widget."""
        self._steps = steps
        for row in self.rows.values():
            row.setVisible(row.name in (step.setting.name for step in steps))
        for place, step in enumerate(steps):
            name = step.setting.name
            if name not in self.rows:
                self.rows[name] = row = StepRow(self._theme, step.setting)
                if row.line is not None:
                    row.line.moved.connect(lambda value, name=name: self.moved.emit(name, value))
            row = self.rows[name]
            row.show_step(step)
            if self._column.indexOf(row) != place:
                self._column.insertWidget(place, row)
