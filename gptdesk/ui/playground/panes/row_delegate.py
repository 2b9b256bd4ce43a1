"""Base of what paints the rows of a pane and edits their names in place."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from gptdesk.ui.theme import Theme

Index = QModelIndex | QPersistentModelIndex


class RowDelegate(QStyledItemDelegate):
    """Rows over the background that the style sheet gives them; subclasses paint what is in a row.

    Attributes:
        margins: left and right of a row, above and below it, in pixels.
        name: what is edited in place, for screen readers.
        longest: characters of a name that can be typed.
    """

    margins: ClassVar[tuple[int, int]]
    name: ClassVar[str]
    longest: ClassVar[int]

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self.theme = theme

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        self.initStyleOption(option, index)
        option.text = ""
        style = option.widget.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        side, above = self.margins
        painter.save()
        self.paint_row(painter, option, QRect(option.rect).adjusted(side, above, -side, -above), index)
        painter.restore()

    def paint_row(self, painter: QPainter, option: QStyleOptionViewItem, box: QRect, index: Index) -> None:
        """Paints what is in a row.

        Args:
            option: font and place of the row.
            box: the place within its margins.
        """
        raise NotImplementedError

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        line = QLineEdit(parent)
        line.setMaxLength(self.longest)
        line.setPlaceholderText(self.name)
        line.setAccessibleName(self.name)
        return line

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        height = min(editor.sizeHint().height(), option.rect.height())
        editor.setGeometry(option.rect.left() + 2, option.rect.top() + 2, option.rect.width() - 4, height)
