"""The playground's session: the open document, its edits, generations and saving."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.errors import UserError
from gptdesk.inference.events import DoneEvent, TokenEvent
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.document import Document
from gptdesk.ui.documents.session import DocumentSession
from gptdesk.ui.playground.changing import changes_document
from gptdesk.ui.playground.chosen_text import write_chosen
from gptdesk.ui.playground.document_generation import DocumentGeneration, PendingAction
from gptdesk.ui.playground.intervention.model_change import ModelChange
from gptdesk.ui.services.inference_messages import Failure, ModelInfo
from gptdesk.ui.services.services import DocumentService, InferenceService, SettingsService


class Session(DocumentSession):
    """The open document and its generation.

    Any edit cancels the generation: the text generated so far stays, and the edit is the next undo step.

    Attributes:
        model_change: what is changed in the model that writes.
        generation: the last one asked for; ``None`` before the first, and after undo or redo changed its text.
        waiting: the action that starts when the model is free.
        done: result of the last generation of this text.

    Signals:
        about_to_change(): emitted before the text is edited, another generation is asked for, or the document is left.
        leaving(): emitted before another document is opened, and before the window closes.
        begun(): emitted when the model begins to generate.
        jumped(int): emitted when undo, redo, a tool or going to another branch changed the text before this character,
            which may be out of view.
        removed(str, int): emitted when regenerating removed this text, which was typed after the last generation; the
            number is for `undo_to`.
        same_again(): emitted when regenerating gave the same text.
        left_behind(int): emitted when a generation begins before the end of the text, whose rest stays as another
            branch; the number is for `undo_to`.
    """

    about_to_change = Signal()
    leaving = Signal()
    begun = Signal()
    jumped = Signal(int)
    removed = Signal(str, int)
    same_again = Signal()
    left_behind = Signal(int)

    def __init__(
        self,
        inference: InferenceService,
        storage: DocumentService,
        settings: SettingsService,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(storage, settings, parent, remembered="document", in_use=True)
        self._inference = inference
        self.model_change = ModelChange(inference, self)
        self.generation: DocumentGeneration | None = None
        self.waiting: PendingAction | None = None
        self._start: int | None = None  # where that, or what runs, begins; None for the usual place
        self.done: DoneEvent | None = None

    @property
    def busy(self) -> bool:
        """Whether a generation of this document is running or waiting."""
        return self.waiting is not None or self._running

    @property
    def stopping(self) -> bool:
        """Whether the generation was cancelled and has not ended yet."""
        return self._running and self.generation is not None and self.generation.handle.cancelled

    @property
    def _running(self) -> bool:
        return self.generation is not None and self.generation.handle.running

    # Documents

    def close(self) -> None:
        """Cancels the generation and saves the document."""
        super().close()
        self.leaving.emit()

    def _adopt(self, document: Document) -> None:
        self._forget_generation()
        super()._adopt(document)

    @changes_document
    def rename(self, title: str | None) -> None:
        """Sets the document's title; ``None`` makes the beginning of its text the title again."""
        self.document.own_title = title
        self._on_changed()

    def set_file(self, path: str) -> None:
        """Records that the text was saved to this file."""
        self.document.file = path
        self._on_changed()

    def _on_decoding_changed(self) -> None:
        if self.generation is not None:
            self.generation.use_settings(self.decoding)

    # Edits

    def refuses(self) -> bool:
        """Whether documents can only be read; then says so, and has the view show the text as it is."""
        refused = super().refuses()
        if refused:
            self.changed.emit()
        return refused

    @changes_document
    def edit(self, start: int, end: int, text: str, typing: bool = False, special: tuple[str, ...] = ()) -> None:
        """Replaces characters by ``text``, which a person typed or pasted; arguments as for `Document.replace`."""
        self._interrupt()
        self.document.replace(start, end, text, special=special, typing=typing)
        self._on_changed()

    @changes_document
    def branch(self, start: int, text: str) -> None:
        """Goes on from ``start`` with ``text`` and generated text; the former text stays as another branch."""
        self._interrupt()
        self.document.branch(start, text)
        self._on_changed()
        self.jumped.emit(self.document.changed_at)
        self.generate()

    @changes_document
    def take(
        self, start: int | None, events: Sequence[TokenEvent], model: ModelInfo, settings: DecodingSettings
    ) -> None:
        """Writes tokens that the person chose; arguments as for `write_chosen`."""
        self._interrupt()
        depth, behind = self.document.history.depth, "" if start is None else self.document.text[start:]
        write_chosen(self.document, start, events, model, settings)
        self._on_changed()
        if behind.strip():
            self.left_behind.emit(depth)

    @changes_document
    def put_branch(self, put: Callable[[Document], object]) -> None:
        """Has generated text put into the document as a branch."""
        self._interrupt()
        put(self.document)
        self._on_changed()
        self.jumped.emit(len(self.document.text))

    @changes_document
    def edit_all(self, edits: Sequence[tuple[int, int, str]]) -> None:
        """Replaces stretches, as `Document.replace_all`."""
        self._interrupt()
        self.document.replace_all(edits)
        self._on_changed()

    def interrupt(self) -> None:
        """Cancels the generation because a person is about to edit."""
        if self.busy:
            self._interrupt()
            self._on_changed()

    def undo(self) -> None:
        self.step(Document.undo)

    def redo(self) -> None:
        self.step(Document.redo)

    def undo_to(self, depth: int) -> None:
        """Undoes steps until ``depth`` of them are left to undo."""
        self.interrupt()
        while self.document.history.depth > depth:
            self.undo()

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo; a running generation counts."""
        return self.document.history.can_undo or self.document.generating

    @property
    def can_redo(self) -> bool:
        return self.document.history.can_redo and not self.document.generating

    @changes_document
    def step(self, step: Callable[[Document], bool]) -> None:
        """Shows another text of the document: undo, redo, another branch. ``step`` returns whether it has changed."""
        was_busy = self.busy
        self._interrupt()
        before = self.document.mixed
        changed = step(self.document)
        if changed:
            self._forget_generation()  # its figures are about another text
        if changed or was_busy:
            self._on_changed()
            self.activity_changed.emit()
        if changed and self.document.mixed != before:
            self.jumped.emit(self.document.changed_at)

    @changes_document
    def note(self, change: Callable[[Document], object]) -> None:
        """Changes what the shown text does not depend on: title, bookmarks, branches beside it."""
        change(self.document)
        self._on_changed()

    # Generations

    def generate(self, start: int | None = None) -> None:
        """Continues the text as soon as the model is free.

        Args:
            start: character from which on it is written, in the place of the text behind it, which stays as another
                branch; by default the end.
        """
        self._request("generate", start)

    def next_token(self) -> None:
        """Continues the text by one token, which is a generation and an undo step of its own."""
        self._request("next token")

    def regenerate(self) -> None:
        """Replaces the text from the beginning of the last generation on."""
        if self.document.last_generation() is not None:
            self._request("regenerate")

    def stop(self) -> None:
        """Cancels the generation: at once if it waits, else after the current token."""
        self.waiting = None
        if self.generation is not None:
            self.generation.handle.cancel()
        self.activity_changed.emit()

    @changes_document
    def _request(self, action: PendingAction, start: int | None = None) -> None:
        if self.waiting or (self._running and not self.stopping):
            return
        self.about_to_change.emit()
        self.waiting, self._start = action, start
        if not self._running:  # else when that has ended: its last tokens belong to the prompt
            self._ask_for_model()
        self.activity_changed.emit()

    def _ask_for_model(self) -> None:
        if self.waiting is None:
            return
        decoding, start, changed = self.decoding, self._start, self.model_change.value
        try:
            generation = DocumentGeneration(
                self.document, self.waiting, self._inference, decoding, self, start=start, intervention=changed
            )
        except UserError as error:
            self.waiting = None
            self.failed.emit(Failure(str(error)))
            return
        self._forget_generation(keep_done=True)
        self.generation = generation
        generation.started.connect(self._on_started)
        generation.changed.connect(self._on_changed)
        generation.handle.notice.connect(self.notice)
        generation.ended.connect(partial(self._on_ended, generation))

    def _interrupt(self) -> None:
        """Ends the generation with the text so far; later tokens are ignored."""
        self.about_to_change.emit()
        self.waiting = None
        if self.generation is not None:
            was_writing = self.document.generating
            self.generation.stop_writing()
            if was_writing:
                self.save()

    def _forget_generation(self, *, keep_done: bool = False) -> None:
        """Cancels the last generation if it is running, and disconnects it."""
        generation, self.generation = self.generation, None
        if generation is not None:
            generation.forget()
        if not keep_done:
            self.done = None

    @Slot(str)
    def _on_started(self, removed: str) -> None:
        self.waiting = self.done = None
        self.begun.emit()
        self.activity_changed.emit()
        if removed.strip():
            self.removed.emit(removed, self.document.history.depth)
        if self._start is not None:
            self.left_behind.emit(self.document.history.depth)

    def _on_ended(self, generation: DocumentGeneration, failure: Failure | None) -> None:
        if generation.handle.model is None:  # it never started: nothing waits any more
            self.waiting = None
        else:
            self.done = generation.done or self.done
            self.flush()
        if failure:
            self.failed.emit(failure)
        elif generation.same_again:
            self.same_again.emit()
        self._ask_for_model()
        self.activity_changed.emit()
