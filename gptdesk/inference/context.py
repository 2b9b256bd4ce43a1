"""The tokens that a model has read: their key-value cache, and how much of it the next prompt can reuse."""

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
    """One sequence of tokens that the model has read, and the logits after it.

    The same prompt and the same tokens after it give the same logits bit for bit, whatever was read before. Rounding
    depends on how many tokens are computed together, so prompts are read in chunks that begin at multiples of
    `PROMPT_CHUNK`, and only whole chunks of the last prompt are reused (or all of it, if it is the same). Tokens that
    were decoded one by one are read again when they come back in a prompt: a small part of the time that decoding took.

    Attributes:
        logits: of the next token, (V) float32: on the CPU after a prompt, on the decoder's device after a step.
        draft_tokens: speculative tokens verified so far.
        accepted_tokens: those of them that were chosen.
        decoder: computes the steps after the prompt; ``None``: the network does, which reads all prompts.
    """

    logits: Tensor
    decoder: Decoder | None = None

    def __init__(self, model: GPT2) -> None:
        self._model = model
        self._device = model.wpe.weight.device
        # On a CPU attention is several times faster in float32 than in 16 bits.
        dtype = torch.float32 if self._device.type == "cpu" else model.wpe.weight.dtype
        self._cache = KVCache(model.config, dtype=dtype, device=self._device)
        self._prompt: list[int] = []  # the part that was read in chunks
        self._prompt_logits: Tensor | None = None  # None if reading was cancelled
        self.draft_tokens = self.accepted_tokens = 0
        self._drafts: list[tuple[int, Tensor]] = []  # last tokens in the cache, not yet chosen; the logits after each

    @property
    def full(self) -> bool:
        """Whether the context length is reached."""
        return self._length == self._cache.capacity

    def read(self, prompt: Sequence[int], cancelled: Callable[[], bool]) -> bool:
        """Replaces the sequence by ``prompt``, 1 ... n_positions ids.

        Args:
            prompt: ids.
            cancelled: asked before each chunk.

        Returns:
            False if ``cancelled`` returned True before the end.
        """
        prompt = list(prompt)
        self._drop_drafts()
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
        """Appends one token; the context must not be `full`."""
        decode_batch([DecodeInput(self, id)])

    def accept(self, id: int) -> bool:
        """Appends a token that needs no decoder: an accepted draft, or one that the network reads. Returns whether."""
        if self._drafts and self._drafts[0][0] == id:
            self.logits = self._drafts.pop(0)[1]
            self.accepted_tokens += 1
            return True
        self._drop_drafts()
        if self.decoder is None:
            self._feed([id], last=True)
        return self.decoder is None

    @property
    def _length(self) -> int:
        """Tokens of the sequence, without drafts."""
        return self._cache.length - len(self._drafts)

    def _drop_drafts(self) -> None:
        self._cache.truncate(self._length)
        self._drafts.clear()

    def copy(self) -> Context:
        """A second context with the same tokens, independent of this one."""
        self._drop_drafts()
        other = Context(self._model)
        with torch.inference_mode():
            other._cache.copy_from(self._cache)
        other.decoder = self.decoder
        other._prompt, other._prompt_logits = self._prompt.copy(), self._prompt_logits
        other.logits = self.logits
        return other

    @torch.inference_mode()
    def _feed(self, ids: list[int], *, last: bool) -> None:
        """Appends ``ids`` with the network; computes logits only after the ``last`` chunk."""
        batch = torch.tensor([ids], device=self._device)  # (1, T)
        if last:
            self.logits = self._model.next_token_logits(batch, self._cache)[0].cpu()
        else:
            self._model.hidden_states(batch, self._cache)

    def _whole_chunks_shared_with(self, prompt: list[int]) -> int:
        """How many tokens of ``prompt`` the cache contains with the bits that reading gives; never the last one."""
        shared = 0
        for old, new in zip(self._prompt, prompt[:-1], strict=False):
            if old != new:
                break
            shared += 1
        return shared - shared % PROMPT_CHUNK


class DecodeInput(NamedTuple):
    """The next token of a context that is not `Context.full`, and draft tokens that may follow it."""

    context: Context
    id: int
    drafts: Sequence[int] = ()


def decode_batch(inputs: Sequence[DecodeInput]) -> None:
    """Appends one token to each of several contexts of one model.

    A decoder reads the weights once for all of them and for their draft tokens, which changes no bit of any logits.
    A draft needs no acceptance rule: the token is chosen from its logits as always, and where it equals the draft, the
    logits after it are already computed.
    """
    waiting = [one for one in inputs if not one.context.accept(one.id)]
    decoder = waiting[0].context.decoder if waiting else None
    if decoder is None:
        return
    for first in range(0, len(waiting), decoder.max_batch):
        batch = waiting[first : first + decoder.max_batch]
        most_drafts = decoder.max_batch // len(batch) - 1
        texts = []
        for context, id, drafts in batch:
            free = context._cache.capacity - context._cache.length - 1
            texts.append((context._cache, [id, *drafts[: min(most_drafts, free)]]))
        for (context, _, _), (_, ids), logits in zip(batch, texts, decoder.steps(texts), strict=True):
            context.logits = logits[0]
            context._drafts = list(zip(ids[1:], logits[1:], strict=True))
            context.draft_tokens += len(ids) - 1
