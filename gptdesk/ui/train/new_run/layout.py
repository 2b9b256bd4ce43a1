"""Layout of the New run sheet: steps at the left, one scrolling page, summary at the right, buttons below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from gptdesk.ui.fonts import scaled
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.new_run.message_button import MessageButton
from gptdesk.ui.train.new_run.step import Step
from gptdesk.ui.train.new_run.stepper import Stepper
from gptdesk.ui.train.new_run.summary_panel import SummaryPanel
from gptdesk.ui.widgets.quiet_scroll_bar import make_quiet

_STEPPER: Final = (26, 0.2)
_SUMMARY: Final = (34, 0.25)
"""Characters that fit into the side columns, and their largest share of the width."""

_NARROW: Final = 780
"""Width of the sheet, at a font of 13 pixels, below which the steps at the left are hidden; the page has them all."""

_NARROW_SUMMARY: Final = 0.36
"""Largest share of the summary then."""

_BETWEEN: Final = 40
_EDGE: Final = 24


class SheetLayout(QObject):
    """The widgets of the sheet in place.

    Attributes:
        stepper, summary: side columns.
        message: why the run cannot start; a click scrolls to the cause.
        cancel, start: buttons.
    """

    def __init__(self, theme: Theme, steps: Sequence[Step], sheet: QDialog) -> None:
        super().__init__(sheet)
        self._steps = tuple(steps)
        self.stepper = Stepper(theme, [step.title for step in steps])
        self.summary = SummaryPanel()
        self.message = MessageButton()
        self.cancel, self.start = QPushButton("Cancel"), QPushButton("Start training")
        self.start.setProperty("kind", "accent")
        for button in (self.cancel, self.message):
            button.setAutoDefault(False)
        self.start.setDefault(True)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setProperty("zone", "background")
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        make_quiet(self.area)
        page = _zone("background")
        column = self._column = QVBoxLayout(page)
        column.setContentsMargins(_EDGE, _EDGE, _EDGE - 12, _EDGE)  # the scroll bar takes the rest
        column.setSpacing(_BETWEEN)
        for step in steps:
            column.addWidget(step)
        column.addStretch(1)
        self.area.setWidget(page)
        body = QHBoxLayout()
        body.setSpacing(0)
        self._sides = ((_side(self.stepper), _STEPPER), (_side(_scrolling(self.summary)), _SUMMARY))
        self._line = _line("vertical")
        body.addWidget(self._sides[0][0])
        body.addWidget(self._line)
        body.addWidget(self.area, 1)
        body.addWidget(_line("vertical"))
        body.addWidget(self._sides[1][0])
        footer = QHBoxLayout()
        footer.setContentsMargins(_EDGE, 12, _EDGE, 12)
        footer.setSpacing(8)
        footer.addWidget(self.message, 1)
        footer.addWidget(self.cancel)
        footer.addWidget(self.start)
        layout = QVBoxLayout(sheet)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(body, 1)
        layout.addWidget(_line("horizontal"))
        layout.addLayout(footer)
        for button in sheet.findChildren(QPushButton):
            button.setAutoDefault(button is self.start)  # Enter in a field must not press the first button
        self.stepper.chosen.connect(self.show_step)
        self.area.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self.show_message("")

    def fit(self, width: int) -> None:
        """Fits the side columns to the width of the sheet."""
        narrow = width < scaled(_NARROW)
        (steps, _), (summary, _) = self._sides
        steps.setVisible(not narrow)
        self._line.setVisible(not narrow)
        for side, (letters, share) in self._sides:
            share = _NARROW_SUMMARY if narrow and side is summary else share
            side.setFixedWidth(min(letters * side.fontMetrics().averageCharWidth(), round(share * width)))

    def show_step(self, number: int) -> None:
        """Scrolls to a step."""
        self.area.verticalScrollBar().setValue(self._steps[number].y() - _EDGE)
        self.stepper.show_current(number)

    def scroll_to(self, widget: QWidget, focus: QWidget) -> None:
        """Scrolls to a part of the page and gives it the focus."""
        self._column.activate()  # a section that was just opened gets its place now
        self.area.ensureWidgetVisible(widget, 0, 3 * _EDGE)
        focus.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_message(self, text: str, *, leads_on: bool = False) -> None:
        """Shows a message beside the buttons, clickable if it leads somewhere."""
        self.message.say(text, "message")
        self.message.setEnabled(leads_on)

    def show_failure(self, text: str) -> None:
        """Shows a failure beside the buttons."""
        self.message.say(text, "failure")
        self.message.setEnabled(False)

    def _on_scrolled(self, value: int) -> None:
        bar = self.area.verticalScrollBar()
        line = value + self.area.viewport().height() // 3
        passed = [number for number, step in enumerate(self._steps) if step.y() <= line]
        at_end = bar.maximum() > 0 and value == bar.maximum()
        self.stepper.show_current(len(self._steps) - 1 if at_end else passed[-1] if passed else 0)


def _zone(name: str) -> QWidget:
    zone = QWidget()
    zone.setProperty("zone", name)
    zone.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    return zone


def _side(widget: QWidget) -> QWidget:
    side = _zone("surface")
    layout = QVBoxLayout(side)
    layout.setContentsMargins(12, _EDGE, 12, 16)
    layout.addWidget(widget)
    return side


def _scrolling(widget: QWidget) -> QScrollArea:
    """The widget in an area that scrolls it where it is higher than the sheet."""
    area = QScrollArea()
    area.setWidget(widget)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setProperty("zone", "surface")
    widget.setProperty("zone", "surface")
    return area


def _line(direction: str) -> QFrame:
    line = QFrame()
    line.setProperty("line", direction)
    return line
