"""One decode step of GPT-2 on a CPU, compiled by Numba: the only module that imports it.

A step is a list of phases that must follow each other (a matrix times a vector, the attention of a layer), and a phase
is a number of tasks that need nothing of each other (some rows, one head). Threads that take part in a step draw
tickets, numbered through all its tasks, and wait with theirs until all tasks of earlier phases are done. So nobody
waits for a thread that has not come yet: whoever is there does the work, and a late thread finds no tickets left. Which
thread does a task changes no bit of its result, and the tasks are the same for any number of threads.

The list is a table of numbers (`Phase`), so that one compilation for each type of weights serves models of any shape.
"""

from __future__ import annotations

import platform
import sys
from enum import IntEnum
from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import carray, njit, types
from numba.core import cgutils
from numba.core.typing import signature
from numba.extending import intrinsic


class Phase(IntEnum):
    """Columns of the table of phases, int64.

    Addresses are of contiguous arrays, and offsets count numbers from the beginning of the workspace, which is float32.

    A product computes ``scale * (weights @ input) + bias`` and stores it, adds it to its output, or stores its GELU.
    """

    FIRST = 0  # ticket of the first task; the row after the last phase has the number of all tickets here
    KIND = 1
    LAYER = 2
    ROWS = 3  # of the weights: outputs
    COLUMNS = 4  # inputs
    ROWS_A_TASK = 5
    WEIGHTS = 6  # address; (ROWS, COLUMNS), of the type that the step is compiled for
    SCALES = 7  # address; (ROWS) float32, or 0 for none
    BIAS = 8  # address; (ROWS) float32, or 0 for none
    NORM_WEIGHT = 9  # address; (COLUMNS) float32, of the layer norm before the product, or 0 for none
    NORM_BIAS = 10  # address; (COLUMNS) float32, or 0 for none
    INPUT = 11  # offset
    OUTPUT = 12  # offset


class Kind(IntEnum):
    """What a phase does."""

    EMBED = 0  # one task
    ATTEND = 1  # a task for each head
    STORE = 2
    ADD = 3
    GELU = 4
    LOGITS = 5  # STORE into the logits


class Sync(IntEnum):
    """Places in the array that threads share, (16) int64; one cache line each."""

    NEXT = 0  # number of the step, times 2**32, plus the ticket to be drawn next
    DONE = 8  # tasks that are done


# Numba takes plain numbers as constants, but not members of an enumeration's class by attribute, everywhere.
_FIRST, _KIND, _LAYER, _ROWS, _COLUMNS, _ROWS_A_TASK = range(6)
_WEIGHTS, _SCALES, _BIAS, _NORM_WEIGHT, _NORM_BIAS, _INPUT, _OUTPUT = range(6, 13)
_EMBED, _ATTEND, _STORE, _ADD, _GELU, _LOGITS = range(6)
_NEXT, _DONE = 0, 8

_SPINS: Final = 1000
"""Looks at a counter before a waiting thread takes a nap: some 10 microseconds, more than the wait between phases."""

# Sums may be taken in any order, so that they are computed in vectors; infinities and NaN stay what they are.
_SUMS: Final = {"reassoc", "contract", "nsz"}

_FLOAT: Final = ir.FloatType()
_INT32: Final = ir.IntType(32)
_INT64: Final = ir.IntType(64)


# --- What Numba has no words for ---


@intrinsic
def _float(typing: Any, value: Any) -> Any:
    """A weight as float32: int8 by its value, uint16 as the upper half of a float32 (which is what bfloat16 is)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (number,) = arguments
        if value == types.int8:
            return builder.sitofp(number, _FLOAT)
        if value == types.uint16:
            return builder.bitcast(builder.shl(builder.zext(number, _INT32), ir.Constant(_INT32, 16)), _FLOAT)
        return number

    return signature(types.float32, value), generate


@intrinsic
def _power_of_two(typing: Any, exponent: Any) -> Any:
    """2**exponent, float32; exponent int32, -126 to 127."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        biased = builder.add(arguments[0], ir.Constant(_INT32, 127))
        return builder.bitcast(builder.shl(biased, ir.Constant(_INT32, 23)), _FLOAT)

    return signature(types.float32, types.int32), generate


