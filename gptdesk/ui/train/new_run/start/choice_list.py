"""A column of choices, each a row with title, note and detail: data, models or checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from gptdesk.ui.widgets.elided_label import ElidedLabel

_RADIO: Final = 16


@dataclass(frozen=True)
class Choice:
    """Content and key of a row."""

    key: str
    title: str
    note: str = ""
    detail: str = ""


class ChoiceRow(QPushButton):
    """One choice; add the rows to one exclusive button group.

    Args:
        title: name of the choice.
        note: description, muted.
        detail: at the right end, muted.
    """

    def __init__(self, title: str, note: str = "", detail: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "choice")
        self.setCheckable(True)
        self.setAccessibleName(title)
        self.setAccessibleDescription(", ".join(part for part in (note, detail) if part))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        lines = QVBoxLayout()
        lines.setSpacing(1)
        lines.addStretch(1)
        for text, kind in ((title, "heading"), (note, "muted")):
            if text:
                lines.addWidget(_label(text, kind))
        lines.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(12 + _RADIO + 12, 0, 16, 0)
        row.setSpacing(16)
        row.addLayout(lines, 1)
        if detail:
            label = _label(detail, "muted")
            label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
            row.addWidget(label)

    def sizeHint(self) -> QSize:
        return QSize(200, 52)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        chosen = self.isChecked()
        ring = QRectF(12.5, (self.height() - _RADIO) / 2 + 0.5, _RADIO - 1, _RADIO - 1)
        accent, quiet = palette.color(QPalette.ColorRole.Accent), palette.color(QPalette.ColorRole.PlaceholderText)
        painter.setPen(QPen(accent if chosen else quiet, 1))
        painter.drawEllipse(ring)
        if chosen:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(accent)
            painter.drawEllipse(ring.adjusted(4, 4, -4, -4))
        painter.end()


class ChoiceList(QWidget):
    """The column.

    Attributes:
        rows: by key.

    Signals:
        chosen(str): the row of that key was chosen.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: dict[str, ChoiceRow] = {}
        self._choices: tuple[Choice, ...] = ()
        self._group = QButtonGroup(self)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(8)
        self._group.buttonClicked.connect(self._on_clicked)

    def show_choices(self, choices: Sequence[Choice], chosen: str = "") -> None:
        """Shows these choices, and marks the row of the key ``chosen``, if there is one."""
        if tuple(choices) != self._choices:
            self._choices = tuple(choices)
            for row in self.rows.values():
                self._group.removeButton(row)
                self._layout.removeWidget(row)
                row.hide()
                row.deleteLater()
            self.rows = {}
            for choice in choices:
                row = ChoiceRow(choice.title, choice.note, choice.detail)
                self.rows[choice.key] = row
                self._group.addButton(row)
                self._layout.addWidget(row)
        self.mark(chosen)
        self.setVisible(bool(self._choices))

    def mark(self, key: str) -> None:
        """Marks the row of that key; "" for none."""
        self._group.setExclusive(False)
        for each, row in self.rows.items():
            row.setChecked(each == key)
        self._group.setExclusive(True)

    def _on_clicked(self, button: ChoiceRow) -> None:
        self.chosen.emit(next(key for key, row in self.rows.items() if row is button))


def _label(text: str, kind: str) -> ElidedLabel:
    label = ElidedLabel(text)
    label.setProperty("kind", kind)
    label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label
