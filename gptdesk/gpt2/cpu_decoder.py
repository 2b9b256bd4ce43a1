"""Reads one token after another on a CPU, many times faster than the network in torch, in a step compiled by Numba.

What is decoded is what `GPT2` computes: the same weights (float32 and bfloat16 ones are the network's own memory) or
those rounded to int8, float32 activations, and the network's own cache of keys and values. See `decode_kernel`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from gptdesk.gpt2.compiling import Step
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.decode_kernel import Kind, Phase, Sync
from gptdesk.gpt2.model import GPT2, Block, KVCache
from gptdesk.gpt2.quantize import quantize_rows
from gptdesk.gpt2.thread_count import ThreadCount

WEIGHTS: Final = {"float32": torch.float32, "bfloat16": torch.bfloat16, "int8": torch.float32}
"""The precisions that can be decoded in, and of which dtype the network's weights must be for each."""

# A task should take long beside the 0.1 us of drawing its ticket, and be one of many, so that threads end together.
_BYTES_A_TASK: Final = 64 * 1024
_TASKS: Final = 16
_LEAST_ROWS: Final = 16
_MULTIPLE: Final = 4  # the kernel multiplies four rows at a time


class CPUDecoder:
    """Continues a text whose beginning the network has read into a `KVCache`. For one thread, of which it uses more.

    The same tokens after the same cache give the same logits bit for bit, with any number of threads.

    Args:
        model: on the CPU, of the dtype that `WEIGHTS` says; its weights must neither move nor change.
        precision: "float32", "bfloat16" or "int8".
        step: compiled for that precision.
        threads: how many to compute with at most, the calling one included (see `ThreadCount`).

    Attributes:
        precision: of the weights while decoding.
        memory: bytes that the weights take beside the network's own.
    """

    def __init__(self, model: GPT2, precision: str, step: Step, *, threads: int) -> None:
        assert model.wte.weight.dtype == WEIGHTS[precision]
        assert model.wte.weight.device.type == "cpu"
        self.precision = precision
        self._decode = step
        self._program = program = _Program(model.config, int8=precision == "int8")
        program.add_model(model)
        self.memory = program.memory
        self._vocab_size = model.config.vocab_size
        self._phases = program.phases()
        self._tickets = int(self._phases[-1, Phase.FIRST])
        self._work = np.zeros(program.work, np.float32)
        self._wte, self._wpe = _numpy(model.wte.weight), _numpy(model.wpe.weight)
        self._like = np.empty(0, {"float32": np.float32, "bfloat16": np.uint16, "int8": np.int8}[precision])
        self._epsilon = np.float32(model.config.layer_norm_epsilon)
        self._sync = np.zeros(16, np.int64)
        self._steps = 0
        self._threads = ThreadCount(threads)
        self._pool = ThreadPoolExecutor(max(1, threads - 1), thread_name_prefix="decode")  # starts them when needed

    def step(self, cache: KVCache, id: int) -> Tensor:
        """Reads one token after those that ``cache`` (float32, batch size 1) holds, and adds it to them.

        Returns the logits of the next one, (V) float32.
        """
        assert 0 <= id < self._vocab_size
        assert cache.length < cache.capacity
        logits = torch.empty(self._vocab_size)
        self._steps += 1
        arguments = (
            self._steps,
            id,
            cache.length,
            self._epsilon,
            self._phases,
            self._sync,
            self._like,
            self._wte,
            self._wpe,
            self._work,
            cache.keys[:, 0].numpy(),
            cache.values[:, 0].numpy(),
            logits.numpy(),
        )
        self._sync[Sync.DONE] = 0
        self._sync[Sync.NEXT] = self._steps << 32
        count, began = self._threads.choose(), perf_counter()
        for _ in range(count - 1):
            self._pool.submit(self._decode, True, *arguments)
        self._decode(False, *arguments)
        self._threads.took(count, perf_counter() - began)
        cache.length += 1
        return logits


