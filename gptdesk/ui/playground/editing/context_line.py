"""A line in the text where the model's context begins: what stands before it is not read."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, QPointF, QRect, QRectF, Slot
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QPainter, QPen, QTextBlock, QTextCursor, QTextLine
from PySide6.QtWidgets import QToolTip

from gptdesk.ui.fonts import interface_font, scaled
from gptdesk.ui.playground.editing.editor import Editor
from gptdesk.ui.playground.editing.visible_lines import x_of
from gptdesk.ui.services.token_counter import Counts
from gptdesk.ui.stylesheet import mix
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.tooltips import wrapped

LABEL: Final = "context begins"

_HELP: Final = "The model does not read what stands before this line: the text is longer than its context."

_ABOVE: Final = 0.235
"""From the middle between two baselines up to the middle of the gap between their letters, as a multiple of the font
size."""

_LABEL_SIZE: Final = 11
"""Of the label's font, in pixels at an interface font of 13 pixels."""

_WORDS: Final = 5
"""Words that a screen reader says of the place."""


class ContextLine(QObject):
    """The line of an editor; there is none while the model reads all of the text.

    Where the context begins within a line of the text, the line goes below the letters before that place and above
    those behind it.
    """

    def __init__(self, editor: Editor, theme: Theme) -> None:
        super().__init__(editor)
        self._editor, self._theme = editor, theme
        self._place: QTextCursor | None = None  # moves with the text
        self._label = QRectF()  # of the last painting, in pixels of the document
        editor.layers.append(self.paint)
        editor.viewport().installEventFilter(self)

    @property
    def index(self) -> int:
        """The first character that is read; 0 where all are."""
        return 0 if self._place is None else self._editor.places.index(self._place.position())

    @Slot(object)
    def show_counts(self, counts: Counts) -> None:
        """Shows where the context of a text begins that was counted."""
        if counts.start == 0 or counts.start > len(self._editor.shown):
            self.hide()
            return
        position = self._editor.places.position(counts.start)
        if self._place is None or self._place.position() != position:
            self._update()
            self._place = QTextCursor(self._editor.document())
            self._place.setPosition(position)
            self._update()
        words = " ".join(self._editor.shown[counts.start : counts.start + 200].split()[:_WORDS])
        self._editor.describe(LABEL, f"The model reads it from “{words}” on.")

    @Slot()
    def hide(self) -> None:
        """Shows no line."""
        if self._place is not None:
            self._update()
            self._place = None
            self._label = QRectF()
            self._editor.describe(LABEL, "")

    def _update(self) -> None:
        """Has the place of the line painted anew."""
        if self._place is not None:
            position = self._place.position()
            self._editor.viewport().update(self._editor.lines_between(position, position))

    def paint(self, painter: QPainter, visible: QRect) -> None:
        """Paints the line if it is visible; arguments as for `MarkedTextEdit.underlay`."""
        if self._place is None:
            return
        document, position = self._editor.document(), self._place.position()
        block = document.findBlock(position)
        box = document.documentLayout().blockBoundingRect(block)
        line = block.layout().lineForTextPosition(position - block.position())
        if not line.isValid():
            return
        height, size = self._editor.line_height(), self._editor.text_size
        top = round(box.top() + line.y() + line.ascent() - height / 2 - _ABOVE * size) + 0.5
        offset = painter.transform().dy()
        if not visible.top() - height <= top + offset <= visible.bottom() + height:
            return
        painter.setPen(QPen(QColor(mix(self._theme.colours.muted, self._theme.colours.surface, 0.6)), 1))
        painter.drawPolyline(_steps(block, line, box, position, top, height))
        self._paint_label(painter, box.right(), top)

    def _paint_label(self, painter: QPainter, right: float, top: float) -> None:
        """Puts the label on the right end of the line."""
        font = interface_font()
        font.setPixelSize(scaled(_LABEL_SIZE))
        metrics = QFontMetricsF(font)
        width = metrics.horizontalAdvance(LABEL)
        baseline = top + metrics.xHeight() / 2
        self._label = QRectF(right - width - 8, top - metrics.height() / 2, width + 8, metrics.height())
        painter.fillRect(self._label, QColor(self._theme.colours.surface))
        painter.setFont(font)
        painter.setPen(QColor(self._theme.colours.muted))
        painter.drawText(QPointF(right - width, baseline), LABEL)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Explains the line under the pointer."""
        if self._place is not None and event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            inside = event.pos().toPointF() + QPointF(0, self._editor.verticalScrollBar().value())
            if self._label.contains(inside):
                QToolTip.showText(event.globalPos(), wrapped(_HELP), self._editor.viewport())
                return True
        return super().eventFilter(watched, event)


def _steps(block: QTextBlock, line: QTextLine, box: QRectF, position: int, top: float, height: float) -> list[QPointF]:
    """The corners of the line: along the gap above a line of text, before ``position`` along the one below it."""
    x = round(box.left() + x_of(line, position - block.position())) - 0.5
    if position - block.position() <= line.textStart():
        return [QPointF(box.left(), top), QPointF(box.right(), top)]
    below = top + height
    return [QPointF(box.left(), below), QPointF(x, below), QPointF(x, top), QPointF(box.right(), top)]
