"""A label that shortens its text to fit; its tooltip shows the whole text."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QStyle, QStyleOption, QWidget

from gptdesk.ui.widgets.tooltips import wrapped


class ElidedLabel(QLabel):
    """One line of plain text.

    Attributes:
        help: shown in the tooltip, after the text if that is shortened.
    """

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)
        self.help = ""

    def minimumSizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance("…") * 2, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        option = QStyleOption()
        option.initFrom(self)
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.contentsRect().width())
        align = QStyle.visualAlignment(self.layoutDirection(), self.alignment())
        self.style().drawItemText(
            painter, self.contentsRect(), align, option.palette, self.isEnabled(), shown, self.foregroundRole()
        )
        painter.end()
        self.setToolTip(wrapped("\n".join(filter(None, (self.text() if shown != self.text() else "", self.help)))))
