"""Detects that the window is idle, so that pages can preload modules."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.services.services import InferenceService
from gptdesk.ui.throttle import Debounce

_IDLE_MS: Final = 1500
"""Delay after a model was loaded or a generation has ended."""


class IdleWatch(QObject):
    """Watches the inference service.

    Signals:
        idle(): emitted when no model was loaded and no text generated for a while.
    """

    idle = Signal()

    def __init__(self, inference: InferenceService, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._inference = inference
        self._quiet = Debounce(self._on_quiet, _IDLE_MS, self)
        inference.state_changed.connect(self._on_state_changed)

    def _on_quiet(self) -> None:
        if self._inference.engines.generating:  # for another page
            self._quiet.request()
        else:
            self.idle.emit()

    @Slot()
    def _on_state_changed(self) -> None:
        if self._inference.state in (State.LOADING, State.GENERATING):
            self._quiet.cancel()
        else:
            self._quiet.request()
