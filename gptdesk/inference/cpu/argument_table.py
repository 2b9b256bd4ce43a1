"""The table of arguments of compiled code, and memory that it computes in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from gptdesk.gpt2.config import GPT2Config
from gptdesk.inference.cpu.step_tables import Argument
from gptdesk.inference.cpu.weights import CACHE_LINE

Arguments: TypeAlias = Mapping[Argument, int | npt.NDArray[Any]]
"""Numbers, and contiguous arrays, of which compiled code gets the address."""


class ArgumentTable:
    """A table of arguments, with the arrays that it points to.

    Attributes:
        address: of the table.
    """

    def __init__(self, arguments: Arguments) -> None:
        self._kept = dict(arguments)
        self._table = np.zeros(len(Argument), np.int64)
        for argument, value in arguments.items():
            assert not isinstance(value, np.ndarray) or value.flags.c_contiguous
            self._table[argument] = value.ctypes.data if isinstance(value, np.ndarray) else value
        self.address: Final = self._table.ctypes.data


def of_model(config: GPT2Config) -> dict[Argument, int | npt.NDArray[Any]]:
    """Arguments that follow from a model's shape alone."""
    return {
        Argument.LAYERS: config.n_layer,
        Argument.HEADS: config.n_head,
        Argument.POSITIONS: config.n_positions,
        Argument.HEAD_SIZE: config.head_size,
        Argument.EPSILON: np.array([config.layer_norm_epsilon], np.float32),
        Argument.VOCABULARY: config.vocab_size,
    }


def whole_lines(elements: int) -> int:
    """The number of float32 elements in the cache lines that ``elements`` need."""
    return -(-4 * elements // CACHE_LINE) * CACHE_LINE // 4


def aligned(rows: int, columns: int) -> npt.NDArray[np.float32]:
    """Memory, (rows, whole_lines(columns)), whose rows begin at cache lines.

    Vectors across two of them made packing take twice the time.
    """
    columns = whole_lines(columns)
    memory = np.zeros(rows * columns + CACHE_LINE // 4, np.float32)
    start = -memory.ctypes.data % CACHE_LINE // 4
    return memory[start : start + rows * columns].reshape(rows, columns)
