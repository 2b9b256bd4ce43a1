"""Paints a share in a table or tree, as a percentage and a bar."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QWidget

from gptdesk.ui.fonts import scaled
from gptdesk.ui.theme import Theme

VALUE: Final = Qt.ItemDataRole.UserRole
"""Role of the share, 0 to 1; the percentage is the text of the cell."""

_FIGURE: Final = 104
"""Width of the percentage before the bar, in pixels at a font of 13 pixels."""


class ShareDelegate(QStyledItemDelegate):
    """Paints a share as a bar and its percentage."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        figure = scaled(_FIGURE)
        whole = QRectF(option.rect)
        space = whole.width() - figure - 8
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.colours.accent))
        width = max(1.0, space * float(index.data(VALUE)))
        painter.drawRoundedRect(QRectF(whole.x() + figure, whole.center().y() - 4, width, 8), 1.5, 1.5)
        painter.restore()
