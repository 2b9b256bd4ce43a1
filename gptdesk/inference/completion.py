"""One completion while it is being written: chooses tokens, turns them into text, and knows when to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from time import perf_counter

import numpy as np
import torch

from gptdesk.gpt2.tokenizer import TextStream, Tokenizer
from gptdesk.inference.context import Context, Step, step_together
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
        index: which one.
        prompt: the ids that ``context`` has read.
        context: this completion's own.
        settings: how to choose and when to stop.
        seed: of its random numbers.
        tokenizer: GPT-2's.
        vocab_size: ids from there on are padding and cannot be chosen.
        n_positions: the model's context length.
        started: `time.perf_counter` at the beginning of the call.

    Attributes:
        finish_reason: None until it has ended.
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
        self._guessed_before = context.guessed, context.guessed_right
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
        self._unread = False  # whether the context is one token behind
        self._lookup = PromptLookup(prompt, settings.prompt_lookup)
        # The same as arrays, because making one of a long list takes longer than all filters together.
        self._prompt_array = np.array(prompt, np.int64)
        self._sampled = np.empty(settings.max_tokens, np.int64)
        self._texts: list[str] = []
        self._started = started
        self._ttft_s = 0.0
        self._decode_s = 0.0  # spent on the tokens after the first

    def turn(self, cancelled: Callable[[], bool]) -> Iterator[TokenEvent | NoticeEvent]:
        """Reads the token chosen last, if any, and chooses the next one, or ends."""
        if self._unread:  # by `read_together`: there was no room
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

    def next_step(self) -> Step:
        """The token to be read next, and what is guessed to follow."""
        return Step(self._context, self._ids[-1], self._lookup.draft(self._ids))

    def done(self, *, device: str, precision: str) -> DoneEvent:
        """What is to be said at the end."""
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
            guessed=self._context.guessed - self._guessed_before[0],
            guessed_right=self._context.guessed_right - self._guessed_before[1],
        )

    def _read_window(self, cancelled: Callable[[], bool]) -> bool:
        """Brings the context, which is full, to after the last token; False if cancelled on the way."""
        self._unread = False
        return self._context.read(self._window(), cancelled)

    def _window(self) -> list[int]:
        """The part of the text that is read again when the context is full."""
        ids = [*self._prompt, *self._ids]
        return ids[window_start(len(ids), self._n_positions) :]

    def _full_context(self) -> str:
        return (
            f"The context of {self._n_positions:,} tokens is full: "
            f"the last {len(self._window()):,} were read again, and earlier ones are forgotten."
        )

    def _choose(self) -> TokenEvent | None:
        """The next token; None for ``<|endoftext|>``, which ends the completion and is not part of it."""
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
        top = [(id, prediction.logprob(id)) for id in prediction.likeliest(self._settings.top_logprobs)]
        return self._event(id, prediction.logprob(id), prediction.entropy, top)

    def _event(self, id: int, logprob: float, entropy: float, top: Sequence[tuple[int, float]]) -> TokenEvent | None:
        """What is told of the token that was chosen; ``top`` are the likeliest and their log-probabilities."""
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


def read_together(completions: Sequence[Completion]) -> None:
    """Reads the token that each of the completions chose last, if it has room for it."""
    waiting = [c for c in completions if c.finish_reason is None and c._unread and not c._context.full]
    began = perf_counter()
    step_together([c.next_step() for c in waiting])
    for completion in waiting:
        completion._unread = False
        completion._decode_s += (perf_counter() - began) / len(waiting)


def window_start(length: int, n_positions: int) -> int:
    """Where to begin reading a text of ``length`` tokens so that its end fits the context.

    Always a multiple of half the context: a text is read from the same place whether it was typed or written, and one
    that grows is read again once in half a context, not at each token.
    """
    half = max(1, n_positions // 2)
    return -(-max(0, length - n_positions) // half) * half
