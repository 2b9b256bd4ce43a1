"""One generation of a document: requests it from the model and appends its tokens to the document."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.inference.interventions.intervention import WHOLE, Intervention
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.document import Document
from gptdesk.ui.documents.writing import DocumentWriting
from gptdesk.ui.services.inference_messages import ModelInfo
from gptdesk.ui.services.services import InferenceService

PendingAction = Literal["generate", "regenerate", "next token"]


class DocumentGeneration(DocumentWriting):
    """Continues a document, or replaces its last generation.

    Args:
        document: changed from ``started`` until the end, or until `stop_writing`.
        action: "generate" continues the text; "regenerate" replaces it from the beginning of its last generation on;
            "next token" continues it by one token.
        inference: generates.
        decoding: settings of the document.
        start: character at which "generate" begins, in the place of the text behind it; by default the end.
        intervention: what is changed in the model for it.

    Attributes:
        same_again: whether a regeneration gave the text that it replaced.

    Signals:
        started(str): emitted when the model begins; the text typed since the last generation that this one replaces.
        changed(): emitted when the document's text has changed.

    Raises:
        UserError: no model is loaded, and none is being loaded.
    """

    started = Signal(str)
    changed = Signal()

    def __init__(
        self,
        document: Document,
        action: PendingAction,
        inference: InferenceService,
        decoding: DecodingSettings,
        parent: QObject,
        *,
        start: int | None = None,
        intervention: Intervention = WHOLE,
    ) -> None:
        self._action = action
        self._regenerates = action == "regenerate"
        self._replaced = ""
        self.same_again = False
        start = document.last_generation() if self._regenerates else start
        prompt, settings = document.mixed[:start], _settings_for(action, decoding)
        super().__init__(document, prompt, start, settings, inference, parent, intervention=intervention)
        self.grown.connect(self.changed)

    def use_settings(self, decoding: DecodingSettings) -> None:
        """Changes the settings of a waiting generation; those of a started one are fixed."""
        if self.handle.queued:
            self._decoding = _settings_for(self._action, decoding)
            self.handle.settings = self._request_settings()

    @Slot(object)
    def _on_started(self, model: ModelInfo) -> None:
        removed = self._document.typed_since_generation() if self._regenerates else ""
        self._replaced = self._document.mixed[self._start :].spelled if self._regenerates else ""
        super()._on_started(model)
        assert self._document.mixed == self.handle.prompt, "edits cancel a generation that waits"
        self.started.emit(removed)
        self.changed.emit()

    def _written(self) -> None:
        start = self._document.last_generation()
        if self.done is not None and self._replaced and start is not None and self.done.finish_reason != "cancelled":
            self.same_again = self._replaced.startswith(self._document.mixed[start:].spelled)
        self.changed.emit()


def _settings_for(action: PendingAction, decoding: DecodingSettings) -> DecodingSettings:
    return replace(decoding, max_tokens=1) if action == "next token" else decoding
