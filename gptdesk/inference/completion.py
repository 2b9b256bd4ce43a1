"""One running completion: chooses tokens, decodes them to text, and decides when to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from time import perf_counter

import numpy as np
import torch

from gptdesk.gpt2.tokenizer import TextStream, Tokenizer
from gptdesk.inference.context import Context, DecodeInput, decode_batch
from gptdesk.inference.cuda import sampling as device_sampling
from gptdesk.inference.events import Alternative, DoneEvent, FinishReason, NoticeEvent, TokenEvent
from gptdesk.inference.prediction import Prediction, check_numbers
from gptdesk.inference.prompt_lookup import PromptLookup
from gptdesk.inference.sampling.registry import SamplerChain
from gptdesk.inference.sampling.sampler import History
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.inference.stopping import StopStrings


class Completion:
    """One of the n completions of a prompt.

    Args:
        index: 0 ... n - 1.
        prompt: the ids that ``context`` has read.
        context: used by this completion alone.
        settings: decoding settings.
        seed: of its random numbers.
        tokenizer: of the model.
        vocab_size: ids from there on are padding and cannot be chosen.
        n_positions: the model's context length, in tokens.
        started: `time.perf_counter` when `Engine.generate` was called.

    Attributes:
        finish_reason: ``None`` while it runs.
    """

    def __init__(
        self,
        index: int,
        prompt: Sequence[int],
        context: Context,
        settings: DecodingSettings,
        *,
        seed: int,
        tokenizer: Tokenizer,
        vocab_size: int,
        n_positions: int,
        started: float,
    ) -> None:
        self.index = index
        self.finish_reason: FinishReason | None = None
        self._prompt = prompt
        self._context = context
        self._drafted_before = context.draft_tokens, context.accepted_tokens
        self._settings = settings
        self._seed = seed
        self._generator = torch.Generator().manual_seed(seed)
        self._chain = SamplerChain(settings)
        self._tokenizer = tokenizer
        self._vocab_size = vocab_size
        self._n_positions = n_positions
        self._stream = TextStream(tokenizer)
        self._stops = StopStrings(settings.stop)
        self._ids: list[int] = []
        self._unread = False  # whether the context lacks the last token
        self._lookup = PromptLookup(prompt, settings.prompt_lookup)
        # The same as arrays, because converting a long list takes longer than all samplers together.
        self._prompt_array = np.array(prompt, np.int64)
        self._sampled = np.empty(settings.max_tokens, np.int64)
        self._texts: list[str] = []
        self._started = started
        self._ttft_s = 0.0
        self._decode_s = 0.0  # spent on the tokens after the first

    @property
    def can_decode(self) -> bool:
        """Whether it runs and its last token waits to be appended to a context that is not full."""
        return self.finish_reason is None and self._unread and not self._context.full

    def take_turn(self, cancelled: Callable[[], bool]) -> Iterator[TokenEvent | NoticeEvent]:
        """Chooses the next token, or ends. Where `decode_completions` found the context full, reads its end again."""
        if self._unread:
            yield NoticeEvent(self.index, self._full_context())
        began = perf_counter()
        if self._unread and not self._read_window(cancelled):
            self.finish_reason = "cancelled"
            return
        event = self._choose()
        if self._ttft_s:
            self._decode_s += perf_counter() - began
        else:
            self._ttft_s = perf_counter() - self._started
        if event is not None:
            yield event

    def decode_input(self) -> DecodeInput:
        """The last token, and draft tokens that may follow it."""
        return DecodeInput(self._context, self._ids[-1], self._lookup.draft(self._ids))

    def decoded(self, seconds: float) -> None:
        """Notes that the last token was appended to the context in ``seconds``."""
        self._unread = False
        self._decode_s += seconds

    def done(self, *, device: str, precision: str, backend: str) -> DoneEvent:
        """The event at its end."""
        tail = "" if self._stops.found else self._stops.feed(self._stream.flush()) + self._stops.flush()
        reason = "stop" if self._stops.found else self.finish_reason
        assert reason is not None
        return DoneEvent(
            index=self.index,
            text="".join(self._texts) + tail,
            tail=tail,
            finish_reason=reason,
            prompt_tokens=len(self._prompt),
            completion_tokens=len(self._ids),
            seed=self._seed,
            ttft_ms=1000 * self._ttft_s,
            tokens_per_s=(len(self._ids) - 1) / self._decode_s if self._decode_s else 0.0,
            device=device,
            precision=precision,
            backend=backend,
            draft_tokens=self._context.draft_tokens - self._drafted_before[0],
            accepted_tokens=self._context.accepted_tokens - self._drafted_before[1],
        )

    def _read_window(self, cancelled: Callable[[], bool]) -> bool:
        """Reads the end of the text, which is longer than the context, again; False if cancelled."""
        self._unread = False
        return self._context.read(self._window(), cancelled)

    def _window(self) -> list[int]:
        """The end of the text that is read again when the context is full."""
        ids = [*self._prompt, *self._ids]
        return ids[window_start(len(ids), self._n_positions) :]

    def _full_context(self) -> str:
        return (
            f"The context of {self._n_positions:,} tokens is full: "
            f"the last {len(self._window()):,} were read again, earlier ones are dropped."
        )

    def _choose(self) -> TokenEvent | None:
        """Chooses a token; ``None`` for ``<|endoftext|>``, which ends the completion and is not part of it."""
        logits = self._context.logits[: self._vocab_size]
        if device_sampling.serves(logits, self._settings):
            choice = device_sampling.choose(logits, self._settings, self._generator)
            check_numbers(choice.normalizer)
            top = [(id, logit - choice.normalizer) for id, logit in choice.top]
            return self._event(choice.id, choice.logit - choice.normalizer, choice.entropy, top)
        logits = logits.cpu()
        prediction = Prediction(logits)
        history = History(self._prompt_array, self._sampled[: len(self._ids)])
        id = self._chain.choose(logits, history, self._generator)
        top = [(id, prediction.logprob(id)) for id in prediction.most_likely(self._settings.top_logprobs)]
        return self._event(id, prediction.logprob(id), prediction.entropy, top)

    def _event(self, id: int, logprob: float, entropy: float, top: Sequence[tuple[int, float]]) -> TokenEvent | None:
        """Appends a token and returns its event; ``top``: the most likely ids with their log-probabilities."""
        if id == self._tokenizer.end_of_text:
            self.finish_reason = "end_of_text"
            return None
        self._sampled[len(self._ids)] = id
        self._ids.append(id)
        self._unread = True
        text = self._stops.feed(self._stream.feed(id))
        self._texts.append(text)
        if self._stops.found:
            self.finish_reason = "stop"
        elif len(self._ids) == self._settings.max_tokens:
            self.finish_reason = "length"
        alternatives = tuple(Alternative(id, self._tokenizer.piece(id), value) for id, value in top)
        return TokenEvent(self.index, id, text, logprob, entropy, alternatives)


def decode_completions(completions: Sequence[Completion]) -> None:
    """Appends the last token of each completion to its context, in one batch; full contexts are left alone."""
    batch = [completion for completion in completions if completion.can_decode]
    began = perf_counter()
    decode_batch([completion.decode_input() for completion in batch])
    for completion in batch:
        completion.decoded((perf_counter() - began) / len(batch))


def window_start(length: int, n_positions: int) -> int:
    """First position to read of a text of ``length`` tokens so that its end fits the context.

    Always a multiple of half the context: a text is read from the same place whether it was typed or generated, and
    one that grows is read again once per half context, not at each token.
    """
    half = max(1, n_positions // 2)
    return -(-max(0, length - n_positions) // half) * half
