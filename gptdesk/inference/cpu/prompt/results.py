"""What becomes of a panel's results in compiled code: they are activated, and stored or added."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import carray, njit

from gptdesk.inference.cpu.activation_kernels import activate
from gptdesk.inference.cpu.intrinsics.scalars import float32_pointer
from gptdesk.inference.cpu.prompt.row_intrinsics import make_add_row, make_copy_row
from gptdesk.inference.cpu.step_tables import Format, Kind, Phase

_INT8: Final = int(Format.INT8)
_FORMAT: Final = int(Phase.FORMAT)
_SCALES: Final = int(Phase.SCALES)
_BIAS: Final = int(Phase.BIAS)
_KIND: Final = int(Phase.KIND)
_ACTIVATION: Final = int(Phase.ACTIVATION)
_ADD: Final = int(Kind.ADD)
_ACTIVATE: Final = int(Kind.ACTIVATE)


@njit
def pad_factors(phase, first, count, rows, factors, bias):
    """Copies the scales and the bias of ``count`` rows from ``first`` on, and fills them up to ``rows`` of a panel.

    ``factors`` and ``bias`` are the addresses of the results, float32. Weights other than int8 have a factor of 1.
    """
    exact = phase[_FORMAT] == _INT8
    _pad(phase[_SCALES] if exact else 0, np.float32(not exact), first, count, rows, factors)
    _pad(phase[_BIAS], np.float32(0), first, count, rows, bias)


@njit
def _pad(numbers, default, first, count, rows, out):
    """Copies float32 from an address on and fills them up; an address of 0 stands for none."""
    row = carray(float32_pointer(out), (rows,))
    for i in range(rows):
        row[i] = default
    if numbers:
        found = carray(float32_pointer(numbers + 4 * first), (count,))
        for i in range(count):
            row[i] = found[i]


def make_finish(tokens: int, rows: int) -> Any:
    """Makes a function for compiled code that activates and writes the results of a tile of tokens and a panel.

    Args:
        tokens: of a tile.
        rows: of a panel, whole vectors.

    Returns:
        ``finish(phase, results, there, count, activated, out, out_bytes)``: the phase of the product; the address of
        the results, (tokens, rows) float32; how many tokens and rows of them are there; the address of memory for as
        many; that of the first token's first output, and the bytes from one token's to the next one's.
    """
    copy_row, add_row = make_copy_row(rows), make_add_row(rows)
    size = tokens * rows

    @njit
    def write(results, there, count, added, out, out_bytes):
        for token in range(there):
            source, target = results + 4 * rows * token, out + token * out_bytes
            if count == rows:
                if added:
                    add_row(source, target)
                else:
                    copy_row(source, target)
            else:
                y, some = carray(float32_pointer(source), (count,)), carray(float32_pointer(target), (count,))
                for i in range(count):
                    some[i] = some[i] + y[i] if added else y[i]

    @njit
    def finish(phase, results, there, count, activated, out, out_bytes):
        if phase[_KIND] == _ACTIVATE:
            y = carray(float32_pointer(activated), (size,))
            activate(phase[_ACTIVATION], carray(float32_pointer(results), (size,)), y)
            results = activated
        write(results, there, count, phase[_KIND] == _ADD, out, out_bytes)

    return finish
