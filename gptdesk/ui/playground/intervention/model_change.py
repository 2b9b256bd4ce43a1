"""What is changed in the model that writes the document: parts that are off, directions that are added."""

from __future__ import annotations

from msgspec.structs import replace
from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.inference.interventions.intervention import WHOLE, Component, Intervention
from gptdesk.ui.services.services import InferenceService


class ModelChange(QObject):
    """Holds for all documents until it is cleared, or until a model of another shape is loaded.

    Attributes:
        value: what is changed.

    Signals:
        changed(): emitted when ``value`` changes.
        dropped(str): emitted when a model of another shape was loaded, with what was changed.
    """

    changed = Signal()
    dropped = Signal(str)

    def __init__(self, inference: InferenceService, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._inference = inference
        self._shape: tuple[int, int] | None = None  # of the model for which it was made
        self.value = WHOLE
        inference.state_changed.connect(self._on_state_changed)

    @property
    def shape(self) -> tuple[int, int] | None:
        """Layers and heads of the model in use; ``None`` without one."""
        info = self._inference.info
        return info.shape if info is not None else None

    def set(self, value: Intervention) -> None:
        """Changes something else from now on."""
        if value != self.value:
            self.value, self._shape = value, self.shape
            self.changed.emit()

    def toggle(self, part: Component) -> None:
        """Switches a part off, or on again."""
        others = tuple(one for one in self.value.without if one != part)
        without = others if part in self.value.without else (*others, part)
        self.set(replace(self.value, without=without))

    @Slot()
    def clear(self) -> None:
        """Makes the model whole."""
        self.set(WHOLE)

    @Slot()
    def _on_state_changed(self) -> None:
        shape = self.shape
        if self.value == WHOLE or shape is None:
            return
        if self._shape is None:  # it was made before there was a model
            self._shape = shape
        if shape != self._shape:
            name = self.value.name
            self.clear()
            self.dropped.emit(name)
