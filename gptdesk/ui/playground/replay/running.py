"""A replay while it runs: asks the model, collects the tokens, and tells where they part from the stored ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace
from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.inference.events import DoneEvent, TokenEvent
from gptdesk.store.document import Document
from gptdesk.store.provenance.replay import LoadedModel, Replay, first_difference
from gptdesk.store.runs import Origin, Token
from gptdesk.store.special_stream import SpecialTokenStream
from gptdesk.ui.services.inference_messages import ModelInfo
from gptdesk.ui.services.provenance.origin import known_at_end, origin_of
from gptdesk.ui.services.services import InferenceService


def loaded_model(info: ModelInfo) -> LoadedModel:
    """The model in use, as a replay is compared with it."""
    return LoadedModel(
        model=info.model,
        weights=info.weights or "",
        tokenizer=info.tokenizer.sha256,
        device=info.device,
        precision=info.precision,
        backend=info.backend,
        runtime=info.runtime,
        compiling=info.compiling,
    )


@dataclass(frozen=True)
class Replayed:
    """What a replay gave.

    Attributes:
        parts_at: index of the first token that differs; ``None`` for identical tokens.
        text, tokens: of the replay.
        origin: where it comes from.
    """

    parts_at: int | None
    text: MixedText
    tokens: tuple[Token, ...]
    origin: Origin

    def put_into(self, document: Document, start: int) -> None:
        """Puts the text in the place of everything from ``start`` on, which stays in the tree as another branch."""
        document.begin_generation(self.origin, start=start)
        document.append_tokens(self.text.text, self.tokens, special=self.text.names)
        document.end_generation(self.origin.finish_reason or "length")


class RunningReplay(QObject):
    """Generates once more, without changing the document.

    Signals:
        progressed(int): emitted with the number of tokens so far.
        finished(object): emitted with the `Replayed`, or ``None`` if it was stopped.
        failed(object): emitted with its `Failure`.
    """

    progressed = Signal(int)
    finished = Signal(object)
    failed = Signal(object)

    def __init__(self, replay: Replay, inference: InferenceService, parent: QObject) -> None:
        """Begins.

        Raises:
            UserError: no model is loaded, and none is being loaded.
        """
        super().__init__(parent)
        self._replay = replay
        self._stream: SpecialTokenStream | None = None
        self._text = MixedText()
        self._tokens: list[Token] = []
        origin = replay.origin
        self._handle = inference.generate(
            replay.prompt, replay.settings, owner=self, backend=origin.backend, intervention=origin.intervention
        )
        self._handle.started.connect(self._on_started)
        self._handle.tokens.connect(self._on_tokens)
        self._handle.finished.connect(self._on_finished)
        self._handle.failed.connect(self.failed)

    def stop(self) -> None:
        """Cancels it."""
        self._handle.cancel()

    @Slot(object)
    def _on_started(self, model: ModelInfo) -> None:
        self._stream = SpecialTokenStream(model.tokenizer)

    @Slot(object)
    def _on_tokens(self, events: Iterable[TokenEvent]) -> None:
        if self._stream is not None:
            text, tokens = self._stream.feed(events)
            self._text += text
            self._tokens += tokens
            self.progressed.emit(len(self._tokens))

    @Slot(object)
    def _on_finished(self, results: tuple[DoneEvent, ...]) -> None:
        done = results[0] if results else None
        if done is None or self._stream is None or done.finish_reason == "cancelled":
            self.finished.emit(None)
            return
        self.finished.emit(self._result(done, self._text + self._stream.finish(done.tail)))

    def _result(self, done: DoneEvent, text: MixedText) -> Replayed:
        replay, model = self._replay, self._handle.model
        assert model is not None
        changed = replay.origin.intervention
        origin = replace(
            origin_of(model, replay.origin.settings, replay.prompt, done.seed, changed),
            finish_reason=done.finish_reason,
            **known_at_end(done, changed),
        )
        parts_at = first_difference(self._replay.ids, [token.id for token in self._tokens])
        return Replayed(parts_at, text, tuple(self._tokens), origin)
