"""The view of the branches: keys, and the lines that join the rows."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from gptdesk.ui.fonts import scaled
from gptdesk.ui.icons import paint_icon
from gptdesk.ui.playground.branches.arrangement import Row
from gptdesk.ui.playground.branches.tree_model import ROW, BranchModel
from gptdesk.ui.playground.panes.row_view import RowView, key_of
from gptdesk.ui.stylesheet import mix
from gptdesk.ui.theme import Theme

_INDENTATION: Final = 16
_DOT: Final = 4.0
_HERE: Final = 5.5
"""Radii of the dot of a row, and of the one with which the shown text ends, in pixels."""

_FOLD: Final = 14.0
"""Side of the mark that folds a row."""

Index = QModelIndex | QPersistentModelIndex


class BranchView(RowView):
    """Rows of branches. Left and Right go back and forth in the text, and fold; arguments as for `RowView`."""

    def __init__(self, theme: Theme, keys: Collection[str], parent: QWidget | None = None) -> None:
        super().__init__("Branches", keys, parent)
        self._theme = theme
        self.setIndentation(scaled(_INDENTATION))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = "" if self.editing else key_of(event)
        if key in ("Left", "Right"):
            (self._go_back if key == "Left" else self._go_on)()
        else:
            super().keyPressEvent(event)

    def _go_back(self) -> None:
        """Folds the current row, or goes to the one that it goes on from."""
        index = self.currentIndex()
        row = self._row(index)
        if row is None:
            return
        if row.nested and self.isExpanded(index):
            self.collapse(index)
        elif row.segment.parent is not None:
            self._go_to(row.segment.parent)

    def _go_on(self) -> None:
        """Unfolds the current row, or goes to the first one that goes on from it."""
        index = self.currentIndex()
        row = self._row(index)
        if row is None:
            return
        if row.nested and not self.isExpanded(index):
            self.expand(index)
        elif row.nested or row.next is not None:
            self._go_to(row.nested[0] if row.nested else row.next)

    def _go_to(self, id: int | None) -> None:
        model = self.model()
        assert isinstance(model, BranchModel)
        index = model.index_of(id)
        if index.isValid():
            self.setCurrentIndex(index)

    # The lines

    def _row(self, index: Index) -> Row | None:
        row = index.data(ROW) if index.isValid() else None
        return row if isinstance(row, Row) else None

    def drawBranches(self, painter: QPainter, rect: QRect, index: Index) -> None:
        """Joins a row with those above and below it, and shows where it is folded and whether it is shown."""
        model, row = self.model(), self._row(index)
        if row is None:
            return
        assert isinstance(model, BranchModel)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(rect, QColor(self._theme.colours.surface))  # over the selection, which is of the words alone
        step, top, bottom = self.indentation(), float(rect.top()), float(rect.bottom() + 1)
        centre = QPointF(rect.left() + (row.level + 0.5) * step, top + (bottom - top) / 2)
        self._draw_lines(painter, row, model, centre, top, bottom)
        unfolded = bool(row.nested) and self.isExpanded(index)
        has_nested_shown = any(model.rows.by_id[id].segment.shown for id in row.nested)
        if unfolded or row.next is not None:
            follower = model.rows.by_id[row.next].segment.shown if row.next is not None else False
            self._line(painter, centre, QPointF(centre.x(), bottom), follower or (unfolded and has_nested_shown))
        if row.follows:
            self._line(painter, QPointF(centre.x(), top), centre, row.segment.shown)
        self._draw_mark(painter, row, centre, ends_here=row.segment.id == model.leaf, unfolded=unfolded)
        painter.restore()

    def _draw_lines(
        self, painter: QPainter, row: Row, model: BranchModel, centre: QPointF, top: float, bottom: float
    ) -> None:
        """The lines to the left of a row's own: down to what comes further below, and to the row itself."""
        step, x, at = self.indentation(), centre.x(), row
        while at.parent is not None:
            x -= step
            if at is row and not row.follows:
                corner = QPointF(x, centre.y())
                self._line(painter, QPointF(x, top), corner, row.segment.shown or row.more_shown)
                self._line(painter, corner, centre, row.segment.shown)
                if row.more:
                    self._line(painter, corner, QPointF(x, bottom), row.more_shown)
            elif at.more:
                self._line(painter, QPointF(x, top), QPointF(x, bottom), at.more_shown)
            at = model.rows.by_id[at.parent]

    def _line(self, painter: QPainter, start: QPointF, end: QPointF, shown: bool) -> None:
        colours = self._theme.colours
        colour = colours.accent if shown else mix(colours.muted, colours.surface, 0.5)
        painter.setPen(QPen(QColor(colour), 2.0 if shown else 1.25))
        painter.drawLine(start, end)

    def _draw_mark(self, painter: QPainter, row: Row, centre: QPointF, *, ends_here: bool, unfolded: bool) -> None:
        """The dot of a row, or the mark that folds it."""
        colours = self._theme.colours
        ink = colours.accent if row.segment.shown else colours.muted
        painter.setPen(QPen(QColor(ink), 1.5))
        painter.setBrush(QColor(ink if ends_here else colours.surface))
        if row.nested:
            side = float(scaled(round(_FOLD)))
            box = QRectF(centre.x() - side / 2, centre.y() - side / 2, side, side)
            painter.drawEllipse(box)
            ink = colours.surface if ends_here else ink
            paint_icon(painter, "chevron-down" if unfolded else "chevron-right", ink, box.adjusted(2, 2, -2, -2))
        else:
            radius = _HERE if ends_here else _DOT
            painter.drawEllipse(centre, radius, radius)
