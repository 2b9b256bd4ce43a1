"""GPT-2 for many tokens of one text at a time, on a CPU, compiled by Numba.

As the decode step, it is a list of phases whose tasks threads take one after the other, and a token's results have the
same bits whatever tokens are read with it and whichever thread computes them. The tables are the decode step's; `Part`
says which phases are computed, and how many tasks they have for the tokens at hand.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import carray, njit

from gptdesk.inference.cpu.intrinsics.register_tile import MATRIX_WEIGHTS, TILE, block_of
from gptdesk.inference.cpu.intrinsics.scalars import float32_pointer, int64_pointer
from gptdesk.inference.cpu.intrinsics.threads import add_one
from gptdesk.inference.cpu.layer_kernels import embed, normalise
from gptdesk.inference.cpu.prompt.attention import attend
from gptdesk.inference.cpu.prompt.products import multiply_panel, pack_input
from gptdesk.inference.cpu.step_tables import SYNC_SIZE, Argument, Format, Job, Kind, Part, Phase, Sync, TokenRow
from gptdesk.inference.cpu.tasks import await_step, begin, end, take_task, wait

if MATRIX_WEIGHTS:
    from gptdesk.inference.cpu.prompt.matrix_products import make_multiply_panel, make_pack


def _choose_functions(weights: str) -> tuple[Any, Any]:
    """Those that pack the input of a product and multiply a panel."""
    if weights in MATRIX_WEIGHTS:
        return make_pack(weights), make_multiply_panel(weights)
    return pack_input, multiply_panel


_pack_for_int8, _multiply_int8 = _choose_functions("int8")
_pack_for_bfloat16, _multiply_bfloat16 = _choose_functions("bfloat16")

_FIRST: Final = int(Part.FIRST)
_JOB: Final = int(Part.JOB)
_PHASE: Final = int(Part.PHASE)
_TOKEN: Final = int(Part.TOKEN)
_TOKENS: Final = int(Part.TOKENS)
_RESULTS: Final = int(Part.RESULTS)
_EMBED: Final = int(Job.EMBED)
_PACK: Final = int(Job.PACK)
_MULTIPLY: Final = int(Job.MULTIPLY)
_ATTEND: Final = int(Job.ATTEND)
_COLUMNS: Final = int(Phase.COLUMNS)
_FORMAT: Final = int(Phase.FORMAT)
_LAYER: Final = int(Phase.LAYER)
_SCALES: Final = int(Phase.SCALES)
_NORM_WEIGHT: Final = int(Phase.NORM_WEIGHT)
_NORM_BIAS: Final = int(Phase.NORM_BIAS)
_INPUT: Final = int(Phase.INPUT)
_OUTPUT: Final = int(Phase.OUTPUT)
_KIND: Final = int(Phase.KIND)
_LOGITS: Final = int(Kind.LOGITS)
_INT8: Final = int(Format.INT8)
_BFLOAT16: Final = int(Format.BFLOAT16)
_DONE: Final = int(Sync.DONE)
_KEYS: Final = int(TokenRow.KEYS)
_VALUES: Final = int(TokenRow.VALUES)
_POSITION: Final = int(TokenRow.POSITION)
_COUNT: Final = int(Sync.TOKENS)
_TOKEN_ROWS: Final = int(Argument.TOKEN_ROWS)
_MOST_TOKENS: Final = int(Argument.MOST_TOKENS)
_LAYERS: Final = int(Argument.LAYERS)
_HEADS: Final = int(Argument.HEADS)
_POSITIONS: Final = int(Argument.POSITIONS)
_HEAD_SIZE: Final = int(Argument.HEAD_SIZE)
_EPSILON: Final = int(Argument.EPSILON)
_PHASES: Final = int(Argument.PHASES)
_PHASE_COUNT: Final = int(Argument.PHASE_COUNT)
_PARTS: Final = int(Argument.PARTS)
_PART_COUNT: Final = int(Argument.PART_COUNT)
_SYNC: Final = int(Argument.SYNC)
_WORK: Final = int(Argument.WORK)
_WORK_WIDTH: Final = int(Argument.WORK_WIDTH)
_MEMORY: Final = int(Argument.MEMORY)
_MEMORY_SIZE: Final = int(Argument.MEMORY_SIZE)
_THREADS: Final = int(Argument.THREADS)
_PACKED: Final = int(Argument.PACKED)
_TOKEN_SCALES: Final = int(Argument.TOKEN_SCALES)
_HIDDEN: Final = int(Argument.HIDDEN)
_LOGITS_AT: Final = int(Argument.LOGITS)
_ARGUMENTS: Final = len(Argument)
_TOKEN_COLUMNS: Final = len(TokenRow)
_PHASE_COLUMNS: Final = len(Phase)
_PART_COLUMNS: Final = len(Part)
_SYNC_SIZE: Final = int(SYNC_SIZE)
_TILE: Final = TILE.tokens
_PACKED_TILE: Final = tuple(block_of(kind.name.lower()).tokens for kind in Format)
_ROWS: Final = TILE.rows

_MOST_NAPS: Final = 200
"""Naps after which a helper thread stops waiting for the next chunk of a prompt: 10 ms on Linux, more than lies between
two chunks. After a prompt tokens are decoded, and whoever naps takes time from that again and again."""


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
def _attend_head(phase, head, token_rows, results, cache_shape, work, memory):
    """Writes the keys and values of a head into the cache, and its attention output for the last ``results`` tokens
    into the workspace."""
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
    if not results:
        return
    scale = carray(float32_pointer(phase[_SCALES]), (1,))[0]
    stride, others = 4 * work.shape[1], tokens - results
    start, first = _address(work) + others * stride, first + others
    attend(keys_at, values_at, first, results, size, scale, start + 4 * at, stride, start + 4 * to, memory)


@njit
def _compute(
    job,
    phase,
    task,
    token_rows,
    results,
    cache_shape,
    epsilon,
    work,
    packed,
    token_scales,
    memory,
    threads,
    hidden,
    logits,
):
    """Does a task of a part, for its tokens; ``packed``, ``hidden``, ``logits`` and ``memory`` are addresses."""
    if job == _ATTEND:
        _attend_head(phase, task, token_rows, results, cache_shape, work, memory)
        return
    tokens, width = len(token_rows), work.shape[1]
    if job == _MULTIPLY:
        is_head = phase[_KIND] == _LOGITS
        out = logits if is_head else _address(work) + 4 * phase[_OUTPUT]
        panel, scratch = memory, memory + 4 * _ROWS * width
        following = task + threads
        if phase[_FORMAT] == _INT8:
            _multiply_int8(phase, task, following, tokens, packed, token_scales, out, 4 * width, panel, scratch)
        elif phase[_FORMAT] == _BFLOAT16:
            _multiply_bfloat16(phase, task, following, tokens, packed, token_scales, out, 4 * width, panel, scratch)
        else:
            multiply_panel(phase, task, following, tokens, packed, token_scales, out, 4 * width, panel, scratch)
        return
    tile = _PACKED_TILE[phase[_FORMAT]] if job == _PACK else _TILE
    first, last = task * tile, min((task + 1) * tile, tokens)
    columns = phase[_COLUMNS]
    if job == _EMBED:
        embed(phase, token_rows[first:last], work[first:last])
        return
    x, x_bytes = _address(work) + 4 * (first * width + phase[_INPUT]), 4 * width
    if job != _PACK:
        _normalise_rows(phase, last - first, x, x_bytes, epsilon, hidden + 4 * first * columns)
        return
    if phase[_NORM_WEIGHT]:
        _normalise_rows(phase, last - first, x, x_bytes, epsilon, memory)
        x, x_bytes = memory, 4 * columns
    scratch = memory + 4 * tile * width
    if phase[_FORMAT] == _INT8:
        _pack_for_int8(phase, task, tokens, x, x_bytes, packed, token_scales, scratch)
    elif phase[_FORMAT] == _BFLOAT16:
        _pack_for_bfloat16(phase, task, tokens, x, x_bytes, packed, token_scales, scratch)
    else:
        pack_input(phase, task, tokens, x, x_bytes, packed, token_scales, scratch)


def read(thread, step, arguments):
    """Computes some parts and returns (thread 0); or takes part in this and later calls, until none comes for long.

    The tokens are of one text and follow each other. ``sync`` has the number of parts in place of that of tokens.

    Args:
        thread: 0 for the one that starts the call and returns its result; helper threads count from 1.
        step: number of the call, larger than all before.
        arguments: address of a `ArgumentTable`; `thread_memory.size` says what a thread needs.
    """
    table = carray(int64_pointer(arguments), (_ARGUMENTS,))
    most, threads = table[_MOST_TOKENS], table[_THREADS]
    token_rows = carray(int64_pointer(table[_TOKEN_ROWS]), (most, _TOKEN_COLUMNS))
    cache_shape = (table[_LAYERS], table[_HEADS], table[_POSITIONS], table[_HEAD_SIZE])
    epsilon = carray(float32_pointer(table[_EPSILON]), (1,))[0]
    phases = carray(int64_pointer(table[_PHASES]), (table[_PHASE_COUNT], _PHASE_COLUMNS))
    parts = carray(int64_pointer(table[_PARTS]), (table[_PART_COUNT], _PART_COLUMNS))
    sync = carray(int64_pointer(table[_SYNC]), (_SYNC_SIZE,))
    work = carray(float32_pointer(table[_WORK]), (most, table[_WORK_WIDTH]))
    token_scales = carray(float32_pointer(table[_TOKEN_SCALES]), (most,))
    packed, hidden, logits = table[_PACKED], table[_HIDDEN], table[_LOGITS_AT]
    mine = table[_MEMORY] + 4 * thread * table[_MEMORY_SIZE]
    if not thread:
        begin(sync, step)
    while True:
        if thread:
            step = await_step(sync, thread, step, _MOST_NAPS)
            if step < 0:
                return
        tasks = parts[sync[_COUNT], _FIRST]
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
                part[_RESULTS],
                cache_shape,
                epsilon,
                work[first:last],
                packed,
                token_scales,
                mine,
                threads,
                hidden,
                logits,
            )
            add_one(sync, _DONE)
        if not thread:
            wait(sync, tasks)
            end(sync, step)
            return
