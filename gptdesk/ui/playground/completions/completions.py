"""Generates several completions side by side, keeps each as a branch of the document, and goes on with one."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.errors import UserError
from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.inference.events import DoneEvent, TokenEvent
from gptdesk.inference.interventions.intervention import Intervention
from gptdesk.inference.sampling.settings import FRESH_SEEDS, DecodingSettings, completion_seed
from gptdesk.store.document import Document
from gptdesk.store.runs import Run, same_generation
from gptdesk.ui import number_format
from gptdesk.ui.documents.writing import ALTERNATIVES
from gptdesk.ui.playground.completions.completion import Completion
from gptdesk.ui.playground.session import Session
from gptdesk.ui.services.inference_messages import Failure, ModelInfo
from gptdesk.ui.services.messages import Offer
from gptdesk.ui.services.provenance.origin import origin_of
from gptdesk.ui.services.services import InferenceService, MessageService, SettingsService

if TYPE_CHECKING:
    from gptdesk.ui.services.generation import Generation


class Round(msgspec.Struct, frozen=True):
    """Completions that were asked for together.

    Attributes:
        document: that they go on from.
        start: where they begin, in characters of its text; its beginning up to there is the prompt.
        prompt: that beginning.
        settings: of the document; without those of the request.
        seed: of the first completion.
        intervention: what is changed in the model that writes them.
        completions: as they are now.
    """

    document: Document
    start: int
    prompt: MixedText
    settings: DecodingSettings
    seed: int
    intervention: Intervention
    completions: Sequence[Completion] = msgspec.field(default_factory=tuple)


class Completions(QObject):
    """Several completions of the open document. What a person edits meanwhile ends them; none that has text is lost.

    Completion i has the seed of the settings plus i, so that the first one is what Generate would write; those of
    another round go on from there. Without a seed the first one is drawn. Each completion that has ended is a branch of
    the document already. The one that is used becomes the text, in one step for undo.

    Attributes:
        round: the completions that are shown; ``None`` while there are none.

    Signals:
        changed(): emitted when a round begins, a completion starts or ends, or the completions are closed.
        updated(object): emitted with a set of indices: these completions have more text.
        used(): emitted when one became the text.
    """

    changed = Signal()
    updated = Signal(object)
    used = Signal()

    def __init__(
        self,
        session: Session,
        inference: InferenceService,
        settings: SettingsService,
        messages: MessageService,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._inference, self._settings, self._messages = session, inference, settings, messages
        self.round: Round | None = None
        self._handle: Generation | None = None
        self._model: ModelInfo | None = None  # that writes them
        session.about_to_change.connect(self._on_about_to_change)

    @property
    def all(self) -> Sequence[Completion]:
        """The completions of the round."""
        return self.round.completions if self.round is not None else ()

    @property
    def running(self) -> bool:
        """Whether one of them is being written, or waits for the model."""
        return self._handle is not None

    # Rounds

    def generate(self, start: int | None = None) -> None:
        """Generates as many completions as the settings say.

        Args:
            start: character from which on they are written; by default the end of the text.
        """
        if not self._session.busy and not self._session.refuses():
            self._close(keep=True)
            decoding = self._settings.value.decoding
            start = len(self._session.document.text) if start is None else start
            self._begin(start, secrets.randbelow(FRESH_SEEDS) if decoding.seed is None else decoding.seed)

    def another_round(self) -> None:
        """Replaces the completions, which stay as branches, by others."""
        before = self.round
        if before is not None and not self.running:
            self._begin(before.start, completion_seed(before.seed, len(before.completions)))

    def _begin(self, start: int, seed: int) -> None:
        document, decoding = self._session.document, self._settings.value.decoding
        count = self._settings.value.completions
        prompt = document.mixed[:start]
        request = replace(decoding, n=count, seed=seed, top_logprobs=ALTERNATIVES)
        try:
            changed = self._session.model_change.value
            handle = self._inference.generate(prompt, request, owner=self, intervention=changed)
        except UserError as error:
            self._session.failed.emit(Failure(str(error)))
            return
        self._handle = handle
        completions = tuple(Completion() for _ in range(count))
        self.round = Round(document, start, prompt, decoding, seed, changed, completions)
        handle.started.connect(self._on_started)
        handle.tokens.connect(self._on_tokens)
        handle.notice.connect(self._session.notice)
        handle.one_ended.connect(self._on_one_ended)
        handle.finished.connect(self._on_finished)
        handle.failed.connect(self._on_failed)
        self.changed.emit()

    # What a person does

    def stop(self, index: int) -> None:
        """Ends one completion after the token that is being computed."""
        if self._handle is not None:
            self._handle.cancel_one(index)

    def stop_all(self) -> None:
        """Ends all completions; they stay on the screen."""
        if self._handle is not None:
            self._handle.cancel()

    def use(self, index: int) -> None:
        """Goes on with one completion as far as it is written; the others stay as branches."""
        chosen, round = self.all[index], self.round
        if round is None or not chosen.mixed:
            return
        self._close(keep=True)
        session, run = self._session, chosen.run
        depth, behind = session.document.history.depth, session.document.text[round.start :]
        session.put_branch(lambda document: document.branch(round.start, run))
        session.done = chosen.done
        session.activity_changed.emit()
        session.save()
        if behind.strip():
            session.left_behind.emit(depth)
        self.used.emit()

    def cancel(self) -> None:
        """Closes the completions; those that have not ended are dropped, and can be kept for some seconds."""
        round, ended = self.round, _with_text(each for each in self.all if each.ended)
        unfinished = _with_text(each for each in self.all if not each.ended)
        if round is None:
            return
        self._close(keep=False)
        if unfinished:
            kept = (
                f"{_branches(len(ended))}; the others were cancelled." if ended else "The completions were cancelled."
            )
            self._say(kept, [("Keep all as branches", partial(self._keep_later, round, unfinished))])
        elif ended:
            self._say(f"{_branches(len(ended))}.")

    def keep_all(self) -> None:
        """Closes the completions; all that have text stay as branches, also those that have not ended."""
        count = len(_with_text(self.all))
        self._close(keep=True)
        if count:
            self._say(f"{_branches(count)}.")

    def _keep_later(self, round: Round, unfinished: Sequence[Run]) -> None:
        """Keeps what was dropped, if the document still has the text that it goes on from."""
        document = self._session.document
        if document is round.document and document.mixed[: round.start] == round.prompt and not self._session.busy:
            self._session.note(lambda document: document.add_branches(round.start, unfinished))
        else:
            self._say("The text has changed, so the completions do not follow it any more.")

    @Slot()
    def _on_about_to_change(self) -> None:
        if self.round is not None:
            self.keep_all()

    def _close(self, *, keep: bool) -> None:
        """Ends the round.

        Args:
            keep: whether completions that have not ended, and have text, are kept, too.
        """
        round, handle = self.round, self._handle
        if round is None:
            return
        self.round = self._handle = None
        if handle is not None:
            handle.cancel()
            handle.blockSignals(True)
        unfinished = [each for each in round.completions if not each.ended]
        for each in unfinished:
            each.cut_off("cancelled", self._weights)
        if keep and (runs := _with_text(unfinished)):
            self._session.note(lambda document: document.add_branches(round.start, runs))
        self.changed.emit()

    def _say(self, text: str, offers: Sequence[Offer] = ()) -> None:
        self._messages.toast(text, kind="info", of_document=True, offers=offers)

    # What the model does

    @property
    def _weights(self) -> str | None:
        """Hash of the weights of the model that writes them, if it is known by now."""
        info, model = self._inference.info, self._model
        return info.weights if info is not None and model is not None and info.folder == model.folder else None

    @Slot(object)
    def _on_started(self, model: ModelInfo) -> None:
        assert self.round is not None
        self._model = model
        for index, completion in enumerate(self.all):
            seed = completion_seed(self.round.seed, index)
            origin = origin_of(model, self.round.settings, self.round.prompt, seed, self.round.intervention)
            completion.start(origin, model.tokenizer)
        self.changed.emit()

    @Slot(object)
    def _on_tokens(self, events: Iterable[TokenEvent]) -> None:
        by_index: dict[int, list[TokenEvent]] = {}
        for event in events:
            by_index.setdefault(event.index, []).append(event)
        for index, own in by_index.items():
            self.all[index].feed(own)
        self.updated.emit(set(by_index))

    @Slot(object)
    def _on_one_ended(self, done: DoneEvent) -> None:
        self.all[done.index].finish(done, self._weights)
        self._keep([self.all[done.index]])
        self.updated.emit({done.index})
        self.changed.emit()

    @Slot(object)
    def _on_finished(self, results: tuple[DoneEvent, ...]) -> None:
        self._cut_off("cancelled")  # where it never started

    @Slot(object)
    def _on_failed(self, failure: Failure) -> None:
        self._cut_off("failed")
        self._session.failed.emit(failure)

    def _cut_off(self, reason: str) -> None:
        unfinished = [each for each in self.all if not each.ended]
        for each in unfinished:
            each.cut_off(reason, self._weights)
        self._handle = None
        self._keep(unfinished)
        if not any(each.mixed or each.done for each in self.all):
            self.round = None
        self.changed.emit()

    def _keep(self, completions: Sequence[Completion]) -> None:
        if (round := self.round) is not None and (runs := _with_text(completions)):
            self._session.note(lambda document: document.add_branches(round.start, runs))


def _with_text(completions: Iterable[Completion]) -> list[Run]:
    """Those that have text; of several that are the same, the first."""
    runs: list[Run] = []
    for run in (each.run for each in completions if each.mixed):
        if not any(same_generation(run, other) for other in runs):
            runs.append(run)
    return runs


def _branches(count: int) -> str:
    one = count == 1
    return f"{number_format.counted(count, 'completion')} {'stays as a branch' if one else 'stay as branches'}"
