"""What a model has read so far: a prompt, its key-value cache, and which part of them the next prompt can reuse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from gptdesk.gpt2.model import GPT2, KVCache
from gptdesk.inference.block_sizes import PROMPT_CHUNK

if TYPE_CHECKING:
    from gptdesk.inference.decoder import Decoder


class Context:
    """A place in a text, from which a model tells what comes next.

    The same prompt and the same steps after it give the same logits bit for bit, whatever was read before. Rounding
    depends on how many tokens are computed together, so prompts are read in chunks that begin at multiples of
    `PROMPT_CHUNK`, and of the last prompt whole chunks alone are reused (or all of it, if it is the same). What was
    decoded token by token is read again when it comes back in a prompt: a small part of the time that writing it took.

    Attributes:
        logits: of the token after everything read, (V) float32: after a prompt on the CPU, after a step where the
            decoder computed them.
        guessed, guessed_right: how many tokens were guessed and read ahead, and how many of them came indeed.
        decoder: takes the steps; the network itself does, which reads all prompts, where it is ``None``.
    """

    logits: Tensor
    decoder: Decoder | None = None

    def __init__(self, model: GPT2) -> None:
        self._model = model
        self._device = model.wpe.weight.device
        # On a CPU attention is several times faster in float32 than in 16 bits.
        dtype = torch.float32 if self._device.type == "cpu" else model.wpe.weight.dtype
        self._cache = KVCache(model.config, dtype=dtype, device=self._device)
        self._prompt: list[int] = []  # as far as it was read in chunks
        self._prompt_logits: Tensor | None = None  # None if it was not read to its end
        self.guessed = self.guessed_right = 0
        self._guessed: list[tuple[int, Tensor]] = []  # the cache's last tokens, and the logits after each

    @property
    def full(self) -> bool:
        """Whether no further token fits."""
        return self._length == self._cache.capacity

    def read(self, prompt: Sequence[int], cancelled: Callable[[], bool]) -> bool:
        """Reads ``prompt``, 1 ... n_positions ids, from the beginning.

        Returns whether it came to its end before ``cancelled``, which is asked before each chunk, said True.
        """
        prompt = list(prompt)
        self._forget_guesses()
        if self._prompt_logits is not None and prompt == self._prompt:
            self._cache.truncate(len(prompt))
            self.logits = self._prompt_logits
            return True
        reused = self._whole_chunks_shared_with(prompt)
        self._cache.truncate(reused)
        self._prompt, self._prompt_logits = prompt[:reused], None
        for start in range(reused, len(prompt), PROMPT_CHUNK):
            if cancelled():
                return False
            self._feed(prompt[start : start + PROMPT_CHUNK], last=start + PROMPT_CHUNK >= len(prompt))
            self._prompt += prompt[start : start + PROMPT_CHUNK]
        self._prompt_logits = self.logits
        return True

    def step(self, id: int) -> None:
        """Reads one token more; not if the context is `full`."""
        step_together([Step(self, id)])

    def _step(self, id: int) -> bool:
        """Reads a token if no decoder is needed for it: it was guessed, or there is none. Returns whether it was."""
        if self._guessed and self._guessed[0][0] == id:
            self.logits = self._guessed.pop(0)[1]
            self.guessed_right += 1
            return True
        self._forget_guesses()
        if self.decoder is None:
            self._feed([id], last=True)
        return self.decoder is None

    @property
    def _length(self) -> int:
        """Tokens read, without those that were only guessed."""
        return self._cache.length - len(self._guessed)

    def _forget_guesses(self) -> None:
        self._cache.truncate(self._length)
        self._guessed.clear()

    def copy(self) -> Context:
        """Another context at the same place, which goes on by itself."""
        self._forget_guesses()
        other = Context(self._model)
        with torch.inference_mode():
            other._cache.copy_from(self._cache)
        other.decoder = self.decoder
        other._prompt, other._prompt_logits = self._prompt.copy(), self._prompt_logits
        other.logits = self.logits
        return other

    @torch.inference_mode()
    def _feed(self, ids: list[int], *, last: bool) -> None:
        """Adds ``ids`` to the cache; if they are the ``last`` for now, also computes the logits after them."""
        batch = torch.tensor([ids], device=self._device)  # (1, T)
        if last:
            self.logits = self._model.next_token_logits(batch, self._cache)[0].cpu()
        else:
            self._model.hidden_states(batch, self._cache)

    def _whole_chunks_shared_with(self, prompt: list[int]) -> int:
        """How many tokens of ``prompt`` the cache holds as reading it would put them there; never the last one."""
        shared = 0
        for old, new in zip(self._prompt, prompt[:-1], strict=False):
            if old != new:
                break
            shared += 1
        return shared - shared % PROMPT_CHUNK


class Step(NamedTuple):
    """A token to be read by a context that is not `Context.full`, and what may come after it."""

    context: Context
    id: int
    guesses: Sequence[int] = ()


def step_together(steps: Sequence[Step]) -> None:
    """Reads one token more in each of several contexts of one model.

    With a decoder they share each reading of the weights, and the bits are those of one alone. So are those of what
    comes after a token that was guessed: if it is the next one indeed, it has been read by then.
    """
    waiting = [step for step in steps if not step.context._step(step.id)]
    decoder = waiting[0].context.decoder if waiting else None
    if decoder is None:  # nobody waits
        return
    for first in range(0, len(waiting), decoder.most_together):
        several = waiting[first : first + decoder.most_together]
        room = decoder.most_together // len(several) - 1
        texts = []
        for context, id, guesses in several:
            free = context._cache.capacity - context._cache.length - 1
            texts.append((context._cache, [id, *guesses[: min(room, free)]]))
        for (context, _, _), (_, ids), logits in zip(several, texts, decoder.steps(texts), strict=True):
            context.logits = logits[0]
            context._guessed = list(zip(ids[1:], logits[1:], strict=True))
            context.guessed += len(ids) - 1
