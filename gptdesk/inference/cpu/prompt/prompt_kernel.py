"""GPT-2 for many tokens of one text at a time, on a CPU, compiled by Numba.

As the decode step, it is a list of phases whose tasks threads take one after the other, and a token's results have the
same bits whatever tokens are read with it and whichever thread computes them. The tables are the decode step's; `Part`
says which phases are computed, and how many tasks they have for the tokens at hand.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numba import carray, njit

from gptdesk.inference.cpu.kernel_intrinsics import float32_pointer
from gptdesk.inference.cpu.layer_kernels import embed, normalise
from gptdesk.inference.cpu.prompt.attention import attend
from gptdesk.inference.cpu.prompt.products import multiply_panel, pack_input
from gptdesk.inference.cpu.prompt.register_tile import TILE
from gptdesk.inference.cpu.step_tables import Kind, Phase, Sync, TokenRow
from gptdesk.inference.cpu.tasks import await_step, begin, end, take_task, wait
from gptdesk.inference.cpu.thread_intrinsics import add_one


class Part(IntEnum):
    """Columns of the table of parts, int64: what a call computes."""

    FIRST = 0  # number of the first task; in the row after the last part, the number of all tasks
    JOB = 1
    PHASE = 2  # row in the table of phases
    TOKEN = 3  # the first one
    TOKENS = 4


class Job(IntEnum):
    """Kinds of parts."""

    EMBED = 0  # a tile of tokens a task
    PACK = 1  # the input of a product, after its layer norm if it has one; a tile a task
    MULTIPLY = 2  # a panel of rows a task
    ATTEND = 3  # a head a task
    NORMALISE = 4  # the layer norm of the phase, as the result; a tile a task


_FIRST: Final = int(Part.FIRST)
_JOB: Final = int(Part.JOB)
_PHASE: Final = int(Part.PHASE)
_TOKEN: Final = int(Part.TOKEN)
_TOKENS: Final = int(Part.TOKENS)
_EMBED: Final = int(Job.EMBED)
_PACK: Final = int(Job.PACK)
_MULTIPLY: Final = int(Job.MULTIPLY)
_ATTEND: Final = int(Job.ATTEND)
_COLUMNS: Final = int(Phase.COLUMNS)
_LAYER: Final = int(Phase.LAYER)
_SCALES: Final = int(Phase.SCALES)
_NORM_WEIGHT: Final = int(Phase.NORM_WEIGHT)
_NORM_BIAS: Final = int(Phase.NORM_BIAS)
_INPUT: Final = int(Phase.INPUT)
_OUTPUT: Final = int(Phase.OUTPUT)
_KIND: Final = int(Phase.KIND)
_LOGITS: Final = int(Kind.LOGITS)
_DONE: Final = int(Sync.DONE)
_KEYS: Final = int(TokenRow.KEYS)
_VALUES: Final = int(TokenRow.VALUES)
_POSITION: Final = int(TokenRow.POSITION)
_PARTS: Final = int(Sync.TOKENS)
_TILE: Final = TILE.tokens
_ROWS: Final = TILE.rows


@njit
def _address(numbers):
    return np.int64(numbers.ctypes.data)


@njit
def _normalise_rows(phase, count, x, x_bytes, epsilon, out):
    """The layer norm of a product's phase of ``count`` rows from address x on, to address ``out``."""
    columns = phase[_COLUMNS]
    weight = carray(float32_pointer(phase[_NORM_WEIGHT]), (columns,))
    biased = phase[_NORM_BIAS] != 0
    bias = carray(float32_pointer(phase[_NORM_BIAS] if biased else phase[_NORM_WEIGHT]), (columns,))
    for token in range(count):
        row = carray(float32_pointer(x + token * x_bytes), (columns,))
        normalise(row, weight, bias, biased, epsilon, carray(float32_pointer(out + 4 * token * columns), (columns,)))


