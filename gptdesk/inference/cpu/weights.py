"""All weights of a model for the CPU in one block of memory, at any precision.

Matrices are float32, bfloat16 or quantised; vectors and positions are float32. In int4 models embedding and head are
int8, because they lose most by rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import EMBEDDING, HEAD, POSITIONS, is_transposed, tensor_shapes
from gptdesk.inference.cpu.group_size import GROUP, ZERO, groups_in
from gptdesk.inference.cpu.int4.calibration import Calibration
from gptdesk.inference.cpu.int4.rounding import quantize_groups
from gptdesk.inference.cpu.quantize import quantize_rows

Floats = npt.NDArray[np.float32]

Rows = Callable[[slice], Floats]
"""Reads some rows of a tensor, or elements of a vector, in float32."""

PRECISIONS: Final = ("float32", "bfloat16", "int8", "int4")
"""Of matrices."""

WEIGHTS_AT_ONCE: Final = 2**21
"""Weights made float32 at a time: 8 MB, which stay in the processor's cache until they are multiplied."""

_SCALES: Final = ".scales"

CACHE_LINE: Final = 64
"""Bytes."""


class Matrix(NamedTuple):
    """A matrix of a model.

    Attributes:
        values: float32 or bfloat16 (its bits, uint16), (rows, columns); int8, (rows, columns); or int4, two in a byte
            (uint8), (rows, bytes of all groups) as `quantize_groups` has them.
        scales: float32, (rows) of int8, (rows, groups) of int4; ``None`` where values are not scaled.
        columns: of the matrix.
    """

    values: npt.NDArray[Any]
    scales: Floats | None
    columns: int

    @property
    def rows(self) -> int:
        """Of the matrix."""
        return len(self.values)

    def floats(self, rows: slice | npt.NDArray[np.int64]) -> Floats:
        """Some rows of the weights in float32; not always a copy."""
        values = self.values[rows]
        if values.dtype == np.uint8:
            assert self.scales is not None
            return _from_groups(values, self.scales[rows])[:, : self.columns]
        if values.dtype == np.uint16:
            return widened(values)
        floats: Floats = values.astype(np.float32, copy=False)
        return floats if self.scales is None else floats * self.scales[rows][:, None]


class Weights:
    """All weights of a model in one block of memory.

    So a file is read and written in one piece, and NumPy requests huge pages, which are read a fifth faster.

    Attributes:
        config: of the model.
        precision: one of `PRECISIONS`.
        memory: (bytes) uint8, uninitialised at first; the layout follows from config and precision.
    """

    def __init__(self, config: GPT2Config, precision: str) -> None:
        self.config = config
        self.precision = precision
        places = _places(config, precision)
        size = sum(place.padded for place in places)
        memory = np.empty(size + CACHE_LINE, np.uint8)  # NumPy's own begins 16 bytes behind a cache line
        start = -memory.ctypes.data % CACHE_LINE
        self.memory = memory[start : start + size]
        self._arrays: dict[str, npt.NDArray[Any]] = {}
        start = 0
        for place in places:
            part = self.memory[start : start + place.size]
            self._arrays[place.name] = part.view(place.dtype).reshape(place.shape)
            start += place.padded

    @staticmethod
    def size(config: GPT2Config, precision: str) -> int:
        """Bytes of ``memory``."""
        return sum(place.padded for place in _places(config, precision))

    def matrix(self, name: str) -> Matrix:
        """A matrix by our name; that of the head may be the embedding's."""
        if name == HEAD and self.config.tie_word_embeddings:
            name = EMBEDDING
        return Matrix(self._arrays[name], self._arrays.get(name + _SCALES), tensor_shapes(self.config)[name][1])

    def vector(self, name: str) -> Floats | None:
        """What is no matrix, by our name: a bias, a layer norm's weight, or the embeddings of positions; ``None`` where
        the model has none."""
        return self._arrays.get(name)

    def fill(self, name: str, rows: Rows) -> None:
        """Brings a tensor into the form of ``memory``: rounded, quantised to int8, or as it is."""
        target = self._arrays[name]
        count = len(target) if target.ndim == 1 else max(1, WEIGHTS_AT_ONCE // math.prod(target.shape[1:]))
        for first in range(0, len(target), count):  # a large matrix in float32 would be a second copy
            part = slice(first, first + count)
            if target.dtype == np.int8:
                quantize_rows(rows(part), target[part], self._arrays[name + _SCALES][part])
            elif target.dtype == np.uint16:
                target[part] = narrowed(rows(part))
            else:
                assert target.dtype == np.float32
                vector = rows(part)
                target[part] = widened(narrowed(vector)) if self.precision == "bfloat16" else vector

    def fill_calibrated(self, name: str, rows: Rows, calibration: Calibration) -> None:
        """As `fill`, in a model in int4. The tensors come in the order of `tensor_shapes`; ``calibration`` gets all."""
        target = self._arrays[name]
        if target.dtype == np.uint8:
            matrix, scales = rows(slice(None)), self._arrays[name + _SCALES]
            calibration.quantize(name, lambda x: quantize_groups(matrix, x, target, scales))
            return
        self.fill(name, rows)
        if name == EMBEDDING:
            calibration.embed(name, _gathered(rows, calibration.ids))
        elif name == POSITIONS:
            calibration.embed(name, rows(slice(calibration.ids.shape[1])))
        elif not is_matrix(name):
            calibration.keep(name, rows(slice(None)))


def is_matrix(name: str) -> bool:
    """Whether a weight is one of the matrices of linear layers, or the token embedding."""
    return is_transposed(name) or name in (EMBEDDING, HEAD)


def widened(bits: npt.NDArray[np.uint16]) -> Floats:
    """bfloat16, as its bits, in float32."""
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)


