"""The tokens that a model has read: their key-value cache, and how much of it the next prompt can reuse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from gptdesk.gpt2.interrupted import Interrupted
from gptdesk.inference.network import Floats, Hidden, Network

if TYPE_CHECKING:
    from torch import Tensor

    from gptdesk.inference.cpu.prompt.prompt_reader import PromptReader

Logits: TypeAlias = "Floats | Tensor"
"""(V) float32: an array, or a tensor on the device that computed them."""

Outputs: TypeAlias = Literal["last", "new", "all"]
"""Tokens of a prompt for which `Context.hidden` is wanted: for the last one, a sixteenth less work for a compiled
reader; for those that are read now; or for all, so that tokens that were read without are read again."""


class Draft(NamedTuple):
    """A speculative token that the model has read.

    Attributes:
        id: of the token.
        logits: after it, (V) float32.
    """

    id: int
    logits: Logits


class Context:
    """One sequence of tokens that the model has read, and the logits after it.

    The same prompt and the same tokens after it give the same logits bit for bit, whatever was read before. Rounding
    depends on how many tokens are computed together, so prompts are read in chunks that begin at multiples of the
    network's ``prompt_chunk``, and only whole chunks of the last prompt are reused (or all of it, if it is the same).
    Tokens that were decoded one by one are read again when they come back in a prompt: a small part of the time that
    decoding took.

    `read` replaces the tokens by a prompt, `decode.decode` appends to them.

    Attributes:
        cache: keys and values of the tokens, and after them those of ``drafts``.
        logits: of the next token, (V) float32: an array after a prompt and on a CPU; a tensor on the decoder's device
            after its step.
        drafts: speculative tokens at the end of ``cache``, none of them chosen yet.
        hidden: the network's output for the tokens of the prompt, (n_positions, C): what the head makes logits of.
            Unwritten where `ready_length` of "all" outputs does not reach, but for the last token of the prompt.
    """

    logits: Logits
    hidden: Hidden

    def __init__(self, network: Network) -> None:
        self._network = network
        self.cache = network.new_cache()
        self.drafts: list[Draft] = []
        self._prompt: list[int] = []  # the part that was read in chunks
        self._prompt_logits: Logits | None = None  # None if reading was cancelled
        self._outputs = 0  # tokens of it, the first ones, of which `hidden` is known
        self._reader: PromptReader | None = None

    @property
    def length(self) -> int:
        """Tokens of the sequence, without drafts."""
        length: int = self.cache.length - len(self.drafts)
        return length

    @property
    def is_full(self) -> bool:
        """Whether the context length is reached."""
        full: bool = self.length == self.cache.capacity
        return full

    def read_by(self, reader: PromptReader | None) -> None:
        """Chooses what reads the next prompts: a compiled reader, or ``None`` for the network.

        They round differently, so nothing that another one read is reused.
        """
        if reader is not self._reader:
            self._reader, self._prompt, self._prompt_logits, self._outputs = reader, [], None, 0

    def read(
        self,
        prompt: Sequence[int],
        cancelled: Callable[[], bool],
        *,
        outputs: Outputs = "last",
        interrupted: Callable[[int], bool] | None = None,
    ) -> bool:
        """Replaces the sequence by ``prompt``, 1 ... n_positions ids.

        Chunks that were read before the end stay in the cache: the next call continues from there.

        Args:
            prompt: ids.
            cancelled: asked before each chunk.
            outputs: for which tokens `hidden` is wanted.
            interrupted: asked before each block of the network, if given, with the number of tokens that will have been
                read after the chunk; True gives that chunk up.

        Returns:
            False if one of them returned True.
        """
        prompt = list(prompt)
        while self.ready_length(prompt, outputs) < len(prompt):
            if cancelled() or not self.read_chunk(prompt, outputs, interrupted=interrupted):
                return False
        assert self._prompt_logits is not None
        self.drop_drafts()
        self.cache.truncate(len(prompt))
        self.logits = self._prompt_logits
        return True

    def read_chunk(
        self, prompt: list[int], outputs: Outputs, *, interrupted: Callable[[int], bool] | None = None
    ) -> bool:
        """Reads the next chunk of ``prompt``, which must not be read to its end yet.

        Args:
            prompt, outputs, interrupted: as for `read`.

        Returns:
            False if ``interrupted`` returned True.
        """
        start = self.ready_length(prompt, outputs)
        self.drop_drafts()
        self.cache.truncate(start)
        self._prompt, self._prompt_logits, self._outputs = prompt[:start], None, min(self._outputs, start)
        chunk = prompt[start : start + self._network.prompt_chunk]
        end = start + len(chunk)
        last = end == len(prompt)
        try:
            asked = partial(interrupted, end) if interrupted is not None else None
            hidden = self._feed(chunk, last=last, outputs=outputs != "last", interrupted=asked)
        except Interrupted:
            return False
        self._keep(hidden, end - len(hidden))
        if self._outputs == end - len(hidden):
            self._outputs = end
        self._prompt += chunk
        if last:
            self._prompt_logits = self.logits
        return True

    def ready_length(self, prompt: list[int], outputs: Outputs) -> int:
        """How many tokens of ``prompt`` need not be read again: all of it, or whole chunks.

        Args:
            prompt, outputs: as for `read`.
        """
        if self._prompt_logits is not None and prompt == self._prompt:
            ready = len(prompt)
        else:
            ready = self._whole_chunks_shared_with(prompt)
        return ready if outputs != "all" or ready <= self._outputs else self._whole_chunks(self._outputs)

    def append(self, id: int) -> None:
        """Appends one token with the network; the context must have no drafts, and not be full."""
        assert not self.drafts
        self._feed([id], last=True, outputs=False, interrupted=None)

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
        other = Context.__new__(Context)
        other._network, other.drafts = self._network, []
        other.cache = self.cache.copy()
        other.cache.truncate(self.length)
        other._reader = self._reader
        other._prompt, other._prompt_logits = self._prompt.copy(), self._prompt_logits
        other._outputs = self._outputs
        if self._prompt:
            other._keep(self.hidden[: len(self._prompt)], 0)
        other.logits = self.logits
        return other

    def _feed(self, ids: list[int], *, last: bool, outputs: bool, interrupted: Callable[[], bool] | None) -> Hidden:
        """Appends ``ids``; computes logits only after the ``last`` chunk.

        Returns:
            The network's output for the last R of ``ids``, (R, C), valid until the next call: for all of them if they
            are wanted, else at least for the last one of the last chunk.
        """
        if self._reader is not None:
            reading = self._reader.read(ids, self.cache, last=last, outputs=outputs, interrupted=interrupted)
            if last:
                self.logits = reading.logits.copy()
            return reading.hidden
        hidden = self._network.read(ids, self.cache, interrupted=interrupted)
        if last:
            self.logits = self._network.next_logits(hidden)
        return hidden

    def _keep(self, hidden: Hidden, start: int) -> None:
        """Keeps the network's output for the tokens of the prompt from ``start`` on."""
        if not hasattr(self, "hidden"):
            self.hidden = self._network.new_hidden()
        self.hidden[start : start + len(hidden)] = hidden

    def _whole_chunks_shared_with(self, prompt: list[int]) -> int:
        """How many tokens of ``prompt`` the cache contains with the bits that reading gives; never the last one."""
        shared = 0
        for old, new in zip(self._prompt, prompt[:-1], strict=False):
            if old != new:
                break
            shared += 1
        return self._whole_chunks(shared)

    def _whole_chunks(self, tokens: int) -> int:
        return tokens - tokens % self._network.prompt_chunk
