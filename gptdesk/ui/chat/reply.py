"""One reply of the model: asks for it and writes its tokens into the document."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.chat.prompt import ChatPrompt
from gptdesk.inference.sampling.setting_checks import MAX_STOP_STRINGS
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.document import Document
from gptdesk.ui.documents.writing import DocumentWriting
from gptdesk.ui.services.inference_messages import ModelInfo
from gptdesk.ui.services.services import InferenceService


class Reply(DocumentWriting):
    """Writes one reply.

    Args:
        document: changed from ``started`` until the end; whoever edits it meanwhile calls `stop_writing` before.
        prompt: what the model reads.
        start: character from which on it is written, in the place of what stands behind; ``None`` for the end.
        decoding: settings of the chat; the stop strings of the prompt come before theirs.

    Signals:
        started(): emitted when the model begins.

    Raises:
        UserError: no model is loaded, and none is being loaded.
    """

    started = Signal()

    def __init__(
        self,
        document: Document,
        prompt: ChatPrompt,
        start: int | None,
        decoding: DecodingSettings,
        inference: InferenceService,
        parent: QObject,
    ) -> None:
        stop = tuple(dict.fromkeys((*prompt.stop, *decoding.stop)))[:MAX_STOP_STRINGS]
        super().__init__(document, prompt.mixed, start, replace(decoding, stop=stop), inference, parent)

    @Slot(object)
    def _on_started(self, model: ModelInfo) -> None:
        super()._on_started(model)
        self.started.emit()
