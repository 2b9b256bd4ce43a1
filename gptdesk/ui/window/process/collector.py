"""Runs Python's cyclic garbage collector in the GUI thread alone.

Python collects in whichever thread allocates. A QObject in a cycle would be destroyed there, which can deadlock: Qt
holds a lock of the object's connections while PySide waits for the GIL, and the GUI thread holds the GIL and waits for
that lock.
"""

from __future__ import annotations

import gc
from typing import Final

from PySide6.QtCore import QObject, QTimer

_EVERY_MS: Final = 500


class Collector(QObject):
    """Replaces the automatic collector until `stop`; must be made in the GUI thread."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._collect_if_due)
        self._timer.start(_EVERY_MS)

    def stop(self) -> None:
        """Switches the automatic collector on again."""
        self._timer.stop()
        gc.enable()

    def _collect_if_due(self) -> None:
        """Collects the oldest generation that is due by Python's own thresholds."""
        counts, limits = gc.get_count(), gc.get_threshold()
        for generation in (2, 1, 0):
            if counts[generation] > limits[generation]:
                gc.collect(generation)
                return