@intrinsic
def _pointer(typing: Any, address: Any, like: Any) -> Any:
    """An address as a pointer to what the array ``like`` holds."""
    result = types.CPointer(like.dtype)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(result))

    return signature(result, types.int64, like), generate


def _place(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Pointer to the element that the first two arguments, a one-dimensional array and an index, name."""
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(array.data, [arguments[1]])


@intrinsic
def _load(typing: Any, array: Any, index: Any) -> Any:
    """Reads an int64 that other threads write; what they wrote before it is visible after it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_place(context, builder, signature, arguments), "acquire", 8)

    return signature(types.int64, array, types.int64), generate


@intrinsic
def _add_one(typing: Any, array: Any, index: Any) -> Any:
    """Adds 1 to an int64 that other threads read; what was written before it is visible to who sees it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, signature, arguments)
        return builder.atomic_rmw("add", place, ir.Constant(_INT64, 1), "acq_rel")

    return signature(types.int64, array, types.int64), generate


@intrinsic
def _replace(typing: Any, array: Any, index: Any, old: Any, new: Any) -> Any:
    """Writes ``new`` if the int64 is still ``old``, in one step; returns whether it was."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, signature, arguments)
        result = builder.cmpxchg(place, arguments[2], arguments[3], "acq_rel", "acquire")
        return builder.extract_value(result, 1)

    return signature(types.boolean, array, types.int64, types.int64, types.int64), generate


@intrinsic
def _pause(typing: Any) -> Any:
    """Tells the core that it waits in a loop, where there is a way to."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        machine = platform.machine().lower()
        if machine in ("x86_64", "amd64"):
            pause = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, pause, "llvm.x86.sse2.pause"), [])
        elif machine in ("arm64", "aarch64"):
            hint = ir.FunctionType(ir.VoidType(), [_INT32])
            function = cgutils.get_or_insert_function(builder.module, hint, "llvm.aarch64.hint")
            builder.call(function, [ir.Constant(_INT32, 1)])
        return context.get_dummy_value()

    return signature(types.void), generate


@intrinsic
def _nap(typing: Any) -> Any:
    """Sleeps for an instant: some 50 microseconds on Linux, less than a tick of the clock elsewhere."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        name, duration = ("Sleep", 0) if sys.platform == "win32" else ("usleep", 1)
        sleep = ir.FunctionType(_INT32, [_INT32])
        function = cgutils.get_or_insert_function(builder.module, sleep, name)
        builder.call(function, [ir.Constant(_INT32, duration)])
        return context.get_dummy_value()

    return signature(types.void), generate


# --- Threads ---


@njit
def _draw(sync, step, tickets):
    """The next ticket of that step; -1 if there is none, or another step has begun."""
    while True:
        word = _load(sync, _NEXT)
        ticket = word & 0xFFFFFFFF
        if word >> 32 != step or ticket >= tickets:
            return np.int64(-1)
        if _replace(sync, _NEXT, word, word + 1):
            return ticket


@njit
def _wait(sync, tasks):
    """Until so many tasks of this step are done."""
    spins = 0
    while _load(sync, _DONE) < tasks:
        _pause()
        spins += 1
        if spins > _SPINS:
            _nap()


# --- Arithmetic ---


