"""The sheet on which a run is put together and started."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QWidget

from gptdesk.ui.services import Services


class NewRunSheet(QDialog):
    """Data, what to start from, settings; ``open()`` it, it does not block.

    Args:
        services: of the window.
        index: the `RunIndex` of the runs there are.

    Signals:
        started(object): the `Path` of the run that was started.
    """

    started = Signal(object)

    def __init__(self, services: Services, index: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._services, self._index = services, index
        self.setWindowTitle("New run")
