"""Compares a model's logits on a device with those on the CPU, to detect devices that compute wrong values."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gptdesk.gpt2.model import GPT2
from gptdesk.inference.context import Context
from gptdesk.inference.decode import DecodeInput, decode
from gptdesk.inference.in_torch.network import TorchNetwork

if TYPE_CHECKING:
    from gptdesk.inference.decoder import Decoder

CHECKED_DEVICES: Final = ("mps",)
"""Device types whose kernels were silently wrong for shapes like ours in more than one version of torch."""

TOLERANCE: Final = {torch.float32: 1e-3, torch.float16: 0.03, torch.bfloat16: 0.2}
"""Largest `parity_error` that rounding explains, by the weights' type: five times and more what it was on a CPU, for
the bundled model and ones with random weights (at most 2e-6, 0.004 and 0.04). Leaving out one layer's attention gave
0.25 or more."""

_Module = TypeVar("_Module", bound=nn.Module)

_TOKENS: Final = 24  # half of them read as a prompt, the others one at a time


def computes_correctly(model: GPT2) -> bool:
    """Whether the device of ``model`` computes its logits as the CPU does with the same weights in float32.

    Weights that give non-finite values on the CPU too say nothing about the device; decoding reports them.
    """
    expected = expected_logits(model)
    return not bool(expected.isfinite().all()) or parity_error(model, expected) <= TOLERANCE[model.wte.weight.dtype]


def parity_error(model: GPT2, expected: Tensor, *, decoder: Decoder | None = None) -> float:
    """Relative error of the logits that ``model``, or a ``decoder`` of it, computes, against ``expected``.

    Root mean square of the differences over that of the expected logits, of which each row's mean is taken off first,
    because it changes no probability and is larger than all else (GPT-2's is near -100). Infinite if any is not finite.
    """
    context, ids, rows = Context(TorchNetwork(model)), _ids(model), []
    half = len(ids) // 2
    context.read(ids[: half + 1], lambda: False)
    rows.append(torch.as_tensor(context.logits))
    for id in ids[half + 1 :]:
        decode([DecodeInput(context, id)], decoder)
        rows.append(torch.as_tensor(context.logits).cpu())
    error = float((torch.stack(rows) - expected).norm() / (expected - expected.mean(dim=1, keepdim=True)).norm())
    return error if error < float("inf") else float("inf")


@torch.no_grad()
def expected_logits(model: GPT2) -> Tensor:
    """The logits that `parity_error` compares, (T, V), computed on the CPU in float32.

    Copies one block at a time to the CPU, so that there is no second copy of the model.
    """
    ids = torch.tensor(_ids(model))
    x = F.embedding(ids, _on_cpu(model.wte).weight) + _on_cpu(model.wpe).weight[: len(ids)]
    for block in model.h:
        x = _on_cpu(block)(x[None])[0]  # (T, C)
    x = _on_cpu(model.ln_f)(x[len(ids) // 2 :])
    return F.linear(x, _on_cpu(model.lm_head).weight)


def _ids(model: GPT2) -> list[int]:
    """Tokens from all over the vocabulary."""
    count = min(_TOKENS, model.config.n_positions)
    return [(index * 7919 + 11) % model.config.vocab_size for index in range(count)]


def _on_cpu(module: _Module) -> _Module:
    return copy.deepcopy(module).to("cpu", torch.float32)
