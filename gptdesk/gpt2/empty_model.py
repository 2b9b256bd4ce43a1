"""Builds a network without initialising its weights, for weights that are then read from a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.model import GPT2


def empty_model(config: GPT2Config, *, dropout: float = 0.0) -> GPT2:
    """A network on the device "meta": its weights take no memory until they are assigned."""
    with torch.device("meta"), _Uninitialised():
        return GPT2(config, dropout=dropout)


class _Uninitialised(TorchFunctionMode):
    """Skips the random initialisation of torch's layers.

    On the device "meta" it computes nothing, but torch imports its compiler for it, which takes a second.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", "") == nn.init.__name__:
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)
