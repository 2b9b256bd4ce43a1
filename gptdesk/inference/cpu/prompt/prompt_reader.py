"""Reads prompts with the compiled kernel: tables and memory for `prompt_kernel`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.interrupted import Interrupted
from gptdesk.inference.block_sizes import PROMPT_CHUNK
from gptdesk.inference.cpu.argument_table import ArgumentTable, aligned, of_model, whole_lines
from gptdesk.inference.cpu.in_numpy.cache import CPUCache
from gptdesk.inference.cpu.intrinsics.register_tile import TILE, block_of
from gptdesk.inference.cpu.native_code import CompiledFunction
from gptdesk.inference.cpu.prompt import thread_memory
from gptdesk.inference.cpu.step_tables import (
    SYNC_SIZE,
    Argument,
    Format,
    Job,
    Kind,
    Part,
    Phase,
    Sync,
    TokenRow,
)
from gptdesk.inference.cpu.token_rows import token_row


class Reading(NamedTuple):
    """What reading some tokens gives; the arrays are overwritten by the next call.

    Attributes:
        hidden: the network's output, (R, C), for the last R tokens, those for which it was computed.
        logits: after the last one, (V), if they were asked for.
    """

    hidden: npt.NDArray[np.float32]
    logits: npt.NDArray[np.float32]


class Program(Protocol):
    """The decode step's tables, which keep the weights that they point to.

    Attributes:
        work: float32 elements of a token's part of the workspace.
    """

    work: int

    def phases(self) -> npt.NDArray[np.int64]: ...


class PromptReader:
    """Computes many tokens of a text at a time. Called from one thread; computes with several.

    A token's results are the same bit for bit with any number of threads, and whatever other tokens are read with it.

    Args:
        config: of the model.
        read: the compiled kernel.
        program: of the model.
        threads: number of threads, including the calling one.
    """

    def __init__(self, config: GPT2Config, read: CompiledFunction, program: Program, *, threads: int) -> None:
        width = program.work + 8 * TILE.lanes  # what fills up the columns of int4's products
        self._read = read
        self._program = program
        self._phases = phases = program.phases()
        self._count = threads
        self._heads = config.n_head
        (*_, self._last_attention) = np.flatnonzero(phases[:-1, Phase.KIND] == Kind.ATTEND)
        self._token_rows = np.zeros((PROMPT_CHUNK, len(TokenRow)), np.int64)
        self._parts = np.zeros((2 * len(phases) + 2, len(Part)), np.int64)
        self._sync = np.zeros(SYNC_SIZE, np.int64)
        self._hidden = np.zeros((PROMPT_CHUNK, config.n_embd), np.float32)
        self._logits = np.zeros(config.vocab_size, np.float32)
        memory = whole_lines(thread_memory.size(width, config.n_positions, config.head_size))
        self._table = ArgumentTable(
            {
                Argument.TOKEN_ROWS: self._token_rows,
                Argument.MOST_TOKENS: PROMPT_CHUNK,
                **of_model(config),
                Argument.PHASES: phases,
                Argument.PHASE_COUNT: len(phases),
                Argument.PARTS: self._parts,
                Argument.PART_COUNT: len(self._parts),
                Argument.SYNC: self._sync,
                Argument.WORK: aligned(PROMPT_CHUNK, width),
                Argument.WORK_WIDTH: whole_lines(width),
                Argument.MEMORY: aligned(threads, memory),
                Argument.MEMORY_SIZE: memory,
                Argument.THREADS: threads,
                Argument.PACKED: aligned(PROMPT_CHUNK, thread_memory.packed_size(width)),
                Argument.TOKEN_SCALES: np.zeros(PROMPT_CHUNK, np.float32),
                Argument.HIDDEN: self._hidden,
                Argument.LOGITS: self._logits,
            }
        )
        self._steps = 0
        self._helpers: dict[int, Future[None]] = {}
        self._pool = ThreadPoolExecutor(max(1, threads - 1), thread_name_prefix="read")

    def read(
        self,
        ids: Sequence[int],
        cache: CPUCache,
        *,
        last: bool,
        outputs: bool,
        interrupted: Callable[[], bool] | None = None,
    ) -> Reading:
        """Appends up to `PROMPT_CHUNK` tokens to a text.

        Args:
            ids: of the tokens, which the model has.
            cache: of the text, float32.
            last: whether logits are computed.
            outputs: whether the output is computed for each token; else for the last one, if logits are computed, or
                for none. Of the last block the others' keys and values are computed then, and nothing else.
            interrupted: asked before each block of the network, if given.

        Raises:
            Interrupted: when ``interrupted`` returned True; the cache holds what it held before.
        """
        tokens, position = len(ids), cache.length
        assert 1 <= tokens <= PROMPT_CHUNK
        assert position + tokens <= cache.capacity
        results = tokens if outputs else int(last)
        self._token_rows[:tokens] = [token_row(cache, i, id) for i, id in enumerate(ids)]
        for group in self._groups(last, by_block=interrupted is not None):
            if interrupted is not None and interrupted():
                raise Interrupted
            self._compute(group, tokens, results)
        cache.length += tokens
        return Reading(self._hidden[:results], self._logits)

    def _groups(self, last: bool, *, by_block: bool) -> list[list[tuple[Job, int]]]:
        """What is computed, in groups; each is a job and a row of the table of phases."""
        groups: list[list[tuple[Job, int]]] = [[]]
        for row, phase in enumerate(self._phases[:-1]):
            kind = Kind(phase[Phase.KIND])
            if kind == Kind.EMBED:
                groups[-1].append((Job.EMBED, row))
            elif kind == Kind.ATTEND:
                groups[-1].append((Job.ATTEND, row))
            elif kind == Kind.LOGITS:
                groups[-1].append((Job.NORMALISE, row))
                groups[-1] += [(Job.PACK, row), (Job.MULTIPLY, row)] if last else []
            else:
                if by_block and kind == Kind.STORE and len(groups[-1]) > 1:
                    groups.append([])
                groups[-1] += [(Job.PACK, row), (Job.MULTIPLY, row)]
        return groups

    def _compute(self, group: list[tuple[Job, int]], tokens: int, results: int) -> None:
        """Computes a group for that number of tokens, and the output for the last ``results`` of them."""
        first = number = 0
        for job, row in group:
            phase = self._phases[row]
            is_head = phase[Phase.KIND] == Kind.LOGITS and job != Job.NORMALISE
            count = 1 if is_head else results if row > self._last_attention else tokens
            if not count:
                continue
            wanted = results if row >= self._last_attention else tokens
            self._parts[number] = first, job, row, tokens - count, count, wanted
            number += 1
            block = block_of(Format(phase[Phase.FORMAT]).name.lower())
            if job == Job.MULTIPLY:
                first += -(-int(phase[Phase.ROWS]) // block.rows)
            elif job == Job.ATTEND:
                first += self._heads
            else:
                first += -(-count // (block.tokens if job == Job.PACK else TILE.tokens))
        self._parts[number, Part.FIRST] = first
        self._sync[Sync.TOKENS], self._sync[Sync.THREADS] = number, self._count
        for helper in range(1, self._count):
            if helper not in self._helpers or self._helpers[helper].done():  # it stopped waiting for calls
                self._helpers[helper] = self._pool.submit(self._read, helper, self._steps, self._table)
        self._steps += 1
        self._read(0, self._steps, self._table)
