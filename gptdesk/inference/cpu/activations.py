"""Activation functions in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from gptdesk.gpt2.activations import ActivationCase

Floats = npt.NDArray[np.float32]


def _gelu_tanh(x: Floats) -> Floats:
    """x (1 + tanh u) / 2 = x / (1 + e**-2u)."""
    u = x * x
    u *= np.float32(0.044715)
    u += 1
    u *= x
    u *= np.float32(-2 * 0.7978845608028654)
    return _times_sigmoid(x, u)


def _gelu(x: Floats) -> Floats:
    """By the error function to 1.5e-7 (Abramowitz & Stegun 1964, formula 7.1.26)."""
    z = np.abs(x) * np.float32(0.7071067811865476)
    t = 1 / (1 + np.float32(0.3275911) * z)
    terms = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592, 0.0)
    tail = np.float32(0.5) * np.polyval(np.array(terms, np.float32), t) * np.exp(-z * z)
    result: Floats = x * np.where(x < 0, tail, 1 - tail)
    return result


def _silu(x: Floats) -> Floats:
    return _times_sigmoid(x, -x)


def _times_sigmoid(x: Floats, negative: Floats) -> Floats:
    """x / (1 + e**negative), computed in the memory of ``negative``."""
    with np.errstate(over="ignore"):  # then the quotient is 0, as it should be
        np.exp(negative, out=negative)
    negative += 1
    return np.divide(x, negative, out=negative)


def _relu(x: Floats) -> Floats:
    return np.maximum(x, np.float32(0))


ACTIVATE: Final[dict[ActivationCase, Callable[[Floats], Floats]]] = {
    ActivationCase.GELU_TANH: _gelu_tanh,
    ActivationCase.GELU: _gelu,
    ActivationCase.RELU: _relu,
    ActivationCase.SILU: _silu,
}
"""By the case that the table of activation functions names."""
