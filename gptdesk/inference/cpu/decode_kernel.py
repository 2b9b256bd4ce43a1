"""The decode step of GPT-2 on a CPU, compiled by Numba: processes a few tokens, of one text or of several, in one pass.

A step is a list of phases that run one after the other (a matrix times vectors, the attention of a layer). A phase is a
number of independent tasks (some rows, one head). Tasks are numbered through all phases; each thread takes the next
number, and starts its task when all tasks of earlier phases are done. So no thread waits for one that has not arrived:
those that are there do the work, and a late one finds no task left. Which thread does a task changes no bit of the
result, nor do the tokens beside it: each weight is read once for all of them, but every sum is taken as for one token.

The list is a table of integers (`Phase`), so that one compilation serves models of any shape and precision.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import carray, njit

from gptdesk.inference.cpu.activation_kernels import activate, exp
from gptdesk.inference.cpu.dots.products import multiply_keys, multiply_rows, round_input
from gptdesk.inference.cpu.group_size import GROUP
from gptdesk.inference.cpu.intrinsics.scalars import (
    float32_pointer,
    int16_pointer,
    int32_pointer,
    int64_pointer,
    prefetch,
)
from gptdesk.inference.cpu.intrinsics.threads import add_one
from gptdesk.inference.cpu.layer_kernels import embed, normalise
from gptdesk.inference.cpu.step_tables import SYNC_SIZE, Argument, Kind, Phase, Sync, TokenRow
from gptdesk.inference.cpu.tasks import await_step, begin, take_task, wait

# Numba accepts module-level integers as constants everywhere, members of an enumeration not.
_FIRST = int(Phase.FIRST)
_KIND = int(Phase.KIND)
_LAYER = int(Phase.LAYER)
_ROWS = int(Phase.ROWS)
_COLUMNS = int(Phase.COLUMNS)
_BOUNDS = int(Phase.BOUNDS)
_WEIGHTS = int(Phase.WEIGHTS)
_SCALES = int(Phase.SCALES)
_BIAS = int(Phase.BIAS)
_NORM_WEIGHT = int(Phase.NORM_WEIGHT)
_NORM_BIAS = int(Phase.NORM_BIAS)
_INPUT = int(Phase.INPUT)
_OUTPUT = int(Phase.OUTPUT)
_ROW_BYTES = int(Phase.ROW_BYTES)
_ACTIVATION = int(Phase.ACTIVATION)
_EMBED = int(Kind.EMBED)
_ATTEND = int(Kind.ATTEND)
_ADD = int(Kind.ADD)
_ACTIVATE = int(Kind.ACTIVATE)
_LOGITS = int(Kind.LOGITS)
_POSITION = int(TokenRow.POSITION)
_KEYS = int(TokenRow.KEYS)
_VALUES = int(TokenRow.VALUES)
_DONE = int(Sync.DONE)
_TOKENS = int(Sync.TOKENS)
_TOKEN_ROWS = int(Argument.TOKEN_ROWS)
_MOST_TOKENS = int(Argument.MOST_TOKENS)
_LAYERS = int(Argument.LAYERS)
_HEADS = int(Argument.HEADS)
_POSITIONS = int(Argument.POSITIONS)
_HEAD_SIZE = int(Argument.HEAD_SIZE)
_EPSILON = int(Argument.EPSILON)
_PHASES = int(Argument.PHASES)
_PHASE_COUNT = int(Argument.PHASE_COUNT)
_ALL_BOUNDS = int(Argument.BOUNDS)
_BOUND_COUNT = int(Argument.BOUND_COUNT)
_SYNC = int(Argument.SYNC)
_WORK = int(Argument.WORK)
_WORK_WIDTH = int(Argument.WORK_WIDTH)
_MEMORY = int(Argument.MEMORY)
_MEMORY_SIZE = int(Argument.MEMORY_SIZE)
_LOGITS_AT = int(Argument.LOGITS)
_VOCABULARY = int(Argument.VOCABULARY)
_ARGUMENTS = len(Argument)
_TOKEN_COLUMNS = len(TokenRow)
_PHASE_COLUMNS = len(Phase)
_SYNC_SIZE = int(SYNC_SIZE)

_MOST_NAPS: Final = 1000
"""Naps after which a helper thread stops waiting for the next step: a tenth of a second on Linux."""

_BEGINNING: Final = 8192
"""Bytes of a task's weights, keys or values that are prefetched while earlier tasks are waited for."""

