"""A small table of values: a row for each thing, a column for each text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from gptdesk.ui.fonts import scaled

_ROW: Final = 24
_TITLE: Final = 124
"""Width, in pixels at a font of 13 pixels, above which titles are cut where values need the room."""


class ValueTable(QTableWidget):
    """Read by mouse, keyboard and screen reader alike; Ctrl+C copies it, with tabs between the values.

    Args:
        name: for screen readers.
    """

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # models often differ at their ends
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setProperty("kind", "values")
        for corner in self.findChildren(QAbstractButton):
            corner.setAccessibleName(f"{name}: all values")
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(scaled(_ROW))
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setMinimumSectionSize(scaled(36))
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)

    def show_values(
        self,
        headings: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        colours: Sequence[Sequence[str]] = (),
        tips: Sequence[str] = (),
    ) -> None:
        """Shows other values; the current row stays.

        Args:
            headings: of the columns; the first is that of the rows' titles.
            rows: title and values of each.
            colours: behind the values of each row, as ``#rrggbb``, "" for none.
            tips: of each heading.
        """
        row = self.currentRow()
        self.setRowCount(len(rows))
        self.setColumnCount(len(headings))
        for column, heading in enumerate(headings):
            item = QTableWidgetItem(heading)
            side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
            item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
            item.setToolTip(tips[column] if tips else heading)
            self.setHorizontalHeaderItem(column, item)
        for place, values in enumerate(rows):
            for column, value in enumerate(values):
                item = QTableWidgetItem(value)
                side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
                item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
                item.setToolTip(f"{values[0]}, {headings[column]}: {value}" if column else value)
                if column and colours and colours[place][column - 1]:
                    item.setBackground(QColor(colours[place][column - 1]))
                self.setItem(place, column, item)
        self._fit()
        if 0 <= row < len(rows):
            self.setCurrentCell(row, 0)

    def as_text(self) -> str:
        """All values with tabs between them."""
        lines = ["\t".join(_text(self.horizontalHeaderItem(column)) for column in range(self.columnCount()))]
        for row in range(self.rowCount()):
            lines.append("\t".join(_text(self.item(row, column)) for column in range(self.columnCount())))
        return "\n".join(lines)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Gives values the width that they need, and the titles the rest, but enough to be read."""
        header, count = self.horizontalHeader(), self.columnCount()
        widths = [max(self.sizeHintForColumn(at), header.sectionSizeHint(at)) for at in range(1, count)]
        if count:
            least = min(self.sizeHintForColumn(0), scaled(_TITLE))
            self.setColumnWidth(0, max(least, self.viewport().width() - sum(widths)))
        for at, width in enumerate(widths, 1):
            self.setColumnWidth(at, width)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.as_text())
        else:
            super().keyPressEvent(event)


def _text(item: QTableWidgetItem | None) -> str:
    return item.text() if item is not None else ""
