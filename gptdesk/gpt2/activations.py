"""Table of the activation functions that a GPT-2's MLP may have. Imports torch late."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import msgspec

from gptdesk.errors import UserError, brief

if TYPE_CHECKING:
    from torch import Tensor


class ActivationCase(IntEnum):
    """Cases of the CPU decode kernel (`gptdesk.inference.cpu.activation_kernels`), which is compiled with them."""

    GELU_TANH = 0
    GELU = 1
    RELU = 2
    SILU = 3


class Activation(msgspec.Struct, frozen=True, kw_only=True):
    """One activation function.

    Attributes:
        names: what ``activation_function`` in a config.json may call it, as in ``ACT2FN`` of ``transformers``.
        case: of the CPU decode kernel.
        function: returns the function of torch, from a tensor to a tensor of the same shape and dtype.
        in_llama_cpp: whether llama.cpp computes a GPT-2 with it.
    """

    names: tuple[str, ...]
    case: ActivationCase
    function: Callable[[], Callable[[Tensor], Tensor]]
    in_llama_cpp: bool = False


def _gelu_tanh() -> Callable[[Tensor], Tensor]:
    from functools import partial

    from torch.nn import functional as F

    return partial(F.gelu, approximate="tanh")


def _gelu() -> Callable[[Tensor], Tensor]:
    from torch.nn import functional as F

    return F.gelu


def _relu() -> Callable[[Tensor], Tensor]:
    from torch.nn import functional as F

    return F.relu


def _silu() -> Callable[[Tensor], Tensor]:
    from torch.nn import functional as F

    return F.silu


ACTIVATIONS: Final = (
    Activation(
        names=("gelu_new", "gelu_fast", "gelu_accurate", "gelu_pytorch_tanh", "gelu_python_tanh"),
        case=ActivationCase.GELU_TANH,
        function=_gelu_tanh,
        in_llama_cpp=True,
    ),
    Activation(names=("gelu", "gelu_python"), case=ActivationCase.GELU, function=_gelu),
    Activation(names=("relu",), case=ActivationCase.RELU, function=_relu),
    Activation(names=("silu", "swish"), case=ActivationCase.SILU, function=_silu),
)
"""The tanh approximation of GELU (OpenAI's) and GELU itself (Hendrycks & Gimpel 2016), ReLU, and SiLU (Elfwing et al.
2017), which is also called Swish."""


def find_activation(name: str) -> Activation:
    """The activation function of that name.

    Raises:
        UserError: when there is none.
    """
    found = next((activation for activation in ACTIVATIONS if name in activation.names), None)
    if found is None:
        known = ", ".join(name for activation in ACTIVATIONS for name in activation.names)
        raise UserError(f"The model uses the activation {brief(name)}; supported are {known}.")
    return found