# Sums may be taken in any order, so that they are computed in vectors; infinities and NaN stay what they are.
_SUMS: Final = {"reassoc", "contract", "nsz"}


# --- Attention ---


@njit(fastmath={"reassoc", "nnan", "nsz"})
def _largest(x, length):
    largest = x[0]
    for i in range(1, length):
        largest = x[i] if x[i] > largest else largest
    return largest


@njit(fastmath=_SUMS)
def _attend(values, length, scale, scores, y):
    """softmax(scale * scores) @ values for one head: keys @ q in scores, y (hs), values (length or more, hs)."""
    size = len(y)
    largest = _largest(scores, length)
    total = np.float32(0)
    for i in range(length):
        scores[i] = exp((scores[i] - largest) * scale)
        total += scores[i]
    for d in range(size):
        y[d] = np.float32(0)
    whole = length // 4 * 4
    for i in range(0, whole, 4):
        v0, v1, v2, v3 = values[i], values[i + 1], values[i + 2], values[i + 3]
        p0, p1, p2, p3 = scores[i], scores[i + 1], scores[i + 2], scores[i + 3]
        for d in range(size):
            y[d] += p0 * v0[d] + p1 * v1[d] + p2 * v2[d] + p3 * v3[d]
    for i in range(whole, length):
        v0, p0 = values[i], scores[i]
        for d in range(size):
            y[d] += p0 * v0[d]
    for d in range(size):
        y[d] /= total


# --- The step ---


@njit
def _prefetch_task(phase, first, token_rows, cache_shape):
    """Prefetches the first weights of a task, or keys and values, before waiting for earlier tasks."""
    if phase[_KIND] == _ATTEND:
        _, heads, positions, size = cache_shape
        offset = 4 * (phase[_LAYER] * heads + first) * positions * size
        for token in range(len(token_rows)):
            for byte in range(0, min(_BEGINNING, 4 * size * token_rows[token, _POSITION]), 64):
                prefetch(token_rows[token, _KEYS] + offset + byte)
                prefetch(token_rows[token, _VALUES] + offset + byte)
    elif phase[_KIND] != _EMBED:
        start = phase[_WEIGHTS] + first * phase[_ROW_BYTES]
        for byte in range(0, _BEGINNING, 64):
            prefetch(start + byte)


@njit
def _attend_head(phase, head, token_rows, cache_shape, work, scores):
    """Writes the new keys and values of a head into the caches, and its attention output into the workspace."""
    _, heads, positions, size = cache_shape
    layer, width = phase[_LAYER], phase[_COLUMNS]
    at = phase[_INPUT] + head * size  # queries, keys and values of all heads follow each other
    to = phase[_OUTPUT] + head * size
    offset = 4 * (layer * heads + head) * positions * size
    scale = carray(float32_pointer(phase[_SCALES]), (1,))[0]
    for token in range(len(token_rows)):
        position = token_rows[token, _POSITION]
        keys = carray(float32_pointer(token_rows[token, _KEYS] + offset), (positions, size))
        values = carray(float32_pointer(token_rows[token, _VALUES] + offset), (positions, size))
        mine = work[token : token + 1]
        for d in range(size):
            keys[position, d] = mine[0, at + width + d]
            values[position, d] = mine[0, at + 2 * width + d]
        length, q = position + 1, mine[:, at : at + size]
        multiply_keys(keys, length, q, scores)
        _attend(values, length, scale, scores[0], mine[0, to : to + size])