@njit(fastmath=_SUMS)
def _products(weights, x, first, last, y):
    """y[i] = weights[first + i] @ x for all rows up to ``last``; four at a time, so that x is read once for four."""
    columns = len(x)
    whole = first + (last - first) // 4 * 4
    for row in range(first, whole, 4):
        w0, w1, w2, w3 = weights[row], weights[row + 1], weights[row + 2], weights[row + 3]
        s0 = s1 = s2 = s3 = np.float32(0)
        for i in range(columns):
            s0 += _float(w0[i]) * x[i]
            s1 += _float(w1[i]) * x[i]
            s2 += _float(w2[i]) * x[i]
            s3 += _float(w3[i]) * x[i]
        y[row - first] = s0
        y[row - first + 1] = s1
        y[row - first + 2] = s2
        y[row - first + 3] = s3
    for row in range(whole, last):
        w0 = weights[row]
        s0 = np.float32(0)
        for i in range(columns):
            s0 += _float(w0[i]) * x[i]
        y[row - first] = s0


@njit(fastmath={"contract"})
def _exp(x):
    """e**x in float32, to 2e-7 of its value, in a form that compilers turn into vectors (Cephes' expf); 0 below -87."""
    x = np.float32(-87) if x < np.float32(-87) else x
    x = np.float32(88) if x > np.float32(88) else x
    n = np.floor(x * np.float32(1.44269504088896341) + np.float32(0.5))
    r = x - n * np.float32(0.693359375) - n * np.float32(-2.12194440e-4)
    p = np.float32(1.9875691500e-4)
    p = p * r + np.float32(1.3981999507e-3)
    p = p * r + np.float32(8.3334519073e-3)
    p = p * r + np.float32(4.1665795894e-2)
    p = p * r + np.float32(1.6666665459e-1)
    p = p * r + np.float32(5.0000001201e-1)
    return (p * r * r + r + np.float32(1)) * _power_of_two(np.int32(n))


@njit(fastmath={"contract"})
def _gelu(x):
    """The tanh approximation of GELU (Hendrycks & Gimpel 2016): x (1 + tanh u) / 2 = x / (1 + e**-2u)."""
    u = np.float32(0.7978845608028654) * (x + np.float32(0.044715) * x * x * x)
    return x / (np.float32(1) + _exp(np.float32(-2) * u))


@njit(fastmath=_SUMS)
def _normalise(x, weight, bias, biased, epsilon, out):
    """Layer norm (Ba et al. 2016) of x, (C); ``bias`` counts if ``biased``."""
    width = len(x)
    total = np.float32(0)
    for i in range(width):
        total += x[i]
    mean = total / np.float32(width)
    squares = np.float32(0)
    for i in range(width):
        squares += (x[i] - mean) * (x[i] - mean)
    factor = np.float32(1) / np.sqrt(squares / np.float32(width) + epsilon)
    if biased:
        for i in range(width):
            out[i] = (x[i] - mean) * factor * weight[i] + bias[i]
    else:
        for i in range(width):
            out[i] = (x[i] - mean) * factor * weight[i]


@njit(fastmath={"reassoc", "nnan", "nsz"})
def _largest(x, length):
    largest = x[0]
    for i in range(1, length):
        largest = x[i] if x[i] > largest else largest
    return largest


@njit(fastmath=_SUMS)
def _attend(q, keys, values, length, scores, y):
    """softmax(keys @ q / sqrt(hs)) @ values for one head: q and y (hs), keys and values (length or more, hs)."""
    size = len(q)
    _products(keys, q, 0, length, scores)
    largest = _largest(scores, length)
    scale = np.float32(1) / np.sqrt(np.float32(size))
    total = np.float32(0)
    for i in range(length):
        scores[i] = _exp((scores[i] - largest) * scale)
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
def _embed(wte, wpe, id, position, x):
    for i in range(len(x)):
        x[i] = _float(wte[id, i]) + _float(wpe[position, i])


@njit
def _attend_head(phase, head, position, work, keys, values, scores):
    """Writes the head's new key and value into the cache, and its attention into the workspace."""
    layer, width, size = phase[_LAYER], phase[_COLUMNS], keys.shape[3]
    at = phase[_INPUT] + head * size  # queries, keys and values of all heads follow each other
    k, v = work[at + width : at + width + size], work[at + 2 * width : at + 2 * width + size]
    for d in range(size):
        keys[layer, head, position, d] = k[d]
        values[layer, head, position, d] = v[d]
    to = phase[_OUTPUT] + head * size
    _attend(work[at : at + size], keys[layer, head], values[layer, head], position + 1, scores, work[to : to + size])


