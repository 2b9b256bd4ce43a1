"""Generated text on its way into a document: asks the model, appends its tokens, and ends the generation."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.inference.events import DoneEvent, TokenEvent
from gptdesk.inference.interventions.intervention import WHOLE, Intervention
from gptdesk.inference.sampling.settings import FRESH_SEEDS, DecodingSettings
from gptdesk.store.document import Document
from gptdesk.store.special_stream import SpecialTokenStream
from gptdesk.ui.services.inference_messages import Failure, ModelInfo
from gptdesk.ui.services.provenance.origin import known_at_end, origin_of
from gptdesk.ui.services.services import InferenceService

ALTERNATIVES: Final = 10
"""Alternatives recorded for each token and stored with the document."""


class DocumentWriting(QObject):
    """Writes one generation into a document.

    Args:
        document: changed from the beginning of the generation to its end, or until `stop_writing`.
        prompt: what the model reads.
        start: character from which on the text is written, in the place of what stands behind; ``None`` for the end.
        decoding: settings that the document keeps with the text.
        inference: generates.
        intervention: what is changed in the model for it.

    Attributes:
        handle: the request.
        done: its result; ``None`` before it ends, and if it failed or was cancelled before it started.

    Signals:
        grown(): emitted when tokens were appended.
        ended(object): emitted at the end; a `Failure` or ``None``.

    Raises:
        UserError: no model is loaded, and none is being loaded.
    """

    grown = Signal()
    ended = Signal(object)

    def __init__(
        self,
        document: Document,
        prompt: MixedText,
        start: int | None,
        decoding: DecodingSettings,
        inference: InferenceService,
        parent: QObject,
        *,
        intervention: Intervention = WHOLE,
    ) -> None:
        super().__init__(parent)
        self._document, self._prompt, self._start, self._inference = document, prompt, start, inference
        self._decoding, self._intervention = decoding, intervention
        # Drawn here and not by the engine, so that text which is cut off has its seed, too.
        self._fresh_seed = secrets.randbelow(FRESH_SEEDS)
        self._stream: SpecialTokenStream | None = None
        self.done: DoneEvent | None = None
        self.handle = inference.generate(prompt, self._request_settings(), owner=self, intervention=intervention)
        self.handle.started.connect(self._on_started)
        self.handle.tokens.connect(self._on_tokens)
        self.handle.finished.connect(self._on_finished)
        self.handle.failed.connect(self._on_failed)

    def stop_writing(self) -> None:
        """Cancels it and ends it in the document with the text so far; later tokens are ignored."""
        self.handle.cancel()
        if self.handle.running and self._document.generating:
            self._document.end_generation("cancelled", **self._known())

    def forget(self) -> None:
        """Cancels it if it is running, and tells nothing more of it."""
        self.blockSignals(True)
        self.handle.blockSignals(True)
        self.deleteLater()

    def _request_settings(self) -> DecodingSettings:
        """One completion with a seed, with alternatives for each token."""
        seed = self._fresh_seed if self._decoding.seed is None else self._decoding.seed
        return replace(self._decoding, n=1, seed=seed, top_logprobs=ALTERNATIVES)

    def _known(self) -> dict[str, Any]:
        """What was not known when the model began."""
        info, model = self._inference.info, self.handle.model
        same = info is not None and model is not None and info.folder == model.folder
        return {"weights": info.weights if same and info is not None else None}

    def _written(self) -> None:
        """Called when the generation has ended in the document."""

    @Slot(object)
    def _on_started(self, model: ModelInfo) -> None:
        self._stream = SpecialTokenStream(model.tokenizer)
        origin = origin_of(model, self._decoding, self._prompt, self.handle.settings.seed, self._intervention)
        self._document.begin_generation(origin, start=self._start)

    @Slot(object)
    def _on_tokens(self, events: Iterable[TokenEvent]) -> None:
        if self._document.generating and self._stream is not None:
            mixed, tokens = self._stream.feed(events)
            self._document.append_tokens(mixed.text, tokens, special=mixed.names)
            self.grown.emit()

    @Slot(object)
    def _on_finished(self, results: tuple[DoneEvent, ...]) -> None:
        done = self.done = results[0] if results else None
        if self._document.generating:
            if done is None or self._stream is None:
                self._document.end_generation("cancelled", **self._known())
            else:
                end = self._stream.finish(done.tail)
                self._document.append_tokens(end.text, (), special=end.names)
                self._document.end_generation(
                    done.finish_reason, seed=done.seed, **known_at_end(done, self._intervention), **self._known()
                )
            self._written()
        self.ended.emit(None)

    @Slot(object)
    def _on_failed(self, failure: Failure) -> None:
        if self._document.generating:  # what was generated before it failed stays
            self._document.end_generation("failed", **self._known())
            self._written()
        self.ended.emit(failure)
