"""The session of the Chat page: the open chat, its turns, replies and saving."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import msgspec
from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.chat.prompt import ChatPrompt
from gptdesk.chat.templates.template import name_of
from gptdesk.chat.turns import ChatTurn, PlacedTurn, as_prompted, last_again, marker_of, placed_turns, spoken
from gptdesk.errors import UserError
from gptdesk.gpt2.chat_template import Role
from gptdesk.inference.events import DoneEvent
from gptdesk.store.branches.outline import Fork
from gptdesk.store.document import Document
from gptdesk.ui.chat import turn_edits
from gptdesk.ui.chat.prompts import ChatPrompts
from gptdesk.ui.chat.reply import Reply
from gptdesk.ui.documents.session import DocumentSession
from gptdesk.ui.services.inference_messages import NO_MODEL, Failure, State
from gptdesk.ui.services.services import DocumentService, InferenceService, SettingsService


class _Wanted(msgspec.Struct, frozen=True):
    """A reply that was asked for.

    Attributes:
        turn: index of the turn that is written.
        go_on: whether it is continued, instead of written anew.
    """

    turn: int
    go_on: bool = False


class ChatSession(DocumentSession):
    """The open chat and the reply to it. Any edit ends the reply, whose text so far stays.

    Attributes:
        reply: the last one asked for.
        done: result of the last reply in this chat.

    Signals:
        grown(): emitted when the text of the last turn has grown, and nothing else has changed.
    """

    grown = Signal()

    def __init__(
        self,
        inference: InferenceService,
        storage: DocumentService,
        settings: SettingsService,
        prompts: ChatPrompts,
        parent: QObject,
    ) -> None:
        super().__init__(storage, settings, parent, remembered="chat", in_use=False)
        self._inference, self._prompts = inference, prompts
        self.reply: Reply | None = None
        self.done: DoneEvent | None = None
        self._wanted: _Wanted | None = None  # until the model begins with it
        self._turns: list[PlacedTurn] = []
        self._read_at = -1  # revision of the document when they were read
        prompts.changed.connect(self._ask_for_prompt)
        inference.state_changed.connect(self._on_model_changed)

    # What there is

    @property
    def turns(self) -> Sequence[PlacedTurn]:
        """The turns of the branch that is shown."""
        if self._read_at != self.document.revision:
            self._turns, self._read_at = placed_turns(self.document.mixed), self.document.revision
        return self._turns

    @property
    def busy(self) -> bool:
        """Whether a reply is written or waits."""
        return self._wanted is not None or self._running

    @property
    def writing(self) -> int | None:
        """Index of the turn that the model writes."""
        if self._wanted is not None:
            return min(self._wanted.turn, len(self.turns) - 1)
        return len(self.turns) - 1 if self._running else None

    @property
    def _running(self) -> bool:
        return self.reply is not None and self.reply.handle.active

    def fork(self, index: int) -> Fork | None:
        """Where versions of a turn part; ``None`` where there is one."""
        return turn_edits.fork_of(self.document.forks, self.turns[index])

    # Documents

    def set_template(self, id: str) -> None:
        """Has prompts of this chat, and of those that are begun from now on, made with the template of that id."""
        self.document.chat_template = id
        self._settings.update(chat_template=id)
        self._prompts.use(id)
        self._saving.request()

    def take_settings(self, document: Document) -> None:
        super().take_settings(document)
        self._use_template()

    def _adopt(self, document: Document) -> None:
        super()._adopt(document)
        self.done = self.reply = None
        self._read_at = -1
        self._use_template()

    def _use_template(self) -> None:
        """The chat's own one, or that which was chosen last."""
        if self.document.chat_template is None:
            self.document.chat_template = self._settings.value.chat_template
        self._prompts.use(self.document.chat_template)

    # Edits

    def change(self, edit: Callable[[], object]) -> bool:
        """Ends the reply and changes the document; returns whether that was possible."""
        if self.refuses():
            return False
        self._interrupt()
        edit()
        self._on_changed()
        return True

    def say(self, role: Role, text: str, *, reply: bool) -> bool:
        """Adds a turn, none for an empty text, and asks for a reply to it if that is wanted."""
        turns = [ChatTurn(role, text, name_of(role, spoken(self.turns)))] if text else []
        marker = marker_of(self._new_reply()) if reply else ""
        done = self.change(lambda: turn_edits.append_turns(self.document, self.turns, turns, reply=marker))
        if done and reply:
            self._ask(_Wanted(len(self.turns) - 1))
        return done

    def set_text(self, index: int, text: str) -> None:
        """Replaces a message; what follows stays."""
        self.change(lambda: turn_edits.set_text(self.document, self.turns[index], text))

    def branch(self, index: int, text: str) -> None:
        """Goes on from a turn with another message; the former one stays as another branch."""
        placed = self.turns[index]
        if self.change(lambda: turn_edits.branch(self.document, placed, text)) and placed.turn.role != "assistant":
            self.say("assistant", "", reply=True)

    def set_turn(self, index: int, turn: ChatTurn) -> None:
        """Changes role, name or pin of a turn."""
        self.change(lambda: turn_edits.set_marker(self.document, self.turns[index], turn))

    def remove(self, index: int) -> None:
        """Takes a turn out; what follows stays."""
        self.change(lambda: turn_edits.remove(self.document, self.turns, index))

    def set_system(self, text: str) -> None:
        """Sets the system text; one that is being typed is one step that can be undone."""
        self.change(lambda: turn_edits.set_system(self.document, self.turns, text, typing=True))

    def rename(self, role: Role, name: str) -> None:
        """Gives all speakers of a role a name."""
        self.change(lambda: turn_edits.rename(self.document, role, name))

    def walk(self, index: int, step: int) -> None:
        """Shows another version of a turn, with what follows it."""
        fork = self.fork(index)
        if fork is not None:
            place = (-1 if fork.shown is None else fork.shown) + step
            if 0 <= place < len(fork.branches):
                self.change(lambda: self.document.go_to(fork.branches[place]))

    def undo(self) -> None:
        self.change(self.document.undo)

    def redo(self) -> None:
        self.change(self.document.redo)

    def set_title(self, title: str | None) -> None:
        """Sets the title of the chat; ``None`` makes the beginning of its text the title again."""

        self.change(lambda: setattr(self.document, "own_title", title))

    # Replies

    def regenerate(self, index: int) -> None:
        """Writes a reply anew; of a message of the person, the reply to it. The former one stays as another branch."""
        if self.turns[index].turn.role != "assistant":
            index += 1
        if index >= len(self.turns):
            self.say("assistant", "", reply=True)
        elif self.turns[index].turn.role == "assistant":
            self._interrupt()
            self._ask(_Wanted(index))

    def go_on(self, index: int) -> None:
        """Continues a reply where it ends; what followed it stays as another branch."""
        self._interrupt()
        self._ask(_Wanted(index, go_on=True))

    def stop(self) -> None:
        """Ends the reply: at once if it waits, else after the token that is being computed."""
        self._wanted = None
        if self.reply is not None:
            self.reply.handle.cancel()
        self.activity_changed.emit()

    def _new_reply(self) -> ChatTurn:
        return ChatTurn("assistant", "", name_of("assistant", spoken(self.turns)))

    def _ask(self, wanted: _Wanted) -> None:
        if self.refuses():
            return
        self._wanted = wanted
        self._ask_for_prompt()
        self.activity_changed.emit()

    @Slot()
    def _on_model_changed(self) -> None:
        if self._wanted is not None and self._inference.state is State.EMPTY:
            self._fail(self._wanted, NO_MODEL)

    @Slot()
    def _ask_for_prompt(self) -> None:
        """Has the prompt made, once the model is there."""
        wanted = self._wanted
        if wanted is None or self._running:
            return
        if self._inference.info is None and self._inference.loading is None:
            self._fail(wanted, NO_MODEL)
        elif self._prompts.known and self._inference.info is not None:
            turns = as_prompted(self.turns[: wanted.turn + wanted.go_on])
            self._prompts.build(
                turns,
                self.decoding.max_tokens,
                partial(self._on_prompt, wanted),
                partial(self._fail, wanted),
                go_on=wanted.go_on,
            )

    def _on_prompt(self, wanted: _Wanted, prompt: ChatPrompt) -> None:
        if wanted is not self._wanted:
            return
        placed = self.turns[wanted.turn]
        start = placed.end if wanted.go_on else turn_edits.message_start(placed)
        where = None if start == len(self.document.text) else start
        try:
            reply = Reply(self.document, prompt, where, self.decoding, self._inference, self)
        except UserError as error:
            self._fail(wanted, str(error))
            return
        self._forget_reply()
        self.reply = reply
        reply.started.connect(self._on_started)
        reply.grown.connect(self._on_grown)
        reply.handle.notice.connect(self.notice)
        reply.ended.connect(partial(self._on_ended, reply))

    def _fail(self, wanted: _Wanted, sentence: str) -> None:
        if wanted is self._wanted:
            self._wanted = None
            self.failed.emit(Failure(sentence))
            self.activity_changed.emit()

    @Slot()
    def _on_started(self) -> None:
        self._wanted = self.done = None
        self._turns, self._read_at = placed_turns(self.document.mixed), self.document.revision
        self._on_changed()
        self.activity_changed.emit()

    @Slot()
    def _on_grown(self) -> None:
        self._turns[-1] = last_again(self.document.mixed, self._turns[-1])
        self._read_at = self.document.revision
        self._saving.request()
        self.grown.emit()

    def _on_ended(self, reply: Reply, failure: Failure | None) -> None:
        if reply.handle.model is None:  # it never started: nothing waits any more
            self._wanted = None
        self.done = reply.done or self.done
        self._on_changed()
        self.flush()
        if failure is not None:
            self.failed.emit(failure)
        self.activity_changed.emit()

    def _interrupt(self) -> None:
        """Ends the reply with the text so far; later tokens are ignored."""
        was_busy, self._wanted = self.busy, None
        if self.reply is not None:
            self.reply.stop_writing()
            self._forget_reply()
        if was_busy:
            self.activity_changed.emit()

    def _forget_reply(self) -> None:
        """Cancels the reply if it is running, and disconnects it."""
        reply, self.reply = self.reply, None
        if reply is not None:
            reply.forget()
