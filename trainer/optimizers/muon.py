"""Muon with products that every CPU multiplies fast."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor


class Muon(torch.optim.Muon):
    """`torch.optim.Muon`, which orthogonalises in bfloat16; on a CPU this one does it in float32.

    A CPU without instructions for bfloat16 multiplies it hundreds of times slower than float32, one with them hardly
    faster. State, defaults and formula are those of torch's (Jordan 2024, https://kellerjordan.github.io/posts/muon/).
    """

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step; with ``closure``, which computes the gradients, its loss is returned."""
        weights = [weight for group in self.param_groups for weight in group["params"]]
        if any(weight.device.type != "cpu" for weight in weights):
            return super().step(closure)  # type: ignore[no-untyped-call]
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            taken: list[Tensor] = []
            gradients: list[Tensor] = []
            buffers: list[Tensor] = []
            self._init_group(group, taken, gradients, buffers)
            for weight, gradient, buffer in zip(taken, gradients, buffers, strict=True):
                momentum, rate = group["momentum"], float(group["lr"])
                buffer.lerp_(gradient, 1 - momentum)
                update = gradient.lerp(buffer, momentum) if group["nesterov"] else buffer
                update = orthogonal(update.float(), group["ns_coefficients"], group["ns_steps"], group["eps"])
                weight.mul_(1 - rate * group["weight_decay"])
                weight.add_(update, alpha=-rate * math.sqrt(max(1, weight.shape[0] / weight.shape[1])))
        return loss


def orthogonal(matrix: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """The nearest semi-orthogonal matrix, roughly: all singular values come to lie between 0.5 and 1.5.

    Newton-Schulz: X <- a X + (b A + c A^2) X with A = X X^T, from X = matrix / max(norm, eps).

    Args:
        matrix: float (rows, columns).
        coefficients: a, b and c.
        steps: repetitions; 5 are enough for Jordan's coefficients.
        eps: least divisor.

    Returns:
        The same shape and type.
    """
    a, b, c = coefficients
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x
