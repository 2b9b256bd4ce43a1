"""The CUDA decoder: launches all kernels of a decode step at once, as a CUDA graph."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from gptdesk.gpt2.kv_cache import KVCache
from gptdesk.gpt2.model import GPT2, Block
from gptdesk.inference.cuda import ahead
from gptdesk.inference.cuda.fused_step import MOST_TEXTS, FusedStep, fused_step
from gptdesk.inference.cuda.graphs import Captured, GraphCapture

log = logging.getLogger(__name__)

BUCKETS: Final = (128, 256, 512)
"""Context lengths, in tokens, that attention reads; beyond the last one it reads the whole context. A graph has fixed
shapes, so there is one for each length, and a short text does not pay for a long one."""


class DeviceDecoder:
    """Decodes after a prompt that the network has read into a `KVCache`, as the network would. For one thread.

    A step at a given position always runs the same kernels on the same shapes, eagerly or from a graph, so that the
    time of capture changes no text. A bucket's first step runs eagerly and loads the kernels that are captured after
    it: this takes milliseconds, once per bucket, in the thread that uses the device.

    A graph of torch's kernels reads and writes fixed addresses. So a cache is moved into the decoder's own buffers and
    stays there until another one is used: with one completion at a time nothing is copied again. Fused kernels get
    caches by their addresses, of several texts at once. With `works_ahead` the step after a token that the device
    chooses is launched at once (`ahead`), if the same text was continued before.

    On other devices the same code runs eagerly.

    Args:
        model: in evaluation mode; its weights must neither move nor change.
        graphs: whether to capture graphs. If that fails, one warning is logged and steps stay eager.
        fused: computes a step instead of torch's kernels.

    Attributes:
        precision: of the weights.
        backend: "torch".
        reader: ``None``: the network reads prompts.
        max_batch: most tokens of a step.
        buckets: context lengths that attention reads.
        fused: as given.
        works_ahead: whether steps are launched before the host knows their token.
        chooser: chooses from the logits of steps, where kernels for that could be made.
    """

    backend: Final = "torch"
    reader: Final = None

    def __init__(self, model: GPT2, *, graphs: bool, fused: FusedStep | None = None) -> None:
        weight = model.wte.weight
        self.precision = str(weight.dtype).removeprefix("torch.")
        n_positions = model.config.n_positions
        self.buckets = (*(bucket for bucket in BUCKETS if bucket < n_positions), n_positions)
        self._model = model
        self.fused = fused
        self._graphs = _Graphs() if graphs else None
        self.max_batch = MOST_TEXTS if fused is not None else 1
        # Inputs of a step, on the device, at addresses that graphs read: see `FusedStep.logits`.
        self._inputs = torch.zeros(5, MOST_TEXTS, dtype=torch.int64, device=weight.device)
        self._id, self._position = self._inputs[0, :1], self._inputs[1, :1]
        self._addresses: tuple[int, int] | None = None  # of the one cache in the inputs
        self._columns = torch.arange(n_positions, device=weight.device)
        self._mixed = _has_mixed_product(weight)
        self._owner: weakref.ref[KVCache] | None = None  # whose tokens the buffers hold
        self._next = 0  # position after the last step
        self.works_ahead = graphs
        self._last: weakref.ref[KVCache] | None = None  # of the last step, if that was of one text
        self._ahead: _Ahead | None = None
        self.chooser = fused.chooser(self._inputs) if fused is not None and graphs else None

    @classmethod
    def for_device(cls, model: GPT2) -> DeviceDecoder:
        """The fastest decoder for a model on CUDA: graphs of fused kernels where these can be made, else of torch's."""
        return cls(model, graphs=True, fused=fused_step(model))

    def steps(self, texts: Sequence[tuple[KVCache, Sequence[int]]]) -> list[Tensor]:
        """Appends tokens to each of several texts: fused kernels to all at once, torch's to one after the other.

        Returns for each text the logits after each of its new tokens, (T, V) float32 on the device.
        """
        rows = [(cache, id) for cache, ids in texts for id in ids]
        if self.fused is not None and len(rows) > 1:
            return list(self._batch(texts).split([len(ids) for _, ids in texts]))
        found = [[self.step(cache, id) for id in ids] for cache, ids in texts]
        # A single row is no copy: `ahead` knows logits by their address.
        return [torch.stack(rows) if len(rows) > 1 else rows[0][None] for rows in found]

    @torch.no_grad()
    def step(self, cache: KVCache, id: int) -> Tensor:
        """Appends one token to ``cache`` (batch size 1).

        Returns the logits after it, (V) float32 on the device, without waiting for them.
        """
        assert 0 <= id < self._model.config.vocab_size
        assert cache.length < cache.capacity
        continued = self._last is not None and self._last() is cache
        launched, self._ahead = self._ahead, None
        if launched is not None and launched.fits(cache, id):
            logits = launched.step.logits
        else:
            self._place(cache)
            # Python numbers are kernel arguments: nothing is waited for.
            self._id.fill_(id)
            self._position.fill_(cache.length)
            logits = self._run(cache.length, 1)[0]
        cache.length += 1
        self._next = cache.length
        self._last = weakref.ref(cache)
        ahead.offer(logits, self._launcher(cache) if continued and self.works_ahead else None, self.chooser)
        return logits

    @torch.no_grad()
    def _batch(self, texts: Sequence[tuple[KVCache, Sequence[int]]]) -> Tensor:
        """A step of several texts, each with one token or more: logits after each token, (T, V)."""
        columns: list[tuple[int, int, int, int]] = []
        for cache, ids in texts:
            assert cache.length + len(ids) <= cache.capacity
            addresses = _addresses(cache)
            columns += [(id, cache.length + place, *addresses) for place, id in enumerate(ids)]
            cache.length += len(ids)
        filled = columns + columns[:1] * (MOST_TEXTS - len(columns))
        rows = torch.tensor([*zip(*filled, strict=True)], pin_memory=self._inputs.device.type == "cuda")
        self._inputs[:4].copy_(rows, non_blocking=True)
        self._addresses = self._last = self._ahead = None
        logits = self._run(max(position for _, position, *_ in columns), len(columns))
        ahead.offer(logits, chooser=self.chooser)
        return logits

    def _place(self, cache: KVCache) -> None:
        """Puts a cache where a step of one text reads it."""
        if self.fused is None:
            self._take_in(cache)
        elif self._addresses != (addresses := _addresses(cache)):
            self._inputs[2, :1].fill_(addresses[0])
            self._inputs[3, :1].fill_(addresses[1])
            self._addresses = addresses

    def _run(self, position: int, texts: int) -> Tensor:
        """The step of the inputs, up to ``position``, (texts, V): from a graph, or eagerly and then captured."""
        key = self._bucket(position), texts
        logits = self._graphs.replay(key) if self._graphs else None
        if logits is None and self._graphs:
            logits = self._capture(key)
        return self._compute(*key) if logits is None else logits

    def _bucket(self, position: int) -> int:
        return next(bucket for bucket in self.buckets if position < bucket)

    def _launcher(self, cache: KVCache) -> ahead.Launch:
        """Launches the step after the one just run. It keeps no model in memory that is not used any more."""
        decoder, state = weakref.ref(self), _State.of(cache)

        def launch(id: Tensor | None) -> ahead.StepAhead | None:
            found = decoder()
            return None if found is None else found._launch_ahead(state, id)

        return launch

    @torch.no_grad()
    def _launch_ahead(self, state: _State, id: Tensor | None) -> ahead.StepAhead | None:
        """Runs the step after that of ``state`` with a token that only the device knows; its row of the cache is
        written again if another token comes. Without ``id`` token and position are in the inputs already."""
        cache = state.cache()
        if cache is None or not state.is_now(cache) or cache.length == cache.capacity:
            return None
        if self._graphs and not self._graphs.has((self._bucket(cache.length), 1)):
            return None  # capturing would wait for the device
        if id is not None:
            self._id.copy_(id)
            self._position.fill_(cache.length)
        step = ahead.StepAhead(self._run(cache.length, 1)[0])
        self._ahead = _Ahead(state, step)
        return step

    def _compute(self, bucket: int, texts: int) -> Tensor:
        """The step, with attention over ``bucket`` positions of the cache: logits, (texts, V) float32."""
        if self.fused is not None:
            return self.fused.logits(self._inputs, texts=texts, reach=bucket)
        assert texts == 1
        model = self._model
        heads, size = model.config.n_head, model.config.head_size
        x = model.wte.weight.index_select(0, self._id) + model.wpe.weight.index_select(0, self._position)  # (1, C)
        kv = self._kv  # (2, n_layer, 1, nh, n_positions, hs)
        mask = torch.zeros(bucket, dtype=kv.dtype, device=kv.device)
        mask = mask.masked_fill(self._columns[:bucket] > self._position, float("-inf")).view(1, 1, 1, bucket)
        for layer, block in enumerate(model.h):
            assert isinstance(block, Block)
            qkv = block.attn.c_attn(block.ln_1(x)).view(3, heads, 1, size).to(kv.dtype)
            kv[:, layer, 0].index_copy_(2, self._position, qkv[1:])
            k, v = kv[:, layer, :, :, :bucket]  # (1, nh, bucket, hs)
            y = block.attn.attend(qkv[:1], k, v, mask=mask)  # (1, nh, 1, hs)
            x = x + block.attn.c_proj(y.to(x.dtype).reshape(1, -1))
            x = x + block.mlp(block.ln_2(x))
        x, weight = model.ln_f(x), model.lm_head.weight
        # GPT-2's logits lie near -100, where bfloat16 has steps of 0.5.
        if self._mixed:
            return _mixed_product(x, weight)
        return F.linear(x.float(), weight.float())

    def _take_in(self, cache: KVCache) -> None:
        """Moves ``cache`` into the buffers and zeroes the positions after it: values of an earlier text would have
        weight 0, but 0 times infinity is not 0."""
        owner = self._owner() if self._owner else None
        if owner is not cache:
            self._ahead = None
            if self._owner is None:
                self._kv = torch.zeros((2, *cache.keys.shape), dtype=cache.keys.dtype, device=cache.keys.device)
            if owner is not None:
                _move(owner, torch.empty_like(self._kv))
            _move(cache, self._kv)
            self._owner = weakref.ref(cache)
        elif cache.length == self._next:
            return
        self._kv[:, :, :, :, cache.length :].zero_()

    def _capture(self, key: tuple[int, int]) -> Tensor | None:
        """Runs the step of the inputs and captures it; ``None`` if that fails. Repeating a step changes nothing."""
        assert self._graphs
        try:
            return self._graphs.capture(key, lambda: self._compute(*key), self._inputs.device)
        except Exception as error:  # from driver, allocator or kernel
            log.warning("The decode step cannot be captured as a CUDA graph, so it runs without, slower: %s", error)
            self._graphs = None
            return None


