"""What happens on the page: a document that a person edits, a model that goes on with it, and both of them saved."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Final, Literal

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from gptdesk.inference.events import DoneEvent, Event, NoticeEvent, TokenEvent
from gptdesk.store.document import Document
from gptdesk.store.runs import Origin, Token
from gptdesk.ui.services.document_storage import DocumentStorage
from gptdesk.ui.services.inference import Inference
from gptdesk.ui.services.inference_messages import Failure, State
from gptdesk.ui.services.settings import SettingsService

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import TextStream

_SAVE_AFTER_MS: Final = 400
"""What is written is on disk this long after a change at the latest, and at once when a generation ends."""

_ALTERNATIVES: Final = 10
"""Of every token; kept with the document."""

Wish = Literal["generate", "regenerate"]


class Session(QObject):
    """The document at hand and what goes on with it.

    Any edit ends a generation: what has been written stays, and the person's edit is the next thing in the text.

    Attributes:
        document: the truth; only this class changes it.
        waiting: what to do as soon as the model is loaded.
        done: how the last generation ended.
        tokens: that the running generation has written.

    Signals:
        opened(): another document is at hand.
        changed(): its text or its runs are others now.
        activity_changed(): ``waiting``, ``done`` or ``tokens`` is another, or a generation began or ended.
        begun(): a model begins to write.
        jumped(int): the text was changed there, before the character of that number, which may be out of sight.
        notice(str): something to know that stops nothing.
        failed(object): a generation could not go on; a `Failure`.
        removed(str, int): regenerating took away what the person had typed since the last generation; the number is for
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
        self.waiting: Wish | None = None
        self.done: DoneEvent | None = None
        self.tokens = 0
        self._first_token = 0.0  # when it came, by perf_counter
        self._stream: TextStream | None = None
        self._replaced: str | None = None  # by the regeneration that is running
        self._save_timer = QTimer(self)
        self._save_timer.setSingleShot(True)
        self._save_timer.timeout.connect(self.save)
        settings.changed.connect(self._on_settings_changed)
        inference.events_ready.connect(self._on_events)
        inference.ended.connect(self._on_ended)
        inference.state_changed.connect(self._on_state_changed)
        inference.load_failed.connect(self._on_load_failed)

    @property
    def busy(self) -> bool:
        """Whether something is being written, or will be as soon as the model is there."""
        return self.waiting is not None or self._inference.busy

    @property
    def speed(self) -> float:
        """Tokens a second of the running generation so far; 0 before the second token."""
        seconds = perf_counter() - self._first_token
        return (self.tokens - 1) / seconds if self.tokens > 1 and seconds > 0 else 0.0

    # Documents

    def open(self, document: Document) -> None:
        """Lays another document before the person; the one at hand is saved."""
        self._interrupt()
        self.flush()
        self.document = document
        self.done = None
        document.decoding = document.decoding or self._settings.value.new_document_decoding
        self._settings.update(document=document.id, decoding=document.decoding)
        self.opened.emit()
        self.activity_changed.emit()

    def save(self) -> None:
        self._save_timer.stop()
        self._storage.save(self.document.snapshot())

    def flush(self) -> None:
        """Saves now what would be saved shortly."""
        if self._save_timer.isActive():
            self.save()

    def close(self) -> None:
        """Ends what is being written and saves it."""
        self._interrupt()
        self.flush()

    def rename(self, title: str | None) -> None:
        """Gives the document a title of the person's own; ``None`` lets its text be its title again."""
        self.document.own_title = title
        self._on_changed()

    def set_file(self, path: str) -> None:
        """The text was saved there."""
        self.document.file = path
        self._on_changed()

    @Slot()
    def _on_settings_changed(self) -> None:
        """The decoding settings are those of the document at hand."""
        if self.document.decoding != self._settings.value.decoding:
            self.document.decoding = self._settings.value.decoding
            self._save_soon()

    # Edits

    def edit(self, start: int, end: int, text: str, typing: bool = False) -> None:
        """The person replaced the characters from ``start`` to ``end`` by ``text``."""
        self._interrupt()
        self.document.replace(start, end, text, typing=typing)
        self._on_changed()

    def interrupt(self) -> None:
        """The person wants the text to themselves."""
        if self.busy:
            self._interrupt()
            self._on_changed()

    def undo(self) -> None:
        self._change(self.document.undo)

    def redo(self) -> None:
        self._change(self.document.redo)

    def undo_to(self, depth: int) -> None:
        """Undoes what was done since there were that many steps to undo."""
        self._interrupt()
        while self.document.history.depth > depth:
            self.undo()

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo, what is being written included."""
        return self.document.history.can_undo or self.document.generating

    @property
    def can_redo(self) -> bool:
        return self.document.history.can_redo and not self.document.generating

    def _change(self, change: Callable[[], bool]) -> None:
        was_busy = self.busy
        self._interrupt()
        changed = change()
        if changed:
            self.done = None  # its figures are about another text
        if changed or was_busy:
            self._on_changed()
            self.activity_changed.emit()
        if changed:
            self.jumped.emit(self.document.changed_at)

    # Generations

    def generate(self) -> None:
        """Goes on behind the text, as soon as there is a model."""
        self._want("generate")

    def regenerate(self) -> None:
        """Writes anew from where the last generation began."""
        if self.document.last_generation() is not None:
            self._want("regenerate")

    def stop(self) -> None:
        """Ends the generation after the token that is being computed."""
        if self.waiting:
            self.waiting = None
            self.activity_changed.emit()
        else:
            self._inference.stop()

    def _want(self, wish: Wish) -> None:
        if self.waiting or self._inference.state is State.GENERATING:
            return
        self.waiting = wish
        if self._inference.state is State.READY:
            self._begin()
        elif self._inference.state is State.EMPTY:
            self.waiting = None
            self.failed.emit(Failure("There is no model to write with; choose one at the top of the window."))
        self.activity_changed.emit()

    def _begin(self) -> None:
        from gptdesk.gpt2.tokenizer import TextStream, gpt2_tokenizer

        info, settings = self._inference.info, self._settings.value.decoding
        assert info is not None, "a model is ready"
        start = self.document.last_generation() if self.waiting == "regenerate" else None
        removed = self.document.typed_since_generation() if start is not None else ""
        self._replaced = None if start is None else self.document.text[start:]
        self.waiting, self.done, self.tokens = None, None, 0
        self._stream = TextStream(gpt2_tokenizer())  # built by now: the engine needs it
        origin = Origin(
            generation=uuid.uuid4().hex,
            model=info.model,
            settings=settings,
            device=info.device,
            precision=info.precision,
        )
        prompt = self.document.begin_generation(origin, start=start)
        self.begun.emit()
        self._inference.generate(prompt, replace(settings, n=1, top_logprobs=_ALTERNATIVES))
        self._on_changed()
        self.activity_changed.emit()
        if removed.strip():
            self.removed.emit(removed, self.document.history.depth)

    def _interrupt(self) -> None:
        """Ends what the document's generation has written so far; what still comes of it is not wanted."""
        self.waiting = None
        self._inference.stop()
        if self.document.generating:
            self.document.end_generation("cancelled")
            self.save()

    @Slot(object)
    def _on_events(self, events: Iterable[Event]) -> None:
        text, tokens = "", []
        for event in events:
            if isinstance(event, TokenEvent):
                tokens.append(self._token(event))
                text += event.text
            elif isinstance(event, NoticeEvent):
                self.notice.emit(event.message)
            else:
                text += event.tail
                self.done = event
        if not self.document.generating:
            return
        if tokens and not self.tokens:
            self._first_token = perf_counter()
        self.tokens += len(tokens)
        if text or tokens:
            self.document.grow(text, tokens)
        if self.done:
            self.document.end_generation(self.done.finish_reason, seed=self.done.seed, precision=self.done.precision)
            self.save()
        self._on_changed()
        if self.done:
            self._compare(self.done)

    def _compare(self, done: DoneEvent) -> None:
        """A regeneration whose text is the one before looks as if nothing had happened."""
        start, before = self.document.last_generation(), self._replaced
        self._replaced = None
        if before is None or start is None or done.finish_reason == "cancelled":
            return
        if before.startswith(self.document.text[start:]):
            self.same_again.emit()

    def _token(self, event: TokenEvent) -> Token:
        """The token with its own length: the engine's text may be held back for a stop string."""
        assert self._stream is not None
        return Token(event.id, len(self._stream.feed(event.id)), event.logprob, event.top, event.entropy)

    @Slot(object)
    def _on_ended(self, failure: Failure | None) -> None:
        if self.document.generating:  # it failed half way: what was written stays
            self.document.end_generation("failed")
            self._on_changed()
            self.save()
        if failure and failure.sentence:
            self.failed.emit(failure)
        self.activity_changed.emit()

    @Slot()
    def _on_state_changed(self) -> None:
        if self.waiting and self._inference.state is State.READY:
            self._begin()
        self.activity_changed.emit()

    @Slot(object)
    def _on_load_failed(self, failure: Failure) -> None:
        self.waiting = None
        self.activity_changed.emit()

    def _save_soon(self) -> None:
        if not self._save_timer.isActive():
            self._save_timer.start(_SAVE_AFTER_MS)

    def _on_changed(self) -> None:
        self._save_soon()
        self.changed.emit()
        if self._inference.busy:
            self.activity_changed.emit()
