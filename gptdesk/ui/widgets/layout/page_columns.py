"""Columns of a page: a main part and side panels, whose widths are kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import msgspec
from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from gptdesk.ui.fonts import scaled
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.layout.panel_fold import PanelFold
from gptdesk.ui.widgets.layout.splitter import Splitter

_LONGEST: Final = 5
"""Most digits of a width that is read back."""


class SidePart(msgspec.Struct, frozen=True, kw_only=True):
    """A panel beside the main part.

    Attributes:
        widget: the panel.
        share: of the page's width, in percent.
        least: pixels at a font of 13 pixels.
        most: pixels at a font of 13 pixels.
    """

    widget: QWidget
    share: int
    least: int
    most: int


class PageColumns(Splitter):
    """A row of columns.

    Args:
        main: gets the width that the panels leave.
        left: panel on the left.
        right: panel on the right, which folds.
        inner: another panel on the left, beside the main part.
        least: width of the main part, in pixels at a font of 13 pixels, below which one of two panels on the left gives
            way to the other: the one that was wanted less recently. With it, the room in which the right panel folds is
            that beside the panels on the left, else all of the page.

    Attributes:
        fold: of the panel on the right.

    Signals:
        arranged(): emitted when a panel has given way, or has come back.
    """

    arranged = Signal()

    def __init__(
        self,
        theme: Theme,
        main: QWidget,
        *,
        left: SidePart | None = None,
        right: SidePart | None = None,
        inner: SidePart | None = None,
        least: int = 0,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, parent)
        self._main, self._right, self._least = main, right, least
        self._sides = [side for side in (left, right, inner) if side is not None]  # the order of their stored widths
        lefts = [side.widget for side in (left, inner) if side is not None]
        self._columns = [*lefts, main, *([right.widget] if right is not None else [])]
        self._lefts = lefts  # the one that was wanted last comes last
        self._given_way: set[QWidget] = set()
        self._widths: list[int] | None = None
        self._folded = False
        self._unwanted: set[QWidget] = set()
        for widget in self._columns:
            self.addWidget(widget)
        self.setStretchFactor(self._columns.index(main), 1)
        self.setChildrenCollapsible(False)
        self.splitterMoved.connect(self._on_moved)
        self.reset.connect(self._on_reset)
        self.fold = PanelFold(self, self._show_panel, self._room)

    @property
    def borders(self) -> str:
        """Widths of the panels in pixels that the person chose; "" for the usual ones."""
        return " ".join(map(str, self._widths or ()))

    def set_borders(self, borders: object) -> None:
        """Restores what `borders` returned; a value that cannot be read changes nothing."""
        widths = str(borders).split()
        if 0 < len(widths) <= len(self._sides) and all(w.isdecimal() and len(w) <= _LONGEST for w in widths):
            known = [int(width) for width in widths]  # fewer where they were stored before a panel was added
            self._widths = known + self._usual_widths()[len(known) :]
            self._arrange()

    def prefer(self, widget: QWidget) -> None:
        """Lets the other panel on the left give way to this one where there is no room for both."""
        if widget != self._lefts[-1]:
            self._lefts.sort(key=lambda left: left is widget)
            self._arrange()

    def show_side(self, widget: QWidget, wanted: bool) -> None:
        """Shows or hides a panel, depending on whether it has anything to show."""
        if wanted == (widget in self._unwanted):
            (self._unwanted.discard if wanted else self._unwanted.add)(widget)
            if wanted and widget in self._lefts:
                self._lefts.sort(key=lambda left: left is widget)
            self._arrange()
            self.fold.update()

    def _room(self) -> int:
        """Width for the main part and the panel on the right, in pixels."""
        if not self._least:
            return self.width()
        widths = self._widths_by_panel()
        shown = {widget for widget in widths if widget not in self._unwanted}
        lefts = (shown - self._without_room(widths, shown)).intersection(self._lefts)
        return self.width() - sum(widths[widget] for widget in lefts)

    def _show_panel(self, shown: bool) -> None:
        self._folded = not shown
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    @Slot()
    def _on_moved(self) -> None:
        sizes = dict(zip(self._columns, self.sizes(), strict=True))
        before = self._widths or self._usual_widths()
        self._widths = [
            sizes[side.widget] if side.widget.isVisible() else width
            for side, width in zip(self._sides, before, strict=True)
        ]

    @Slot()
    def _on_reset(self) -> None:
        self._widths = None
        self._arrange()

    def _usual_widths(self) -> list[int]:
        width = self.width()
        return [min(max(width * side.share // 100, scaled(side.least)), scaled(side.most)) for side in self._sides]

    def _widths_by_panel(self) -> dict[QWidget, int]:
        return dict(zip((side.widget for side in self._sides), self._widths or self._usual_widths(), strict=True))

    def _arrange(self) -> None:
        """Shows or hides the panels and sets the width of each column."""
        widths = self._widths_by_panel()
        shown = {widget for widget in widths if widget not in self._unwanted}
        if self._right is not None and self._folded:
            shown.discard(self._right.widget)
        given_way = self._without_room(widths, shown)
        shown -= given_way
        for widget in widths:
            if widget.isHidden() == (widget in shown):
                self._show_or_hide(widget, widget in shown)
        main = max(1, self.width() - sum(widths[widget] for widget in shown))
        self.setSizes([widths.get(widget, main) for widget in self._columns])
        if given_way != self._given_way:
            self._given_way = given_way
            self.arranged.emit()

    def _without_room(self, widths: Mapping[QWidget, int], shown: Collection[QWidget]) -> set[QWidget]:
        """The panel on the left that gives way to the other one, if one has to."""
        lefts = [widget for widget in self._lefts if widget in shown]
        main = self.width() - sum(widths[widget] for widget in shown)
        return {lefts[0]} if len(lefts) > 1 and main < scaled(self._least) else set()

    def _show_or_hide(self, widget: QWidget, shown: bool) -> None:
        focused = widget.isAncestorOf(self.focusWidget()) if self.focusWidget() is not None else False
        widget.setVisible(shown)
        if focused and not shown:
            self._main.setFocus()
