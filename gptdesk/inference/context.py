"""The tokens that a model has read: their key-value cache, and how much of it the next prompt can reuse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gptdesk.gpt2.kv_cache import KVCache
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.block_sizes import PROMPT_CHUNK


class Draft(NamedTuple):
    """A speculative token that the model has read.

    Attributes:
        id: of the token.
        logits: after it, (V) float32.
    """

    id: int
    logits: Tensor


class Context:
    """One sequence of tokens that the model has read, and the logits after it.

    The same prompt and the same tokens after it give the same logits bit for bit, whatever was read before. Rounding
    depends on how many tokens are computed together, so prompts are read in chunks that begin at multiples of
    `PROMPT_CHUNK`, and only whole chunks of the last prompt are reused (or all of it, if it is the same). Tokens that
    were decoded one by one are read again when they come back in a prompt: a small part of the time that decoding took.

    `read` replaces the tokens by a prompt, `decode.decode` appends to them.

    Attributes:
        cache: keys and values of the tokens, and after them those of ``drafts``. On a CPU it is float32 whatever the
            weights are: attention is several times faster than in 16 bits.
        logits: of the next token, (V) float32: on the CPU after a prompt, on the decoder's device after a step.
        drafts: speculative tokens at the end of ``cache``, none of them chosen yet.
    """

    logits: Tensor

    def __init__(self, model: GPT2) -> None:
        self._model = model
        self._device = model.wpe.weight.device
        dtype = torch.float32 if self._device.type == "cpu" else model.wpe.weight.dtype
        self.cache = KVCache(model.config, dtype=dtype, device=self._device)
        self.drafts: list[Draft] = []
        self._prompt: list[int] = []  # the part that was read in chunks
        self._prompt_logits: Tensor | None = None  # None if reading was cancelled

    @property
    def length(self) -> int:
        """Tokens of the sequence, without drafts."""
        return self.cache.length - len(self.drafts)

    @property
    def is_full(self) -> bool:
        """Whether the context length is reached."""
        return self.length == self.cache.capacity

    def read(self, prompt: Sequence[int], cancelled: Callable[[], bool]) -> bool:
        """Replaces the sequence by ``prompt``, 1 ... n_positions ids.

        Chunks that were read before ``cancelled`` stay in the cache: the next call continues from there.

        Args:
            prompt: ids.
            cancelled: asked before each chunk.

        Returns:
            False if ``cancelled`` returned True before the end.
        """
        prompt = list(prompt)
        self.drop_drafts()
        if self._prompt_logits is not None and prompt == self._prompt:
            self.cache.truncate(len(prompt))
            self.logits = self._prompt_logits
            return True
        reused = self._whole_chunks_shared_with(prompt)
        self.cache.truncate(reused)
        self._prompt, self._prompt_logits = prompt[:reused], None
        for start in range(reused, len(prompt), PROMPT_CHUNK):
            if cancelled():
                return False
            chunk = prompt[start : start + PROMPT_CHUNK]
            self._feed(chunk, last=start + PROMPT_CHUNK >= len(prompt))
            self._prompt += chunk
        self._prompt_logits = self.logits
        return True

    def append(self, id: int) -> None:
        """Appends one token with the network; the context must have no drafts, and not be full."""
        assert not self.drafts
        self._feed([id], last=True)

    def take_draft(self, id: int) -> bool:
        """Appends a token if it is the next draft, whose logits are computed already; else removes all drafts.

        Returns:
            Whether it was.
        """
        if self.drafts and self.drafts[0].id == id:
            self.logits = self.drafts.pop(0).logits
            return True
        self.drop_drafts()
        return False

    def drop_drafts(self) -> None:
        """Removes all drafts."""
        self.cache.truncate(self.length)
        self.drafts = []

    def copy(self) -> Context:
        """A second context with the same tokens, without drafts, independent of this one."""
        other = Context(self._model)
        with torch.inference_mode():
            other.cache.copy_from(self.cache)
        other.cache.truncate(self.length)
        other._prompt, other._prompt_logits = self._prompt.copy(), self._prompt_logits
        other.logits = self.logits
        return other

    @torch.inference_mode()
    def _feed(self, ids: list[int], *, last: bool) -> None:
        """Appends ``ids`` with the network; computes logits only after the ``last`` chunk."""
        batch = torch.tensor([ids], device=self._device)  # (1, T)
        if last:
            self.logits = self._model.next_token_logits(batch, self.cache)[0].cpu()
        else:
            self._model.hidden_states(batch, self.cache)

    def _whole_chunks_shared_with(self, prompt: list[int]) -> int:
        """How many tokens of ``prompt`` the cache contains with the bits that reading gives; never the last one."""
        shared = 0
        for old, new in zip(self._prompt, prompt[:-1], strict=False):
            if old != new:
                break
            shared += 1
        return shared - shared % PROMPT_CHUNK