class _Program:
    """Writes a model down as the table of phases that the kernel goes through.

    Attributes:
        work: float32 numbers in the workspace.
        memory: bytes of the weights that were made for it.
    """

    def __init__(self, config: GPT2Config, *, int8: bool) -> None:
        self.memory = 0
        self._int8 = int8
        # In one piece, because NumPy asks for huge pages for large arrays, and with them reading is a fifth faster.
        self._numbers = torch.from_numpy(np.empty(_matrices(config) if int8 else 0, np.int8))
        self._used = 0
        self._rows: list[dict[Phase, int]] = []
        self._tickets = 0
        self._kept: list[Tensor] = []  # what the addresses in the table point to
        width, inner = config.n_embd, config.inner_size
        self._width, self._n_head = width, config.n_head
        self._residual, self._qkv, self._heads, self._inner = 0, width, 4 * width, 5 * width
        self.work = 5 * width + inner

    def add_model(self, model: GPT2) -> None:
        self._add(Kind.EMBED, 1, {Phase.OUTPUT: self._residual})
        for layer, block in enumerate(model.h):
            assert isinstance(block, Block)
            attn, mlp = block.attn, block.mlp
            self._product(Kind.STORE, attn.c_attn, self._residual, self._qkv, norm=block.ln_1)
            heads = {Phase.LAYER: layer, Phase.COLUMNS: self._width, Phase.INPUT: self._qkv, Phase.OUTPUT: self._heads}
            self._add(Kind.ATTEND, self._n_head, heads)
            self._product(Kind.ADD, attn.c_proj, self._heads, self._residual)
            self._product(Kind.GELU, mlp.c_fc, self._residual, self._inner, norm=block.ln_2)
            self._product(Kind.ADD, mlp.c_proj, self._inner, self._residual)
        self._product(Kind.LOGITS, model.lm_head, self._residual, 0, norm=model.ln_f)

    def phases(self) -> npt.NDArray[np.int64]:
        """The table."""
        rows = [*self._rows, {Phase.FIRST: self._tickets}]
        return np.array([[row.get(column, 0) for column in Phase] for row in rows], np.int64)

    def _product(
        self, kind: Kind, linear: nn.Linear, source: int, target: int, *, norm: nn.LayerNorm | None = None
    ) -> None:
        rows, columns = linear.weight.shape
        weights, scales = linear.weight.detach().contiguous(), None
        if self._int8:
            place = self._numbers[self._used : self._used + weights.numel()].view(weights.shape)
            self._used += weights.numel()
            weights, scales = quantize_rows(weights, place)
            self.memory += weights.nbytes + scales.nbytes
        tallest = min(_BYTES_A_TASK // (columns * weights.itemsize), -(-rows // _TASKS))
        rows_a_task = -(-max(_LEAST_ROWS, tallest) // _MULTIPLE) * _MULTIPLE
        self._kept.append(weights)
        values = {
            Phase.ROWS: rows,
            Phase.COLUMNS: columns,
            Phase.ROWS_A_TASK: rows_a_task,
            Phase.WEIGHTS: weights.data_ptr(),
            Phase.SCALES: self._address(scales),
            Phase.BIAS: self._address(linear.bias),
            Phase.NORM_WEIGHT: self._address(norm.weight if norm else None),
            Phase.NORM_BIAS: self._address(norm.bias if norm else None),
            Phase.INPUT: source,
            Phase.OUTPUT: target,
        }
        self._add(kind, -(-rows // rows_a_task), values)

    def _add(self, kind: Kind, tasks: int, values: dict[Phase, int]) -> None:
        self._rows.append({Phase.FIRST: self._tickets, Phase.KIND: kind, **values})
        self._tickets += tasks

    def _address(self, vector: Tensor | None) -> int:
        """Of the vector in float32; 0 for none."""
        if vector is None:
            return 0
        self._kept.append(vector.detach().float().contiguous())
        return self._kept[-1].data_ptr()


def _matrices(config: GPT2Config) -> int:
    """Weights that a token is multiplied with."""
    layer = (4 * config.n_embd + 2 * config.inner_size) * config.n_embd
    return config.n_layer * layer + config.vocab_size * config.n_embd


def _numpy(weights: Tensor) -> npt.NDArray[Any]:
    """The same memory as an array; of bfloat16, which NumPy does not know, as uint16."""
    weights = weights.detach().contiguous()
    if weights.dtype == torch.bfloat16:
        return weights.view(torch.int16).numpy().view(np.uint16)
    return weights.numpy()
