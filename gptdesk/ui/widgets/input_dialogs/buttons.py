"""Row of buttons at the foot of a dialog."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QHBoxLayout, QPushButton


def button_row(*buttons: QPushButton, left: Sequence[QPushButton] = ()) -> QHBoxLayout:
    """The buttons at the right, the one that accepts last; those of ``left`` at the left."""
    row = QHBoxLayout()
    row.setSpacing(8)
    row.setContentsMargins(0, 8, 0, 0)
    for button in left:
        row.addWidget(button)
    row.addStretch(1)
    for button in buttons:
        row.addWidget(button)
    return row
