"""The state of one completion: its tokens, what the model has read of them, and what its next token depends on."""

from __future__ import annotations

from collections import abc

import numpy as np
import numpy.typing as npt

from gptdesk.gpt2.tokenizer import TextStream
from gptdesk.inference.context import Context
from gptdesk.inference.events import FinishReason
from gptdesk.inference.prompt_lookup import PromptLookup
from gptdesk.inference.sampling.chain import SamplerChain
from gptdesk.inference.sampling.random_numbers import RandomNumbers
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.inference.stopping import Stopping


class Sequence:
    """One of the n completions of a prompt, as plain state; the functions of `generate` read and change it.

    Args:
        index: 0 ... n - 1.
        prompt: ids that ``context`` has read, at most the model's context length.
        context: used by this sequence alone.
        settings: decoding settings.
        seed: of its random numbers.
        stream: makes text of its tokens.
        started: `time.perf_counter` when the completion was asked for.

    Attributes:
        prompt_length: tokens of the prompt; the completion begins there.
        length: tokens of prompt and completion.
        window: index of the first token that ``context`` holds; above 0 once the context has been full.
        numbers: its random numbers.
        chain: its samplers.
        lookup: its draft tokens.
        stops: ends its text.
        pieces: text so far, one piece a token.
        draft_tokens: speculative tokens that were verified.
        accepted_tokens: those of them that were chosen.
        finish_reason: ``None`` while it is active.
        ttft_s: seconds from ``started`` to the first token; 0 before it.
        decode_s: seconds spent on the tokens after the first.
    """

    def __init__(
        self,
        index: int,
        prompt: abc.Sequence[int],
        context: Context,
        settings: DecodingSettings,
        *,
        seed: int,
        stream: TextStream,
        started: float,
    ) -> None:
        self.index = index
        self.context = context
        self.settings = settings
        self.seed = seed
        self.prompt_length = self.length = len(prompt)
        self.window = 0
        # An array, because converting a long list for the samplers takes longer than all of them together.
        self._ids = np.empty(len(prompt) + settings.max_tokens, np.int64)
        self._ids[: len(prompt)] = prompt
        self.numbers = RandomNumbers(seed)
        self.chain = SamplerChain(settings, stream.tokenizer)
        self.lookup = PromptLookup(settings.prompt_lookup)
        self.stream = stream
        self.stops = Stopping(settings.stop, settings.until)
        self.pieces: list[str] = []
        self.draft_tokens = self.accepted_tokens = 0
        self.finish_reason: FinishReason | None = None
        self.started = started
        self.ttft_s = self.decode_s = 0.0

    @property
    def ids(self) -> npt.NDArray[np.int64]:
        """The tokens of prompt and completion, (length); a view."""
        return self._ids[: self.length]

    @property
    def prompt(self) -> npt.NDArray[np.int64]:
        """The tokens of the prompt; a view."""
        return self._ids[: self.prompt_length]

    @property
    def completion(self) -> npt.NDArray[np.int64]:
        """The tokens that were chosen, without ``<|endoftext|>``; a view."""
        return self._ids[self.prompt_length : self.length]

    @property
    def is_active(self) -> bool:
        """Whether it has not ended."""
        return self.finish_reason is None

    @property
    def is_unread(self) -> bool:
        """Whether its last token is not in ``context`` yet, which therefore has no logits after it."""
        return self.window + self.context.length < self.length

    def append(self, id: int) -> None:
        """Adds a token that was chosen."""
        self._ids[self.length] = id
        self.length += 1
