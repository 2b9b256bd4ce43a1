"""Has the text of the open document read into the model's cache while the person pauses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, Slot

from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.power_saver import power_saver_is_on
from gptdesk.ui.services.services import InferenceService, SettingsService
from gptdesk.ui.throttle import Debounce

PAUSE_MS: Final = 150
"""Without a change, before reading begins: longer than between two keys of a word, shorter than the way to Generate."""


class ReadAhead(QObject):
    """Asks for the newest text to be read; what a change has made useless is given up at once.

    Nothing is read while the setting is off or the system saves power, unless scores are wanted.

    Attributes:
        place: returns the index of the character around which a long text is scored first.
    """

    def __init__(self, inference: InferenceService, settings: SettingsService, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._inference, self._settings = inference, settings
        self._text = MixedText()
        self._scored = False
        self._model: str | None = None
        self.place: Callable[[], int] = lambda: len(self._text)
        self._pause = Debounce(self._read, PAUSE_MS, self)
        settings.changed.connect(self._on_settings_changed)
        inference.state_changed.connect(self._on_model_changed)

    def show(self, text: MixedText) -> None:
        """The document has this text now."""
        if text == self._text:
            return
        same = shared_length(self._text.text, text.text)
        self._text = text
        self._inference.reads.keep_to(same)
        self._pause.request()

    def set_scored(self, scored: bool) -> None:
        """Sets whether the tokens of the text are scored, too."""
        if scored != self._scored:
            self._scored = scored
            self._on_settings_changed()
            if scored:
                self._read()

    def read_now(self) -> None:
        """Does not wait for the pause."""
        self._pause.flush()

    def close(self) -> None:
        """Reads nothing more."""
        self._pause.cancel()
        self._inference.reads.drop()

    @property
    def _wanted(self) -> bool:
        return self._scored or (self._settings.value.read_ahead and not power_saver_is_on())

    @Slot()
    def _read(self) -> None:
        if self._text and self._inference.info is not None and self._wanted:
            self._inference.reads.read_text(self._text, scored=self._scored, near=self.place())

    @Slot()
    def _on_settings_changed(self) -> None:
        if not self._wanted:
            self._inference.reads.drop()

    @Slot()
    def _on_model_changed(self) -> None:
        info = self._inference.info
        model = None if info is None else f"{info.model} {info.device} {info.precision}"
        if model != self._model:
            self._model = model
            if model is not None:
                self._pause.request()


def shared_length(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginning, by bisection."""
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