@njit
def _multiply(phase, task, x, like, work, logits):
    """The rows of one task of a product."""
    kind, rows, columns = phase[_KIND], phase[_ROWS], phase[_COLUMNS]
    first = task * phase[_ROWS_A_TASK]
    last = min(first + phase[_ROWS_A_TASK], rows)
    count = last - first
    weights = carray(_pointer(phase[_WEIGHTS], like), (rows, columns))
    y = np.empty(count, np.float32)
    _products(weights, x, first, last, y)
    if phase[_SCALES]:
        scales = carray(_pointer(phase[_SCALES], work), (rows,))[first:last]
        for i in range(count):
            y[i] *= scales[i]
    if phase[_BIAS]:
        bias = carray(_pointer(phase[_BIAS], work), (rows,))[first:last]
        for i in range(count):
            y[i] += bias[i]
    out = logits[first:last] if kind == _LOGITS else work[phase[_OUTPUT] + first : phase[_OUTPUT] + last]
    if kind == _ADD:
        for i in range(count):
            out[i] += y[i]
    elif kind == _GELU:
        for i in range(count):
            out[i] = _gelu(y[i])
    else:
        for i in range(count):
            out[i] = y[i]


@njit
def _input(phase, work, epsilon, normalised):
    """The vector that a product multiplies: normalised first where it says so, which each thread does for itself."""
    columns = phase[_COLUMNS]
    x = work[phase[_INPUT] : phase[_INPUT] + columns]
    if not phase[_NORM_WEIGHT]:
        return x
    weight = carray(_pointer(phase[_NORM_WEIGHT], work), (columns,))
    biased = phase[_NORM_BIAS] != 0
    bias = carray(_pointer(phase[_NORM_BIAS] if biased else phase[_NORM_WEIGHT], work), (columns,))
    _normalise(x, weight, bias, biased, epsilon, normalised)
    return normalised[:columns]


def decode(helper, step, id, position, epsilon, phases, sync, like, wte, wpe, work, keys, values, logits):
    """Takes part in a step until all its tasks are drawn; returns when all are done, unless it only helps.

    Args:
        helper: whether another thread returns the result.
        step: its number, which ``sync`` holds while it lasts.
        id, position: of the token to be read.
        epsilon: of the layer norms, float32.
        phases: (P + 1, len(Phase)) int64.
        sync: see `Sync`.
        like: an array of the weights' type: int8, uint16 (bfloat16) or float32.
        wte, wpe: (V, C), (n_positions, C) float32 or uint16.
        work: the workspace.
        keys, values: (n_layer, nh, n_positions, hs) float32.
        logits: (V) float32, is filled.
    """
    last = len(phases) - 1
    tickets = phases[last, _FIRST]
    normalised, scores = np.empty(wte.shape[1], np.float32), np.empty(keys.shape[2], np.float32)
    number, entered = 0, -1
    x = work[:0]
    while True:
        ticket = _draw(sync, step, tickets)
        if ticket < 0:
            break
        while ticket >= phases[number + 1, _FIRST]:
            number += 1
        phase = phases[number]
        task = ticket - phase[_FIRST]
        _wait(sync, phase[_FIRST])
        if phase[_KIND] == _EMBED:
            _embed(wte, wpe, id, position, work[phase[_OUTPUT] : phase[_OUTPUT] + wte.shape[1]])
        elif phase[_KIND] == _ATTEND:
            _attend_head(phase, task, position, work, keys, values, scores)
        else:
            if entered != number:
                x = _input(phase, work, epsilon, normalised)
                entered = number
            _multiply(phase, task, x, like, work, logits)
        _add_one(sync, _DONE)
    if not helper:
        _wait(sync, tickets)
