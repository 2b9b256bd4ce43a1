"""What a model has read so far: a prompt, its key-value cache, and which part of them the next prompt can reuse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from gptdesk.gpt2.model import GPT2, KVCache

if TYPE_CHECKING:
    from gptdesk.gpt2.cpu_decoder import CPUDecoder

CHUNK: Final = 128
"""Tokens of a prompt that are read at once: few enough to cancel quickly (0.3 s for 124M weights on two busy cores),
enough for nine tenths of the speed of reading all at once (64 reach six tenths)."""


class Context:
    """A place in a text, from which a model tells what comes next.

    The same prompt and the same steps after it give the same logits bit for bit, whatever was read before. Rounding
    depends on how many tokens are computed together, so prompts are read in chunks that begin at multiples of `CHUNK`,
    and of the last prompt whole chunks alone are reused (or all of it, if it is the same). What was decoded token by
    token is read again when it comes back in a prompt: a small part of the time that writing it took.

    Attributes:
        logits: of the token after everything read, (V) float32 on the CPU.
        decoder: takes the steps; the network itself does, which reads all prompts, where it is ``None``.
    """

    logits: Tensor
    decoder: CPUDecoder | None = None

    def __init__(self, model: GPT2) -> None:
        self._model = model
        self._device = model.wte.weight.device
        # On a CPU attention is several times faster in float32 than in 16 bits.
        dtype = torch.float32 if self._device.type == "cpu" else model.wte.weight.dtype
        self._cache = KVCache(model.config, dtype=dtype, device=self._device)
        self._prompt: list[int] = []  # as far as it was read in chunks
        self._prompt_logits: Tensor | None = None  # None if it was not read to its end

    @property
    def full(self) -> bool:
        """Whether no further token fits."""
        return self._cache.length == self._cache.capacity

    def read(self, prompt: Sequence[int], cancelled: Callable[[], bool]) -> bool:
        """Reads ``prompt``, 1 ... n_positions ids, from the beginning.

        Returns whether it came to its end before ``cancelled``, which is asked before each chunk, said True.
        """
        prompt = list(prompt)
        if self._prompt_logits is not None and prompt == self._prompt:
            self._cache.truncate(len(prompt))
            self.logits = self._prompt_logits
            return True
        reused = self._whole_chunks_shared_with(prompt)
        self._cache.truncate(reused)
        self._prompt, self._prompt_logits = prompt[:reused], None
        for start in range(reused, len(prompt), CHUNK):
            if cancelled():
                return False
            self._feed(prompt[start : start + CHUNK], last=start + CHUNK >= len(prompt))
            self._prompt += prompt[start : start + CHUNK]
        self._prompt_logits = self.logits
        return True

    def step(self, id: int) -> None:
        """Reads one token more; not if the context is `full`."""
        if self.decoder is None:
            self._feed([id], last=True)
        else:
            self.logits = self.decoder.step(self._cache, id)

    def copy(self) -> Context:
        """Another context at the same place, which goes on by itself."""
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
        return shared - shared % CHUNK