@njit
def _multiply(phase, first, last, x, rounded, factors, offsets, products, work, logits):
    """Rows ``first`` ... ``last`` of a product; ``products`` is the address of memory for the results."""
    kind, rows = phase[_KIND], phase[_ROWS]
    count, tokens = last - first, len(x)
    y = carray(float32_pointer(products), (tokens, -(-count // 4) * 4))
    multiply_rows(phase, first, last, x, rounded, factors, offsets, y)
    if phase[_BIAS]:
        bias = carray(float32_pointer(phase[_BIAS]), (rows,))
        for token in range(tokens):
            for i in range(count):
                y[token, i] += bias[first + i]
    start = phase[_OUTPUT] + first
    for token in range(tokens):
        out = logits[token, first:last] if kind == _LOGITS else work[token, start : start + count]
        mine = y[token]
        if kind == _ADD:
            for i in range(count):
                out[i] += mine[i]
        elif kind == _ACTIVATE:
            activate(phase[_ACTIVATION], mine, out)
        else:
            for i in range(count):
                out[i] = mine[i]


@njit
def _input(phase, tokens, work, epsilon, normalised):
    """The input vectors of a product, after its layer norm if it has one; each thread computes that for itself."""
    columns, start = phase[_COLUMNS], phase[_INPUT]
    x = work[:tokens, start : start + columns]
    if not phase[_NORM_WEIGHT]:
        return x
    weight = carray(float32_pointer(phase[_NORM_WEIGHT]), (columns,))
    biased = phase[_NORM_BIAS] != 0
    bias = carray(float32_pointer(phase[_NORM_BIAS] if biased else phase[_NORM_WEIGHT]), (columns,))
    for token in range(tokens):
        normalise(x[token], weight, bias, biased, epsilon, normalised[token])
    return normalised[:tokens, :columns]


def decode(thread, step, arguments):
    """Computes a step and returns (thread 0); or takes part in this and later steps, until none starts for long.

    Rows of the logits from the first one on are the result.

    Args:
        thread: 0 for the one that starts the step and returns its result; helper threads count from 1.
        step: number of the step, larger than all before.
        arguments: address of a `ArgumentTable`; `decoder.decode_memory` says what a thread needs.
    """
    table = carray(int64_pointer(arguments), (_ARGUMENTS,))
    most, width = table[_MOST_TOKENS], table[_WORK_WIDTH]
    token_rows = carray(int64_pointer(table[_TOKEN_ROWS]), (most, _TOKEN_COLUMNS))
    cache_shape = (table[_LAYERS], table[_HEADS], table[_POSITIONS], table[_HEAD_SIZE])
    epsilon = carray(float32_pointer(table[_EPSILON]), (1,))[0]
    phases = carray(int64_pointer(table[_PHASES]), (table[_PHASE_COUNT], _PHASE_COLUMNS))
    bounds = carray(int64_pointer(table[_ALL_BOUNDS]), (table[_BOUND_COUNT],))
    sync = carray(int64_pointer(table[_SYNC]), (_SYNC_SIZE,))
    work = carray(float32_pointer(table[_WORK]), (most, width))
    logits = carray(float32_pointer(table[_LOGITS_AT]), (most, table[_VOCABULARY]))
    memory = table[_MEMORY] + 4 * thread * table[_MEMORY_SIZE]
    normalised = carray(float32_pointer(memory), (most, width))
    memory += 4 * most * width
    rounded = carray(int16_pointer(memory), (most, width))
    memory += 2 * most * width
    offsets = carray(int32_pointer(memory), (most, width // GROUP))
    memory += 4 * most * (width // GROUP)
    factors = carray(float32_pointer(memory), (most,))
    memory += 4 * most
    scores = carray(float32_pointer(memory), (1, cache_shape[2] + 4))
    products = memory + 4 * (cache_shape[2] + 4)
    last = len(phases) - 1
    tasks = phases[last, _FIRST]
    x = normalised[:, :]
    if not thread:
        begin(sync, step)
    while True:
        if thread:
            step = await_step(sync, thread, step, _MOST_NAPS)
            if step < 0:
                return
        tokens = sync[_TOKENS]
        number, entered = 0, -1
        while True:
            task = take_task(sync, step, tasks)
            if task < 0:
                break
            while task >= phases[number + 1, _FIRST]:
                number += 1
            phase = phases[number]
            bound = phase[_BOUNDS] + task - phase[_FIRST]
            first, end = bounds[bound], bounds[bound + 1]
            _prefetch_task(phase, first, token_rows[:tokens], cache_shape)
            wait(sync, phase[_FIRST])
            if phase[_KIND] == _EMBED:
                embed(phase, token_rows[:tokens], work)
            elif phase[_KIND] == _ATTEND:
                for head in range(first, end):
                    _attend_head(phase, head, token_rows[:tokens], cache_shape, work, scores)
            else:
                if entered != number:
                    x = _input(phase, tokens, work, epsilon, normalised)
                    entered = number
                    round_input(phase, x, rounded, factors, offsets)
                _multiply(phase, first, end, x, rounded, factors, offsets, products, work, logits)
            add_one(sync, _DONE)
        if not thread:
            wait(sync, tasks)
            return