def narrowed(floats: Floats) -> npt.NDArray[np.uint16]:
    """Finite float32 rounded to the nearest bfloat16, of two the even one, as its bits."""
    bits = np.ascontiguousarray(floats, np.float32).view(np.uint32)
    odd = bits >> np.uint32(16) & np.uint32(1)
    return ((bits + (odd + np.uint32(0x7FFF))) >> np.uint32(16)).astype(np.uint16)


def _from_groups(values: npt.NDArray[np.uint8], scales: Floats) -> Floats:
    """The weights of int4 groups, (rows, padded columns)."""
    rows, groups = scales.shape
    packed = values.reshape(rows, groups, GROUP // 2)
    floats = np.empty((rows, groups, 2, GROUP // 2), np.float32)
    floats[:, :, 0] = packed & 15
    floats[:, :, 1] = packed >> 4
    floats -= ZERO
    floats *= scales[:, :, None, None]
    return floats.reshape(rows, -1)


def _gathered(rows: Rows, ids: npt.NDArray[np.int64]) -> Floats:
    """Rows by their ids, (B, T, C), each read once."""
    unique, places = np.unique(ids, return_inverse=True)
    found = np.stack([rows(slice(int(id), int(id) + 1))[0] for id in unique])
    return found[places.reshape(ids.shape)]


class _Place(NamedTuple):
    """Name, dtype and shape of an array in the memory of `Weights`."""

    name: str
    dtype: npt.DTypeLike
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return np.dtype(self.dtype).itemsize * math.prod(self.shape)

    @property
    def padded(self) -> int:
        """Size rounded up, so that the next array starts at a cache line."""
        return -(-self.size // CACHE_LINE) * CACHE_LINE


def _places(config: GPT2Config, precision: str) -> list[_Place]:
    assert precision in PRECISIONS
    places: list[_Place] = []
    for name, shape in tensor_shapes(config).items():
        if not is_matrix(name) or precision == "float32":
            places.append(_Place(name, np.float32, shape))
        elif precision == "bfloat16":
            places.append(_Place(name, np.uint16, shape))
        elif precision == "int8" or name in (EMBEDDING, HEAD):
            places += [_Place(name, np.int8, shape), _Place(name + _SCALES, np.float32, shape[:1])]
        else:
            rows, groups = shape[0], groups_in(shape[1])
            places.append(_Place(name, np.uint8, (rows, groups * GROUP // 2)))
            places.append(_Place(name + _SCALES, np.float32, (rows, groups)))
    return places
