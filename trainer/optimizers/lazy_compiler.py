"""Torch's optimizers without importing its compiler, which takes as long as the rest of torch and needs sympy."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

import torch


def spare_compiler() -> None:
    """Lets the methods of torch's optimizers work without importing ``torch._dynamo``.

    They are decorated with ``torch._disable_dynamo``, which imports the compiler at the first call, only to mark them
    as not to be traced. It looks first for a marked form of the function (``torch/_compile.py``), and here that is the
    function itself: only the loss is ever compiled (`trainer.loop`), so none of them is traced. Where torch keeps its
    mark elsewhere, this does nothing.
    """
    for method in vars(torch.optim.Optimizer).values():
        if function := getattr(method, "__wrapped__", None):
            vars(function)["__dynamo_disable"] = function


class AdamW(torch.optim.AdamW):
    """torch's AdamW without the decorators of its ``step`` that import the compiler; ``no_grad`` stays."""

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        return _STEP(self, closure)


_STEP: Final = inspect.unwrap(torch.optim.Adam.step)