class _State(NamedTuple):
    """A cache at one length, none of whose tokens has been removed since."""

    cache: weakref.ref[KVCache]
    length: int
    cuts: int

    @classmethod
    def of(cls, cache: KVCache) -> _State:
        return cls(weakref.ref(cache), cache.length, cache.cuts)

    def is_now(self, cache: KVCache) -> bool:
        return self.cache() is cache and (self.length, self.cuts) == (cache.length, cache.cuts)


class _Ahead(NamedTuple):
    """A step that was launched ahead, and what it continues."""

    state: _State
    step: ahead.StepAhead

    def fits(self, cache: KVCache, id: int) -> bool:
        return self.step.id == id and self.state.is_now(cache)


class _Graphs:
    """Captured steps, by bucket and number of texts, and the logits that they write."""

    def __init__(self) -> None:
        self._graphs: dict[tuple[int, int], Captured] = {}
        self._capture: GraphCapture | None = None

    def has(self, key: tuple[int, int]) -> bool:
        return key in self._graphs

    def replay(self, key: tuple[int, int]) -> Tensor | None:
        """Launches a step; returns a copy of the logits, or ``None`` if there is no graph yet."""
        if key not in self._graphs:
            return None
        captured = self._graphs[key]
        captured.graph.replay()
        return captured.output.clone()

    def capture(self, key: tuple[int, int], compute: Callable[[], Tensor], device: torch.device) -> Tensor:
        """Returns what ``compute`` does, and captures it."""
        self._capture = self._capture or GraphCapture(device)
        self._graphs[key], logits = self._capture.capture(compute)
        return logits


def _addresses(cache: KVCache) -> tuple[int, int]:
    """Of keys and values, whose layers follow each other."""
    assert cache.keys.is_contiguous()
    assert cache.values.is_contiguous()
    return cache.keys.data_ptr(), cache.values.data_ptr()


def _move(cache: KVCache, kv: Tensor) -> None:
    """Copies the tokens of ``cache`` into ``kv``, (2, n_layer, 1, nh, n_positions, hs), and makes that its memory."""
    for held, place in zip((cache.keys, cache.values), kv, strict=True):
        place[:, :, :, : cache.length] = held[:, :, :, : cache.length]
    cache.keys, cache.values = kv


def _mixed_product(x: Tensor, weight: Tensor) -> Tensor:
    """x @ weight.T of (1, C) and (V, C) in 16 bits, as float32: exact products that read half the bytes of float32."""
    return torch.mm(x, weight.T, out_dtype=torch.float32)


def _has_mixed_product(weight: Tensor) -> bool:
    """Whether torch supports `_mixed_product`: from 2.8 on, on CUDA only."""
    if weight.dtype == torch.float32:
        return False
    try:
        _mixed_product(weight[:1].detach(), weight[:1].detach())
    except (TypeError, RuntimeError):
        return False
    return True
