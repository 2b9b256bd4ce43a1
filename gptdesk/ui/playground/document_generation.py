"""One generation of a document: requests it from the model and appends its tokens to the document."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final, Literal

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.inference.events import DoneEvent, TokenEvent
from gptdesk.inference.sampling.settings import FRESH_SEEDS, DecodingSettings
from gptdesk.store.document import Document
from gptdesk.store.special_stream import SpecialTokenStream
from gptdesk.ui.services.inference_messages import Failure, ModelInfo
from gptdesk.ui.services.provenance.origin import origin_of
from gptdesk.ui.services.services import InferenceService

ALTERNATIVES: Final = 10
"""Alternatives recorded for each token and stored with the document."""

PendingAction = Literal["generate", "regenerate", "next token"]


class DocumentGeneration(QObject):
    """Continues a document, or replaces its last generation.

    Args:
        document: changed from ``started`` until the end, or until `stop_writing`.
        action: "generate" continues the text; "regenerate" replaces it from the beginning of its last generation on;
            "next token" continues it by one token.
        inference: generates.
        decoding: settings of the document.
        start: character at which "generate" begins, in the place of the text behind it; by default the end.

    Attributes:
        handle: the request.
        done: its result; ``None`` before it ends, and if it failed or was cancelled before it started.
        same_again: whether a regeneration gave the text that it replaced.

    Signals:
        started(str): emitted when the model begins; the text typed since the last generation that this one replaces.
        changed(): emitted when the document's text has changed.
        ended(object): emitted at the end; a `Failure` or ``None``.

    Raises:
        UserError: no model is loaded, and none is being loaded.
    """

    started = Signal(str)
    changed = Signal()
    ended = Signal(object)

    def __init__(
        self,
        document: Document,
        action: PendingAction,
        inference: InferenceService,
        decoding: DecodingSettings,
        parent: QObject,
        *,
        start: int | None = None,
    ) -> None:
        super().__init__(parent)
        self._document, self._action, self._inference = document, action, inference
        # Drawn here and not by the engine, so that text which is cut off has its seed, too.
        self._fresh_seed = secrets.randbelow(FRESH_SEEDS)
        self._decoding = _settings_for(action, decoding)
        self._regenerates = action == "regenerate"
        self._start = document.last_generation() if self._regenerates else start
        self._replaced = ""
        self._stream: SpecialTokenStream | None = None
        self.done: DoneEvent | None = None
        self.same_again = False
        prompt = document.mixed[: self._start]
        self.handle = inference.generate(prompt, self._request_settings(), owner=self)
        self.handle.started.connect(self._on_started)
        self.handle.tokens.connect(self._on_tokens)
        self.handle.finished.connect(self._on_finished)
        self.handle.failed.connect(self._on_failed)

    def use_settings(self, decoding: DecodingSettings) -> None:
        """Changes the settings of a waiting generation; those of a started one are fixed."""
        if self.handle.queued:
            self._decoding = _settings_for(self._action, decoding)
            self.handle.settings = self._request_settings()

    def stop_writing(self) -> None:
        """Cancels it and ends it in the document with the text so far; later tokens are ignored."""
        self.handle.cancel()
        if self.handle.running and self._document.generating:
            self._document.end_generation("cancelled", **self._known())

    def _request_settings(self) -> DecodingSettings:
        """One completion with a seed, with alternatives for each token."""
        seed = self._fresh_seed if self._decoding.seed is None else self._decoding.seed
        return replace(self._decoding, n=1, seed=seed, top_logprobs=ALTERNATIVES)

    def _known(self) -> dict[str, Any]:
        """What was not known when the model began."""
        info, model = self._inference.info, self.handle.model
        same = info is not None and model is not None and info.folder == model.folder
        return {"weights": info.weights if same and info is not None else None}

    @Slot(object)
    def _on_started(self, model: ModelInfo) -> None:
        removed = self._document.typed_since_generation() if self._regenerates else ""
        self._replaced = self._document.mixed[self._start :].spelled if self._regenerates else ""
        self._stream = SpecialTokenStream(model.tokenizer)
        assert isinstance(self.handle.prompt, MixedText)
        origin = origin_of(model, self._decoding, self.handle.prompt, self.handle.settings.seed)
        self._document.begin_generation(origin, start=self._start)
        assert self._document.mixed == self.handle.prompt, "edits cancel a generation that waits"
        self.started.emit(removed)
        self.changed.emit()

    @Slot(object)
    def _on_tokens(self, events: Iterable[TokenEvent]) -> None:
        if self._document.generating and self._stream is not None:
            mixed, tokens = self._stream.feed(events)
            self._document.append_tokens(mixed.text, tokens, special=mixed.names)
            self.changed.emit()

    @Slot(object)
    def _on_finished(self, results: tuple[DoneEvent, ...]) -> None:
        self.done = results[0] if results else None
        if self._document.generating:
            if self.done is None or self._stream is None:
                self._document.end_generation("cancelled", **self._known())
            else:
                end = self._stream.finish(self.done.tail)
                self._document.append_tokens(end.text, (), special=end.names)
                self._end(self.done)
            self.changed.emit()
        self.ended.emit(None)

    def _end(self, done: DoneEvent) -> None:
        self._document.end_generation(
            done.finish_reason,
            seed=done.seed,
            backend=done.backend,
            prompt_tokens=done.prompt_tokens,
            **self._known(),
        )
        start = self._document.last_generation()
        if self._replaced and start is not None and done.finish_reason != "cancelled":
            self.same_again = self._replaced.startswith(self._document.mixed[start:].spelled)

    @Slot(object)
    def _on_failed(self, failure: Failure) -> None:
        if self._document.generating:  # what was generated before it failed stays
            self._document.end_generation("failed", **self._known())
            self.changed.emit()
        self.ended.emit(failure)


def _settings_for(action: PendingAction, decoding: DecodingSettings) -> DecodingSettings:
    return replace(decoding, max_tokens=1) if action == "next token" else decoding
