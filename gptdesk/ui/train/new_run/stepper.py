"""Stepper of the New run sheet: the present step, what was chosen, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from gptdesk.ui.icons import paint_icon
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.tooltips import wrapped

OPEN, DONE, WRONG = "open", "done", "wrong"
_BADGE = 24


class Stepper(QWidget):
    """The column of steps.

    Signals:
        chosen(int): scroll to that step.
    """

    chosen = Signal(int)

    def __init__(self, theme: Theme, titles: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons = [StepButton(theme, number + 1, title) for number, title in enumerate(titles)]
        group = QButtonGroup(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for number, button in enumerate(self.buttons):
            group.addButton(button, number)
            layout.addWidget(button)
        layout.addStretch(1)
        group.idClicked.connect(self.chosen)
        self.show_current(0)

    def show_current(self, number: int) -> None:
        """Marks the step that is in view."""
        self.buttons[number].setChecked(True)

    def show_step(self, number: int, note: str, state: str) -> None:
        """Shows what was chosen in a step, and whether it is `OPEN`, `DONE` or `WRONG`."""
        self.buttons[number].show_state(note, state)


class StepButton(QPushButton):
    """One step."""

    def __init__(self, theme: Theme, number: int, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._number, self._title = theme, number, title
        self.state = OPEN
        self.setProperty("kind", "step")
        self.setCheckable(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.note = ElidedLabel()
        self.note.setProperty("kind", "muted")
        heading = ElidedLabel(title)
        heading.setProperty("kind", "heading")
        lines = QVBoxLayout()
        lines.setSpacing(0)
        lines.addStretch(1)
        for label in (heading, self.note):
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            lines.addWidget(label)
        lines.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(12 + _BADGE + 12, 0, 8, 0)
        row.addLayout(lines, 1)
        theme.changed.connect(self.update)
        self.show_state("", OPEN)

    def show_state(self, note: str, state: str) -> None:
        self.state = state
        self.note.setText(note)
        self.note.setVisible(bool(note))
        self.setToolTip(wrapped(note))
        self.setAccessibleName(f"Step {self._number}: {self._title}")
        words = {OPEN: "", DONE: "done", WRONG: "something is missing or wrong"}
        self.setAccessibleDescription(", ".join(part for part in (note, words[state]) if part))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(160, 56)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        colours = self._theme.colours
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(12.5, (self.height() - _BADGE) / 2 + 0.5, _BADGE - 1, _BADGE - 1)
        role = {OPEN: "muted", DONE: "good", WRONG: "bad"}[self.state]
        if self.state == OPEN and self.isChecked():
            role = "accent"
        colour = getattr(colours, role)
        painter.setPen(QColor(colour))
        painter.drawEllipse(frame)
        inside = frame.adjusted(4, 4, -4, -4)
        if self.state == OPEN:
            painter.drawText(frame, Qt.AlignmentFlag.AlignCenter, str(self._number))
        else:
            paint_icon(painter, "check" if self.state == DONE else "warning", colour, inside)
        painter.end()
