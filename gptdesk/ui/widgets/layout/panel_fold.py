"""Shows or hides the right panel of a page: as the person chose, and hidden at first in a narrow window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget

from gptdesk.ui.fonts import scaled

NARROW: Final = 640
"""Room of a page below which its panel is hidden until it is asked for, in pixels at a font of 13 pixels."""


class PanelFold(QObject):
    """Remembers one choice for wide windows and, until the window closes, another one for narrow ones.

    Args:
        page: whose size changes its room.
        show: shows the panel (true) or hides it (false).
        room: width for the panel and what it stands beside, in pixels, which decides whether the window is narrow.
    """

    def __init__(self, page: QWidget, show: Callable[[bool], object], room: Callable[[], int]) -> None:
        super().__init__(page)
        self._show, self._room = show, room
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
        self.update()

    def toggle(self) -> None:
        """Hides the panel, or shows it again."""
        self._open[self._narrow] = not self._shown
        self.update()

    @property
    def _narrow(self) -> bool:
        return self._room() < scaled(NARROW)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.update()
        return False

    def update(self) -> None:
        """Shows or hides the panel as is right for the present room."""
        wanted = self._open[self._narrow]
        if wanted != self._shown:
            self._shown = wanted
            self._show(wanted)
