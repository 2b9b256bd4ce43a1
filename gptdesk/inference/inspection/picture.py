"""Heat maps as PNG files, without a library: cells of one colour, written with zlib (RFC 2083). No letters."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

_LARGEST: Final = 2400
"""Pixels that a picture is wide or high at most, if its cells need not be smaller than one."""

_CELL: Final = 24
"""Pixels of a cell of a small map."""

_PAPER: Final = (255, 255, 255)
_POSITIVE: Final = (24, 84, 160)
_NEGATIVE: Final = (176, 66, 20)
_NOTHING: Final = (225, 225, 225)


@dataclass(frozen=True, eq=False)
class HeatMap:
    """Values to be painted.

    Attributes:
        values: (rows, columns) of any float dtype; NaN is painted grey.
        largest: absolute value that has the full colour.
        every: cells after which a white line is left free, for maps that are made of several; 0 for none.
    """

    values: npt.NDArray[np.floating]
    largest: float
    every: int = 0


def png(heat_map: HeatMap) -> bytes:
    """The contents of a PNG file: white for 0, blue for positive values, red for negative ones.

    Colours mix in equal steps of sRGB.
    """
    values = np.asarray(heat_map.values, np.float64)
    rows, columns = values.shape
    size = max(1, min(_CELL, _LARGEST // max(rows, columns)))
    strength = np.clip(np.abs(values) / max(heat_map.largest, 1e-30), 0, 1)[..., None]
    ends = np.where((values < 0)[..., None], np.array(_NEGATIVE), np.array(_POSITIVE))
    pixels = np.where(np.isnan(values)[..., None], np.array(_NOTHING), _PAPER + strength * (ends - np.array(_PAPER)))
    image = np.rint(pixels).astype(np.uint8).repeat(size, 0).repeat(size, 1)
    if size >= 8:  # lines between cells
        image[::size] = image[:, ::size] = _PAPER
    if heat_map.every:
        image = _with_gaps(_with_gaps(image, heat_map.every * size).swapaxes(0, 1), heat_map.every * size).swapaxes(
            0, 1
        )
    height, width = image.shape[:2]
    lines = np.zeros((height, 1 + 3 * width), np.uint8)  # each begins with its filter, which is none
    lines[:, 1:] = image.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits, RGB
    body = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines.tobytes(), 6)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _with_gaps(image: npt.NDArray[np.uint8], every: int) -> npt.NDArray[np.uint8]:
    parts = np.split(image, range(every, len(image), every))
    gap = np.full((4, *image.shape[1:]), _PAPER[0], np.uint8)
    return np.concatenate([piece for part in parts for piece in (part, gap)][:-1])


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
