"""Moves the focus between regions of the window, to the widget that had it last in each region."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import shiboken6
from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QApplication, QWidget


class Regions(QObject):
    """Remembers where the focus was in each part.

    Args:
        window: parent of the regions.
        parts: returns the present parts in their order.
    """

    def __init__(self, window: QWidget, parts: Callable[[], Sequence[QWidget]]) -> None:
        super().__init__(window)
        self._parts = parts
        self._last: dict[QWidget, QWidget] = {}

    def go(self, step: int) -> None:
        """Moves the focus to the next part that accepts it (1), or to the previous one (-1)."""
        parts = [part for part in self._parts() if part.isVisible()]
        focus = QApplication.focusWidget()
        here = next((n for n, part in enumerate(parts) if focus and (part is focus or part.isAncestorOf(focus))), -step)
        if focus is not None and 0 <= here < len(parts):
            self._last[parts[here]] = focus
        for number in range(1, len(parts) + 1):
            target = self._target(parts[(here + step * number) % len(parts)])
            if target is not None:
                target.setFocus(Qt.FocusReason.TabFocusReason)
                return

    def _target(self, part: QWidget) -> QWidget | None:
        """The widget that gets the focus in a part: the last one that had it, or the first that accepts it."""
        last = self._last.get(part)
        if last is not None and shiboken6.isValid(last) and last.isVisible() and last.isEnabled():
            return last
        for widget in (part, *part.findChildren(QWidget)):
            if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible() and widget.isEnabled():
                return widget
        return None
