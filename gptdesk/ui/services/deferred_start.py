"""Starts what can wait once the model is loaded, so that the model is ready sooner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, QTimer

from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.services.services import InferenceService

_PATIENCE_MS: Final = 1000
"""The longest that is waited: a large model takes longer to load."""


class DeferredStart(QObject):
    """Calls functions once, when no model is being loaded any more, or after a second.

    Args:
        inference: of the window.
    """

    def __init__(self, inference: InferenceService, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._inference = inference
        self._starts: tuple[Callable[[], object], ...] = ()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PATIENCE_MS)
        self._timer.timeout.connect(self._start)
        inference.state_changed.connect(self._start_if_loaded)

    def defer(self, *starts: Callable[[], object]) -> None:
        """Calls ``starts`` now, if no model is being loaded, or later."""
        self._starts = starts
        self._timer.start()
        self._start_if_loaded()

    def cancel(self) -> None:
        """Calls nothing any more."""
        self._timer.stop()
        self._starts = ()

    def _start_if_loaded(self) -> None:
        if self._inference.state is not State.LOADING:
            self._start()

    def _start(self) -> None:
        starts = self._starts
        self.cancel()
        for start in starts:
            start()
