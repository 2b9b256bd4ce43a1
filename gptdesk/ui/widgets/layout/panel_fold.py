"""Shows or hides the right panel of a page: as the person chose, and hidden at first in a narrow window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget

from gptdesk.ui.fonts import scaled

NARROW: Final = 660
"""Width of a page below which its panel is hidden until it is asked for, in pixels at a font of 13 pixels."""


class PanelFold(QObject):
    """Remembers one choice for wide windows and, until the window closes, another one for narrow ones.

    Args:
        page: its width decides whether the window is narrow.
        show: shows the panel (true) or hides it (false).
    """

    def __init__(self, page: QWidget, show: Callable[[bool], object]) -> None:
        super().__init__(page)
        self._page, self._show = page, show
        self._open = {False: True, True: False}  # by whether the page is narrow
        self._shown = True
        page.installEventFilter(self)

    @property
    def folded(self) -> bool:
        """Whether the person hid the panel in a wide window."""
        return not self._open[False]

    @folded.setter
    def folded(self, folded: bool) -> None:
        self._open[False] = not folded
        self._apply()

    def toggle(self) -> None:
        """Hides the panel, or shows it again."""
        self._open[self._narrow] = not self._shown
        self._apply()

    @property
    def _narrow(self) -> bool:
        return self._page.width() < scaled(NARROW)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._apply()
        return False

    def _apply(self) -> None:
        wanted = self._open[self._narrow]
        if wanted != self._shown:
            self._shown = wanted
            self._show(wanted)
