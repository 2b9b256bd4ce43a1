"""Tables of integers that describe a step to compiled code: its phases, parts, tokens, and what threads share.

Compiled code gets the address of one of them, that of arguments (`argument_table`).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Argument(IntEnum):
    """Elements of the table of arguments, int64; what a function does not use is 0.

    Addresses point to contiguous arrays, whose shapes are made of the numbers beside them.
    """

    TOKEN_ROWS = 0  # address; (MOST_TOKENS, len(TokenRow)) int64, the tokens to process
    MOST_TOKENS = 1
    LAYERS = 2  # n_layer
    HEADS = 3  # nh
    POSITIONS = 4  # n_positions of every cache
    HEAD_SIZE = 5
    EPSILON = 6  # address; (1) float32, of the layer norms
    PHASES = 7  # address; (PHASE_COUNT, len(Phase)) int64
    PHASE_COUNT = 8
    BOUNDS = 9  # address; (BOUND_COUNT) int64, of the tasks of all phases
    BOUND_COUNT = 10
    PARTS = 11  # address; (PART_COUNT, len(Part)) int64
    PART_COUNT = 12
    SYNC = 13  # address; (SYNC_SIZE) int64, see `Sync`
    WORK = 14  # address; (MOST_TOKENS, WORK_WIDTH) float32, the workspace
    WORK_WIDTH = 15
    MEMORY = 16  # address; (THREADS, MEMORY_SIZE) float32, what each thread needs for itself
    MEMORY_SIZE = 17
    THREADS = 18
    PACKED = 19  # address; float32, the input of a product
    TOKEN_SCALES = 20  # address; (MOST_TOKENS) float32
    HIDDEN = 21  # address; (MOST_TOKENS, C) float32, the final layer norm's output
    LOGITS = 22  # address; (MOST_TOKENS, VOCABULARY) float32; where a prompt is read, (VOCABULARY)
    VOCABULARY = 23


class Phase(IntEnum):
    """Columns of the table of phases, int64.

    Addresses point to contiguous arrays; offsets count elements from the start of a token's part of the workspace.

    A product computes ``scale * (weights @ input) + bias`` and stores it, adds it to its output, or stores its
    activation.
    """

    FIRST = 0  # number of the first task; in the row after the last phase, the number of all tasks
    KIND = 1
    LAYER = 2
    ROWS = 3  # of the weights: outputs
    COLUMNS = 4  # inputs
    BOUNDS = (
        5  # place in the array of bounds: task t has the rows, or heads, from bounds[BOUNDS + t] to [BOUNDS + t + 1]
    )
    FORMAT = 6  # of the weights
    WEIGHTS = 7  # address; (ROWS, COLUMNS), int4: (ROWS, bytes of all groups)
    SCALES = 8  # address; float32, int8: (ROWS), int4: (ROWS, groups); of ATTEND: the factor of the scores, (1)
    BIAS = 9  # address; (ROWS) float32, or 0 for none; of EMBED: the positions' embeddings, (n_positions, COLUMNS)
    NORM_WEIGHT = 10  # address; (COLUMNS) float32, of the layer norm before the product, or 0 for none
    NORM_BIAS = 11  # address; (COLUMNS) float32, or 0 for none
    INPUT = 12  # offset
    OUTPUT = 13  # offset
    ROW_BYTES = 14  # of the weights
    ACTIVATION = 15  # of ACTIVATE: an `ActivationCase`


class Kind(IntEnum):
    """Kinds of phases."""

    EMBED = 0  # one task
    ATTEND = 1
    STORE = 2
    ADD = 3
    ACTIVATE = 4
    LOGITS = 5  # STORE into the logits


class Part(IntEnum):
    """Columns of the table of parts, int64: what a call that reads a prompt computes."""

    FIRST = 0  # number of the first task; in the row after the last part, the number of all tasks
    JOB = 1
    PHASE = 2  # row in the table of phases
    TOKEN = 3  # the first one
    TOKENS = 4
    RESULTS = 5  # of ATTEND: how many tokens, the last ones, it computes the output for


class Job(IntEnum):
    """Kinds of parts."""

    EMBED = 0  # a tile of tokens a task
    PACK = 1  # the input of a product, after its layer norm if it has one; a tile a task
    MULTIPLY = 2  # a panel of rows a task
    ATTEND = 3  # a head a task
    NORMALISE = 4  # the layer norm of the phase, as the result; a tile a task


class Format(IntEnum):
    """Formats of weights."""

    FLOAT32 = 0
    BFLOAT16 = 1
    INT8 = 2
    INT4 = 3


class TokenRow(IntEnum):
    """Columns of the table of tokens that a step processes, int64. Tokens of one text are consecutive rows."""

    ID = 0
    POSITION = 1
    KEYS = 2  # address of the text's cache; (n_layer, nh, n_positions, hs) float32
    VALUES = 3


class Sync(IntEnum):
    """Indices of the array that threads share, (`SYNC_SIZE`) int64; elements that a step writes have a cache line of
    their own."""

    NEXT = 0  # number of the step, times 2**32, plus the next task
    DONE = 8  # number of tasks that are done
    THREADS = 16  # number of threads that may take part in the step
    TOKENS = 17  # number of tokens in the step; of parts, where a prompt is read


_LINE: Final = 8
"""Elements of the shared array in a cache line of 64 bytes."""

SYNC_SIZE: Final = (max(Sync) // _LINE + 1) * _LINE
"""Whole cache lines, so that nothing else shares them."""
