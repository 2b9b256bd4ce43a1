"""A row of a choice: title, note and detail; for data, models and checkpoints."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from gptdesk.ui.widgets.elided_label import ElidedLabel

_RADIO = 16


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


def _label(text: str, kind: str) -> ElidedLabel:
    label = ElidedLabel(text)
    label.setProperty("kind", kind)
    label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label
