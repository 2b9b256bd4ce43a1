"""Tokens per second of the generation that is running."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtWidgets import QLabel, QWidget

from gptdesk.ui import number_format
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.services.services import InferenceService

_EVERY_MS: Final = 250
"""A number that changes faster cannot be read."""


class SpeedLabel(QLabel):
    """Shows the speed while text is generated, and nothing otherwise."""

    def __init__(self, inference: InferenceService, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._inference = inference
        self.setProperty("kind", "muted")
        self.setAccessibleName("Speed")
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self._show)
        inference.state_changed.connect(self._on_state_changed)

    def minimumSizeHint(self) -> QSize:
        """The buttons beside it have priority."""
        return QSize(0, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint()

    def _on_state_changed(self) -> None:
        if self._inference.state is State.GENERATING:
            self._timer.start()
        else:
            self._timer.stop()
        self._show()

    def _show(self) -> None:
        generation = self._inference.current
        running = generation is not None and self._inference.state is State.GENERATING
        speed = generation.speed if generation is not None and running else 0.0
        text = number_format.speed(speed) if speed else ""
        fits = self.fontMetrics().horizontalAdvance(text) <= self.width()
        self.setText(text if fits else "")
