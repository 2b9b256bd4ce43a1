"""A slider over what a run did by step, with a button that plays it in order."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSlider, QWidget

from gptdesk.ui.theme import Theme

_FRAME_MS: Final = 700
"""Milliseconds for each step while they are played."""


class StepPlayer(QWidget):
    """Chooses one of several steps.

    Args:
        theme: of the window.
        name: of the slider, for screen readers.

    Attributes:
        play: starts and stops playing.
        slider: index of the chosen step.

    Signals:
        moved(): another step was chosen.
    """

    moved = Signal()

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.play = QPushButton()
        self.play.setProperty("icon_only", "true")
        self.play.setProperty("kind", "flat")
        self.play.clicked.connect(self._on_play)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName(name)
        self.slider.setPageStep(1)
        self.slider.valueChanged.connect(self.moved)
        self._timer = QTimer(self)
        self._timer.setInterval(_FRAME_MS)
        self._timer.timeout.connect(self._on_frame)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.play)
        row.addWidget(self.slider, 1)
        self._show_play()

    @property
    def index(self) -> int:
        """Index of the chosen step."""
        return self.slider.value()

    @property
    def is_at_end(self) -> bool:
        """Whether the last step is chosen."""
        return self.slider.value() == self.slider.maximum()

    def set_count(self, count: int, *, choose_last: bool) -> None:
        """Changes the number of steps without emitting `moved`; hides itself if there is none."""
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, max(0, count - 1))
            if choose_last:
                self.slider.setValue(self.slider.maximum())
        self.setVisible(bool(count))
        for widget in (self.slider, self.play):
            widget.setEnabled(count > 1)

    def stop(self) -> None:
        """Stops playing."""
        self._timer.stop()
        self._show_play()

    @Slot()
    def _on_play(self) -> None:
        if self._timer.isActive():
            self._timer.stop()
        else:
            if self.is_at_end:
                self.slider.setValue(0)
            self._timer.start()
        self._show_play()

    @Slot()
    def _on_frame(self) -> None:
        self.slider.setValue(self.slider.value() + 1)
        if self.is_at_end:
            self.stop()

    def _show_play(self) -> None:
        playing = self._timer.isActive()
        name = "Pause" if playing else "Play from the first step to the last"
        self.play.setAccessibleName(name)
        self.play.setToolTip(name)
        self._theme.set_icon(self.play, "pause" if playing else "play")
