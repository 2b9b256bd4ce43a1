"""A column in the middle of an empty page."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

_AS_WIDE_AS_IT_MAY_BE: Final = 1000


def centre(column: QWidget, page: QWidget, *, side: int, above: int) -> None:
    """Puts a column of limited width into a page, a little above its middle.

    Args:
        column: as wide as it may be.
        page: without a layout.
        side: margin on the left and right at least, in pixels.
        above: margin at the top and bottom at least, in pixels.
    """
    middle = QHBoxLayout()
    middle.addStretch(1)
    middle.addWidget(column, _AS_WIDE_AS_IT_MAY_BE)
    middle.addStretch(1)
    layout = QVBoxLayout(page)
    layout.setContentsMargins(side, above, side, above)
    layout.addStretch(2)
    layout.addLayout(middle)
    layout.addStretch(3)
