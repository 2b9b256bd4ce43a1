"""A label that shows a shorter form of its text, or cuts it, to fit; its tooltip shows the whole text."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QStyle, QStyleOption, QWidget

from gptdesk.ui.widgets.tooltips import wrapped


class ElidedLabel(QLabel):
    """One line of plain text.

    Attributes:
        help: shown in the tooltip, after the text if that is shortened.
        shorter: other forms of the text, the longest first; the first one that fits is shown, the last one cut.
    """

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)
        self.help = ""
        self.shorter: Sequence[str] = ()

    def minimumSizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance("…") * 2, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        option = QStyleOption()
        option.initFrom(self)
        metrics, room = self.fontMetrics(), self.contentsRect().width()
        forms = (self.text(), *self.shorter)
        shown = next((form for form in forms if metrics.horizontalAdvance(form) <= room), forms[-1])
        shown = metrics.elidedText(shown, Qt.TextElideMode.ElideRight, room)
        align = QStyle.visualAlignment(self.layoutDirection(), self.alignment())
        self.style().drawItemText(
            painter, self.contentsRect(), align, option.palette, self.isEnabled(), shown, self.foregroundRole()
        )
        painter.end()
        self.setToolTip(wrapped("\n".join(filter(None, (self.text() if shown != self.text() else "", self.help)))))
