"""Activation functions of the decode kernel, and the exponential that they and the softmax are made of.

The case is chosen once for the outputs of a task, before the loop over them: each case is a loop of its own, and a
model pays nothing for the cases that it does not use. With the error model of NumPy a division needs no check for 0,
which would keep the compiler from turning the loops into vectors.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from gptdesk.gpt2.activations import ActivationCase
from gptdesk.inference.cpu.intrinsics.scalars import power_of_two

# Numba accepts module-level integers as constants everywhere, members of an enumeration not.
_GELU_TANH = int(ActivationCase.GELU_TANH)
_GELU = int(ActivationCase.GELU)
_RELU = int(ActivationCase.RELU)
_SILU = int(ActivationCase.SILU)


@njit(fastmath={"contract"})
def exp(x):
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
    return (p * r * r + r + np.float32(1)) * power_of_two(np.int32(n))


@njit(fastmath={"contract"}, error_model="numpy")
def _gelu_tanh(x):
    """The tanh approximation of GELU (Hendrycks & Gimpel 2016): x (1 + tanh u) / 2 = x / (1 + e**-2u)."""
    u = np.float32(0.7978845608028654) * (x + np.float32(0.044715) * x * x * x)
    return x / (np.float32(1) + exp(np.float32(-2) * u))


@njit(fastmath={"contract"}, error_model="numpy")
def _gelu(x):
    """GELU (Hendrycks & Gimpel 2016): x times the normal distribution function at x, which is 1 - erfc(x / sqrt 2) / 2.

    erfc of what is not negative, to 1.5e-7, by Abramowitz & Stegun 1964, formula 7.1.26.
    """
    z = np.abs(x) * np.float32(0.7071067811865476)
    t = np.float32(1) / (np.float32(1) + np.float32(0.3275911) * z)
    p = np.float32(1.061405429)
    p = p * t + np.float32(-1.453152027)
    p = p * t + np.float32(1.421413741)
    p = p * t + np.float32(-0.284496736)
    p = p * t + np.float32(0.254829592)
    tail = np.float32(0.5) * p * t * exp(-z * z)
    return x * (tail if x < np.float32(0) else np.float32(1) - tail)


@njit(fastmath={"contract"}, error_model="numpy")
def _silu(x):
    return x / (np.float32(1) + exp(-x))


@njit
def activate(case, x, out):
    """out = the activation of x, float32 arrays of one length; ``case`` is an `ActivationCase`."""
    if case == _GELU_TANH:
        for i in range(len(x)):
            out[i] = _gelu_tanh(x[i])
    elif case == _GELU:
        for i in range(len(x)):
            out[i] = _gelu(x[i])
    elif case == _RELU:
        for i in range(len(x)):
            out[i] = np.float32(0) if x[i] < np.float32(0) else x[i]  # NaN stays NaN
    elif case == _SILU:
        for i in range(len(x)):
            out[i] = _silu(x[i])
