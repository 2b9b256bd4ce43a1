"""The playground's session: the open document, its edits and generations, and when it is saved."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.errors import UserError
from gptdesk.inference.events import DoneEvent, TokenEvent
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.document import Document
from gptdesk.store.runs import Origin, Token
from gptdesk.ui.services.document_storage import DocumentStorage
from gptdesk.ui.services.generation import Generation
from gptdesk.ui.services.inference import Inference
from gptdesk.ui.services.inference_messages import Failure, ModelInfo
from gptdesk.ui.services.settings import SettingsService
from gptdesk.ui.throttle import Throttle

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import TextStream

_SAVE_AFTER_MS: Final = 400
"""A change is on disk after this time at the latest; the end of a generation is saved at once."""

_ALTERNATIVES: Final = 10
"""Alternatives recorded for each token; stored with the document."""

PendingAction = Literal["generate", "regenerate"]


class Session(QObject):
    """The open document and its generation.

    Any edit cancels the generation: what has been generated stays, and the edit is the next step of the document.

    Attributes:
        document: the open document; only this class changes it.
        generation: the last one asked for; ``None`` before the first, and after the document was changed under it.
        waiting: what to do when the model is free for this document.
        done: how the last generation of this text ended.

    Signals:
        opened(): emitted when another document was opened.
        changed(): emitted when its text or its runs change.
        activity_changed(): emitted when ``waiting`` or ``done`` changes, and when a generation starts or ends.
        begun(): the model begins to generate.
        jumped(int): undo, redo or a tool changed the text before this character, which may be out of sight.
        notice(str): something to know that stops nothing.
        failed(object): a generation failed; a `Failure`.
        removed(str, int): regenerating removed this text, which was typed since the last generation; the number is for
            `undo_to`.
        same_again(): regenerating gave the same text.
    """

    opened = Signal()
    changed = Signal()
    activity_changed = Signal()
    begun = Signal()
    jumped = Signal(int)
    notice = Signal(str)
    failed = Signal(object)
    removed = Signal(str, int)
    same_again = Signal()

    def __init__(
        self, inference: Inference, storage: DocumentStorage, settings: SettingsService, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._inference, self._storage, self._settings = inference, storage, settings
        self.document = Document()
        self.generation: Generation | None = None
        self.waiting: PendingAction | None = None
        self.done: DoneEvent | None = None
        self._stream: TextStream | None = None
        self._replaced: str | None = None  # text that the running regeneration replaced
        self._saving = Throttle(self.save, _SAVE_AFTER_MS, self)
        settings.changed.connect(self._on_settings_changed)

    @property
    def busy(self) -> bool:
        """Whether this document is being generated, or waits for that."""
        return self.waiting is not None or self._running

    @property
    def stopping(self) -> bool:
        """Whether the generation was cancelled and has not ended yet."""
        return self._running and self.generation is not None and self.generation.cancelled

    @property
    def _running(self) -> bool:
        return self.generation is not None and self.generation.running

    # Documents

    def open(self, document: Document) -> None:
        """Opens another document; the one that was open is saved."""
        self._interrupt()
        self.flush()
        self.generation = None  # what still comes of it is about the other document
        self.document = document
        self.done = None
        document.decoding = document.decoding or self._settings.value.new_document_decoding
        self._settings.update(document=document.id, decoding=document.decoding)
        self.opened.emit()
        self.activity_changed.emit()

    def save(self) -> None:
        self._saving.cancel()
        self._storage.save(self.document.snapshot())

    def flush(self) -> None:
        """Saves now what would be saved shortly."""
        self._saving.flush()

    def close(self) -> None:
        """Cancels the generation and saves the document."""
        self._interrupt()
        self.flush()

    def rename(self, title: str | None) -> None:
        """Sets the document's title; ``None`` makes the beginning of its text the title again."""
        self.document.own_title = title
        self._on_changed()

    def set_file(self, path: str) -> None:
        """Records that the text was saved to this file."""
        self.document.file = path
        self._on_changed()

    @Slot()
    def _on_settings_changed(self) -> None:
        """The decoding settings belong to the open document, and to a generation that has not started yet."""
        decoding = self._settings.value.decoding
        if self.document.decoding != decoding:
            self.document.decoding = decoding
            self._saving.request()
            if self.generation is not None and self.generation.queued:
                self.generation.settings = _request_settings(decoding)

    # Edits

    def edit(self, start: int, end: int, text: str, typing: bool = False) -> None:
        """Replaces the characters from ``start`` to ``end`` by ``text``, which a person typed or pasted."""
        self._interrupt()
        self.document.replace(start, end, text, typing=typing)
        self._on_changed()

    def interrupt(self) -> None:
        """Cancels the generation because a person is about to edit."""
        if self.busy:
            self._interrupt()
            self._on_changed()

    def undo(self) -> None:
        self._change(self.document.undo)

    def redo(self) -> None:
        self._change(self.document.redo)

    def undo_to(self, depth: int) -> None:
        """Undoes steps until ``depth`` of them are left to undo."""
        self._interrupt()
        while self.document.history.depth > depth:
            self.undo()

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo; a running generation is one."""
        return self.document.history.can_undo or self.document.generating

    @property
    def can_redo(self) -> bool:
        return self.document.history.can_redo and not self.document.generating

    def _change(self, change: Callable[[], bool]) -> None:
        was_busy = self.busy
        self._interrupt()
        changed = change()
        if changed:
            self.generation = self.done = None  # their figures are about another text
        if changed or was_busy:
            self._on_changed()
            self.activity_changed.emit()
        if changed:
            self.jumped.emit(self.document.changed_at)

    # Generations

    def generate(self) -> None:
        """Continues the text as soon as the model is free."""
        self._request("generate")

    def regenerate(self) -> None:
        """Replaces everything from the beginning of the last generation on."""
        if self.document.last_generation() is not None:
            self._request("regenerate")

    def stop(self) -> None:
        """Cancels the generation: at once when it waits, otherwise after the token that is being computed."""
        self.waiting = None
        if self.generation is not None:
            self.generation.cancel()
        self.activity_changed.emit()

    def _request(self, action: PendingAction) -> None:
        if self.waiting or (self._running and not self.stopping):
            return
        self.waiting = action
        if not self._running:  # else when that has ended: its last tokens belong to the prompt
            self._ask_for_model()
        self.activity_changed.emit()

    def _ask_for_model(self) -> None:
        start = self.document.last_generation() if self.waiting == "regenerate" else None
        prompt, settings = self.document.text[:start], _request_settings(self._settings.value.decoding)
        try:
            generation = self._inference.generate(prompt, settings, owner=self)
        except UserError as error:
            self.waiting = None
            self.failed.emit(Failure(str(error)))
            return
        self.generation = generation
        generation.started.connect(self._on_started)
        generation.tokens.connect(self._on_tokens)
        generation.notice.connect(self._on_notice)
        generation.finished.connect(self._on_finished)
        generation.failed.connect(self._on_failed)

    @Slot(object)
    def _on_started(self, model: ModelInfo) -> None:
        if self._is_outdated or self.generation is None:
            return
        from gptdesk.gpt2.tokenizer import TextStream, gpt2_tokenizer

        start = self.document.last_generation() if self.waiting == "regenerate" else None
        removed = self.document.typed_since_generation() if start is not None else ""
        self._replaced = None if start is None else self.document.text[start:]
        self.waiting = self.done = None
        self._stream = TextStream(gpt2_tokenizer())  # cached by now: the engine uses it
        origin = Origin(
            generation=uuid.uuid4().hex,
            model=model.model,
            settings=self._settings.value.decoding,
            device=model.device,
            precision=model.precision,
            backend=model.backend,
        )
        prompt = self.document.begin_generation(origin, start=start)
        assert prompt == self.generation.prompt, "edits cancel a generation that waits"
        self.begun.emit()
        self._on_changed()
        self.activity_changed.emit()
        if removed.strip():
            self.removed.emit(removed, self.document.history.depth)

    def _interrupt(self) -> None:
        """Ends the document's generation with what has come so far; what still comes is ignored."""
        self.waiting = None
        if self.generation is not None:
            self.generation.cancel()
        if self.document.generating:
            self.document.end_generation("cancelled")
            self.save()

    @property
    def _is_outdated(self) -> bool:
        """Whether a signal comes from a generation that is not this document's last one."""
        return self.sender() is not self.generation

    @Slot(object)
    def _on_tokens(self, events: Iterable[TokenEvent]) -> None:
        if self._is_outdated or not self.document.generating:
            return
        tokens = [self._token(event) for event in events]
        self.document.grow("".join(event.text for event in events), tokens)
        self._on_changed()

    @Slot(str)
    def _on_notice(self, text: str) -> None:
        if not self._is_outdated:
            self.notice.emit(text)

    @Slot(object)
    def _on_finished(self, results: tuple[DoneEvent, ...]) -> None:
        if self._is_outdated:
            return
        self._forget_unstarted()
        if results:
            (self.done,) = results
        if self.document.generating:
            self._end_document_generation(self.done if results else None)
        self._on_ended()

    @Slot(object)
    def _on_failed(self, failure: Failure) -> None:
        if self._is_outdated:
            return
        if self.document.generating:  # what was generated before it failed stays
            self.document.end_generation("failed")
            self._on_changed()
            self.save()
        self._forget_unstarted()
        self.failed.emit(failure)
        self._on_ended()

    def _forget_unstarted(self) -> None:
        """What has ended without having started does not wait any more."""
        if self.generation is not None and self.generation.model is None:
            self.waiting = None

    def _on_ended(self) -> None:
        if self.waiting:
            self._ask_for_model()
        self.activity_changed.emit()

    def _end_document_generation(self, done: DoneEvent | None) -> None:
        if done is None:
            self.document.end_generation("cancelled")
        else:
            self.document.grow(done.tail, ())
            self.document.end_generation(done.finish_reason, seed=done.seed, backend=done.backend)
        self.save()
        self._on_changed()
        if done is not None:
            self._compare(done)

    def _compare(self, done: DoneEvent) -> None:
        """Says when a regeneration gave the same text, which looks as if nothing had happened."""
        start, before = self.document.last_generation(), self._replaced
        self._replaced = None
        if before is None or start is None or done.finish_reason == "cancelled":
            return
        if before.startswith(self.document.text[start:]):
            self.same_again.emit()

    def _token(self, event: TokenEvent) -> Token:
        """The token with its own length; the event's text may be held back for a stop string."""
        assert self._stream is not None
        return Token(event.id, len(self._stream.feed(event.id)), event.logprob, event.top, event.entropy)

    def _on_changed(self) -> None:
        self._saving.request()
        self.changed.emit()


def _request_settings(decoding: DecodingSettings) -> DecodingSettings:
    """One completion, with alternatives for each token."""
    return replace(decoding, n=1, top_logprobs=_ALTERNATIVES)