@njit
def _attend_head(phase, head, token_rows, cache_shape, work, memory):
    """Writes the keys and values of a head into the cache, and its attention output into the workspace."""
    _, heads, positions, size = cache_shape
    width, offset = phase[_COLUMNS], 4 * (phase[_LAYER] * heads + head) * positions * size
    at, to = phase[_INPUT] + head * size, phase[_OUTPUT] + head * size
    keys_at, values_at = token_rows[0, _KEYS] + offset, token_rows[0, _VALUES] + offset
    keys = carray(float32_pointer(keys_at), (positions, size))
    values = carray(float32_pointer(values_at), (positions, size))
    first, tokens = token_rows[0, _POSITION], len(token_rows)
    for token in range(tokens):
        for d in range(size):
            keys[first + token, d] = work[token, at + width + d]
            values[first + token, d] = work[token, at + 2 * width + d]
    scale = carray(float32_pointer(phase[_SCALES]), (1,))[0]
    stride, start = 4 * work.shape[1], _address(work)
    attend(keys_at, values_at, first, tokens, size, scale, start + 4 * at, stride, start + 4 * to, memory)


@njit
def _compute(
    job, phase, task, token_rows, cache_shape, epsilon, work, packed, token_scales, memory, threads, hidden, logits
):
    """Does a task of a part, for its tokens; ``memory`` is the address of the thread's own."""
    if job == _ATTEND:
        _attend_head(phase, task, token_rows, cache_shape, work, memory)
        return
    tokens, width = len(token_rows), work.shape[1]
    if job == _MULTIPLY:
        is_head = phase[_KIND] == _LOGITS
        out = _address(logits) if is_head else _address(work) + 4 * phase[_OUTPUT]
        panel, scratch = memory, memory + 4 * _ROWS * width
        following = task + threads
        x = _address(packed)
        multiply_panel(phase, task, following, tokens, x, token_scales, out, 4 * width, panel, scratch)
        return
    first, last = task * _TILE, min((task + 1) * _TILE, tokens)
    columns = phase[_COLUMNS]
    if job == _EMBED:
        embed(phase, token_rows[first:last], work[first:last])
        return
    x, x_bytes = _address(work) + 4 * (first * width + phase[_INPUT]), 4 * width
    if job != _PACK:
        _normalise_rows(phase, last - first, x, x_bytes, epsilon, _address(hidden) + 4 * first * columns)
        return
    if phase[_NORM_WEIGHT]:
        _normalise_rows(phase, last - first, x, x_bytes, epsilon, memory)
        x, x_bytes = memory, 4 * columns
    pack_input(phase, task, tokens, x, x_bytes, _address(packed), token_scales, memory + 4 * _TILE * width)


def read(
    thread, step, token_rows, cache_shape, epsilon, phases, parts, sync,
    work, packed, token_scales, memory, hidden, logits,
):  # fmt: skip
    """Computes some parts and returns (thread 0); or takes part in this and later calls, until none comes for long.

    Args:
        thread: 0 for the one that starts the call and returns its result; helper threads count from 1.
        step: number of the call, larger than all before.
        token_rows: (T or more, len(TokenRow)) int64, tokens of one text that follow each other.
        cache_shape: n_layer, nh, n_positions and hs of every cache.
        epsilon: of the layer norms, float32.
        phases: (P + 1, len(Phase)) int64, the decode step's.
        parts: (many, len(Part)) int64; ``sync`` has their number in place of the number of tokens.
        sync: see `Sync`.
        work: (T or more, W) float32, as the decode step's.
        packed: (many) float32, the input of a product.
        token_scales: (T or more) float32.
        memory: (threads, many) float32, see `thread_memory.size`.
        hidden: (T or more, C) float32: the final layer norm's output.
        logits: (V) float32, after the last token.
    """
    mine = _address(memory) + 4 * thread * memory.shape[1]
    if not thread:
        begin(sync, step)
    while True:
        if thread:
            step = await_step(sync, thread, step)
            if step < 0:
                return
        tasks = parts[sync[_PARTS], _FIRST]
        number = 0
        while True:
            task = take_task(sync, step, tasks)
            if task < 0:
                break
            while task >= parts[number + 1, _FIRST]:
                number += 1
            part = parts[number]
            first, last = part[_TOKEN], part[_TOKEN] + part[_TOKENS]
            wait(sync, part[_FIRST])
            _compute(
                part[_JOB],
                phases[part[_PHASE]],
                task - part[_FIRST],
                token_rows[first:last],
                cache_shape,
                epsilon,
                work[first:last],
                packed,
                token_scales,
                mine,
                memory.shape[0],
                hidden,
                logits,
            )
            add_one(sync, _DONE)
        if not thread:
            wait(sync, tasks)
            end(sync, step)
            return
