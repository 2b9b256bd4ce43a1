"""The compiled CPU decoder, many times faster than the network in NumPy: tables and memory for `decode_kernel`.

It computes what the network computes, with the network's own weights in place and its key-value cache. What quantised
weights are multiplied with is rounded to 16 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter
from typing import Final

import numpy as np
import numpy.typing as npt

from gptdesk.gpt2.layout import EMBEDDING, POSITIONS
from gptdesk.inference.block_sizes import MAX_BATCH
from gptdesk.inference.cpu.argument_table import ArgumentTable, aligned, of_model, whole_lines
from gptdesk.inference.cpu.compiling import CompiledStep
from gptdesk.inference.cpu.group_size import GROUP
from gptdesk.inference.cpu.in_numpy.cache import CPUCache
from gptdesk.inference.cpu.prompt.prompt_reader import PromptReader
from gptdesk.inference.cpu.step_tables import SYNC_SIZE, Argument, Format, Kind, Phase, Sync, TokenRow
from gptdesk.inference.cpu.thread_count import ThreadCount
from gptdesk.inference.cpu.token_rows import token_row
from gptdesk.inference.cpu.weights import Weights

# Memory reads are slow at the start of a task, and threads that finish at different times wait for each other: so the
# first tasks of a phase are long, and the last ones short.
_SHARE: Final = 2  # a task is 1 / (_SHARE * threads) of the remaining rows
_LEAST_BYTES: Final = 32 * 1024
_MULTIPLE: Final = 4  # the kernel multiplies four rows at a time

_PAUSE_S: Final = 0.1
"""Between two steps: the later one begins another completion, say."""

_FORMATS: Final = {
    np.dtype(np.float32): Format.FLOAT32,
    np.dtype(np.uint16): Format.BFLOAT16,
    np.dtype(np.int8): Format.INT8,
    np.dtype(np.uint8): Format.INT4,
}


class CPUDecoder:
    """Decodes after prompts that the network has read into a `CPUCache`. Called from one thread; computes with several.

    The same tokens after the same cache give the same logits bit for bit, with any number of threads, and whatever
    other tokens the step processes.

    Args:
        weights: of the model; must not change.
        step: the compiled kernel.
        threads: largest number of threads, including the calling one (see `ThreadCount`).

    Attributes:
        precision: of the weights.
        backend: "numba".
        max_batch: most tokens of a step.
        reader: reads prompts.
    """

    backend: Final = "numba"
    max_batch: Final = MAX_BATCH

    def __init__(self, weights: Weights, step: CompiledStep, *, threads: int) -> None:
        config = weights.config
        self.precision = weights.precision
        self._decode = step.decode
        self._program = program = _Program(weights, threads)
        self._vocab_size = config.vocab_size
        self._token_rows = np.zeros((MAX_BATCH, len(TokenRow)), np.int64)
        self._logits = np.zeros((MAX_BATCH, config.vocab_size), np.float32)
        self._sync = np.zeros(SYNC_SIZE, np.int64)
        phases, bounds = program.phases(), program.bounds()
        memory = decode_memory(program.work, config.n_positions, int(np.diff(bounds).max()))
        self._table = ArgumentTable(
            {
                Argument.TOKEN_ROWS: self._token_rows,
                Argument.MOST_TOKENS: MAX_BATCH,
                **of_model(config),
                Argument.PHASES: phases,
                Argument.PHASE_COUNT: len(phases),
                Argument.BOUNDS: bounds,
                Argument.BOUND_COUNT: len(bounds),
                Argument.SYNC: self._sync,
                Argument.WORK: np.zeros((MAX_BATCH, program.work), np.float32),
                Argument.WORK_WIDTH: program.work,
                Argument.MEMORY: aligned(threads, memory),
                Argument.MEMORY_SIZE: memory,
                Argument.THREADS: threads,
                Argument.LOGITS: self._logits,
            }
        )
        self._steps = 0
        self.reader = PromptReader(config, step.read, program, threads=threads)
        self._threads = [ThreadCount(threads) for _ in range(MAX_BATCH)]  # by the number of tokens
        self._ended = 0.0  # when the last step did
        self._helpers: dict[int, Future[None]] = {}
        self._pool = ThreadPoolExecutor(max(1, threads - 1), thread_name_prefix="decode")  # starts them when needed

    def steps(self, texts: Sequence[tuple[CPUCache, Sequence[int]]]) -> list[npt.NDArray[np.float32]]:
        """Appends tokens, at most `MAX_BATCH` in all, to each of several texts: a float32 cache and its new ids.

        Returns for each text the logits after each of its new tokens, (T, V) float32.
        """
        rows = [token_row(cache, i, id) for cache, ids in texts for i, id in enumerate(ids)]
        assert 1 <= len(rows) <= MAX_BATCH
        assert all(cache.length + len(ids) <= cache.capacity for cache, ids in texts)
        self._token_rows[: len(rows)] = rows
        assert self._token_rows[: len(rows), TokenRow.ID].min() >= 0
        assert self._token_rows[: len(rows), TokenRow.ID].max() < self._vocab_size
        self._compute(len(rows))
        for cache, ids in texts:
            cache.length += len(ids)
        logits = self._logits[: len(rows)].copy()
        return np.split(logits, np.cumsum([len(ids) for _, ids in texts[:-1]]))

    def _compute(self, tokens: int) -> None:
        """Runs a step, which writes the logits of that number of tokens."""
        threads, began = self._threads[tokens - 1], perf_counter()
        if began - self._ended > _PAUSE_S:
            for one in self._threads:
                one.resume()
        count = threads.choose()
        self._sync[Sync.TOKENS], self._sync[Sync.THREADS] = tokens, count
        for number in range(1, count):
            if number not in self._helpers or self._helpers[number].done():  # it stopped waiting for steps
                self._helpers[number] = self._pool.submit(self._decode, number, self._steps, self._table)
        self._steps += 1
        self._decode(0, self._steps, self._table)
        self._ended = perf_counter()
        threads.took(self._ended - began)


def decode_memory(width: int, positions: int, rows: int) -> int:
    """float32 elements that a thread of `decode_kernel.decode` needs, in whole cache lines.

    Args:
        width: of the workspace.
        positions: of a context.
        rows: the most of a task.
    """
    normalised, rounded, offsets, factor = width, width // 2, width // GROUP, 1
    results = -(-rows // _MULTIPLE) * _MULTIPLE
    return whole_lines(MAX_BATCH * (normalised + rounded + offsets + factor + results) + positions + 4)


class _Program:
    """Translates a model to the kernel's table of phases.

    Attributes:
        work: float32 elements of a token's part of the workspace.
    """

    def __init__(self, weights: Weights, threads: int) -> None:
        self._weights = weights  # whose memory addresses in the table point to
        self._threads = threads
        self._rows: list[dict[Phase, int]] = []
        self._bounds: list[int] = []
        self._tasks = 0
        self._scales: list[npt.NDArray[np.float32]] = []  # of attention; the table has their addresses
        config = weights.config
        width = config.n_embd
        self._activation = config.activation.case
        residual, qkv, heads, inner = 0, width, 4 * width, 5 * width
        self.work = -(-(inner + config.inner_size) // GROUP) * GROUP
        place = {Phase.COLUMNS: width, Phase.BIAS: self._vector(POSITIONS), Phase.OUTPUT: residual}
        self._add(Kind.EMBED, [0, 1], {**place, **self._matrix(EMBEDDING)})
        for layer in range(config.n_layer):
            block = f"h.{layer}"
            self._product(Kind.STORE, f"{block}.attn.c_attn", residual, qkv, norm=f"{block}.ln_1")
            self._scales.append(np.array([config.attention_scale(layer)], np.float32))
            scale = self._scales[-1].ctypes.data
            attend = {Phase.LAYER: layer, Phase.COLUMNS: width, Phase.INPUT: qkv, Phase.OUTPUT: heads}
            self._add(Kind.ATTEND, self._split(config.n_head, 1, 1), {**attend, Phase.SCALES: scale})
            self._product(Kind.ADD, f"{block}.attn.c_proj", heads, residual)
            self._product(Kind.ACTIVATE, f"{block}.mlp.c_fc", residual, inner, norm=f"{block}.ln_2")
            self._product(Kind.ADD, f"{block}.mlp.c_proj", inner, residual)
        self._product(Kind.LOGITS, "lm_head", residual, 0, norm="ln_f")

    def phases(self) -> npt.NDArray[np.int64]:
        """The table, (P + 1, len(Phase))."""
        rows = [*self._rows, {Phase.FIRST: self._tasks}]
        return np.array([[row.get(column, 0) for column in Phase] for row in rows], np.int64)

    def bounds(self) -> npt.NDArray[np.int64]:
        """Bounds of the tasks of all phases."""
        return np.array(self._bounds, np.int64)

    def _product(
        self,
        kind: Kind,
        layer: str,
        source: int,
        target: int,
        *,
        norm: str = "",
    ) -> None:
        name = f"{layer}.weight"
        rows, columns = self._weights.matrix(name).rows, self._weights.matrix(name).columns
        matrix = self._matrix(name)
        values = {
            Phase.ROWS: rows,
            Phase.COLUMNS: columns,
            **matrix,
            Phase.BIAS: self._vector(f"{layer}.bias"),
            Phase.NORM_WEIGHT: self._vector(f"{norm}.weight"),
            Phase.NORM_BIAS: self._vector(f"{norm}.bias"),
            Phase.INPUT: source,
            Phase.OUTPUT: target,
            Phase.ACTIVATION: self._activation,
        }
        least = max(_MULTIPLE, _LEAST_BYTES // matrix[Phase.ROW_BYTES])
        self._add(kind, self._split(rows, least, _MULTIPLE), values)

    def _matrix(self, name: str) -> dict[Phase, int]:
        """Columns that describe a matrix: format, weights, scales."""
        values, scales, _ = self._weights.matrix(name)
        return {
            Phase.FORMAT: _FORMATS[values.dtype],
            Phase.WEIGHTS: values.ctypes.data,
            Phase.SCALES: 0 if scales is None else scales.ctypes.data,
            Phase.ROW_BYTES: values[0].nbytes,
        }

    def _split(self, rows: int, least: int, multiple: int) -> list[int]:
        """Bounds of the tasks of ``rows`` rows: each task a share of the remaining rows, at least ``least``."""
        bounds = [0]
        while bounds[-1] < rows:
            count = max(least, (rows - bounds[-1]) // (_SHARE * self._threads))
            bounds.append(min(rows, bounds[-1] + -(-count // multiple) * multiple))
        return bounds

    def _add(self, kind: Kind, bounds: list[int], values: dict[Phase, int]) -> None:
        place = {Phase.FIRST: self._tasks, Phase.BOUNDS: len(self._bounds)}
        self._rows.append({Phase.KIND: kind, **place, **values})
        self._bounds += bounds
        self._tasks += len(bounds) - 1

    def _vector(self, name: str) -> int:
        """Address of a vector; 0 where the model has none of that name."""
        values = self._weights.vector(name)
        return 0 if values is None else values.ctypes.data
