"""Muon with products that a CPU multiplies fast, and that a GPU is not kept waiting for."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn


class Muon(torch.optim.Muon):
    """`torch.optim.Muon`, which orthogonalises one matrix after the other in bfloat16.

    On a CPU this one does it in float32: a CPU without instructions for bfloat16 multiplies it hundreds of times slower
    than float32, one with them hardly faster. On CUDA it multiplies all matrices of a shape at once, because a small
    product takes less time than to launch it. State, defaults and formula are those of torch's (Jordan 2024,
    https://kellerjordan.github.io/posts/muon/). Matrices that are spread over processes are left to torch.

    Attributes:
        stacks: whether matrices of a shape are orthogonalised together, in bfloat16. Then a step changes nothing where
            ``found_inf``, a float32 scalar on the device, is 1: see `Optimizers.skip_where`.
    """

    found_inf: Tensor | None = None

    def __init__(self, weights: Iterable[Tensor], **settings: Any) -> None:
        super().__init__(weights, **settings)
        self.stacks = all(
            type(weight) is nn.Parameter and weight.device.type == "cuda"
            for group in self.param_groups
            for weight in group["params"]
        )
        # By this `torch.amp.GradScaler`, too, knows an optimizer that reads `found_inf`.
        self._step_supports_amp_scaling = self.stacks

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step; with ``closure``, which computes the gradients, its loss is returned."""
        weights = [weight for group in self.param_groups for weight in group["params"]]
        if not self.stacks and any(weight.device.type != "cpu" for weight in weights):
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
            update = self._update_together if self.stacks else _update_one_by_one
            update(group, taken, gradients, buffers)
        return loss

    def _update_together(
        self, group: Mapping[str, Any], weights: list[Tensor], gradients: list[Tensor], buffers: list[Tensor]
    ) -> None:
        if self.found_inf is not None:  # what is not finite would stay so, whatever it is multiplied with
            bad, good = self.found_inf > 0, 1 - self.found_inf
            gradients = [
                torch.where(bad, buffer, gradient) for buffer, gradient in zip(buffers, gradients, strict=True)
            ]
        momentum, rate = group["momentum"], float(group["lr"])
        torch._foreach_lerp_(buffers, gradients, 1 - momentum)
        updates = torch._foreach_lerp(gradients, buffers, momentum) if group["nesterov"] else buffers
        places = defaultdict(list)
        for place, update in enumerate(updates):
            places[update.shape].append(place)
        found: dict[int, Tensor] = {}
        for shape, alike in places.items():
            stacked = torch.stack([updates[place] for place in alike]).bfloat16()
            nearest = orthogonal(stacked, group["ns_coefficients"], group["ns_steps"], group["eps"])
            found |= zip(alike, (nearest * (rate * _growth(shape))).unbind(), strict=True)
        steps = [found[place] for place in range(len(weights))]
        decay = rate * group["weight_decay"]
        if self.found_inf is None:
            torch._foreach_mul_(weights, 1 - decay)
        else:
            steps = [*torch._foreach_mul(steps, good)]
            torch._foreach_mul_(weights, 1 - decay * good)
        torch._foreach_sub_(weights, steps)


def _update_one_by_one(
    group: Mapping[str, Any], weights: list[Tensor], gradients: list[Tensor], buffers: list[Tensor]
) -> None:
    for weight, gradient, buffer in zip(weights, gradients, buffers, strict=True):
        momentum, rate = group["momentum"], float(group["lr"])
        buffer.lerp_(gradient, 1 - momentum)
        update = gradient.lerp(buffer, momentum) if group["nesterov"] else buffer
        update = orthogonal(update.float(), group["ns_coefficients"], group["ns_steps"], group["eps"])
        weight.mul_(1 - rate * group["weight_decay"])
        weight.add_(update, alpha=-rate * _growth(weight.shape))


def _growth(shape: torch.Size) -> float:
    """How many times longer steps of a tall matrix are."""
    rows, columns = shape
    return math.sqrt(max(1, rows / columns))


def orthogonal(matrix: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """The nearest semi-orthogonal matrices, roughly: all singular values come to lie between 0.5 and 1.5.

    Newton-Schulz: X <- a X + (b A + c A^2) X with A = X X^T, from X = matrix / max(norm, eps).

    Args:
        matrix: float (rows, columns), or several of them, (n, rows, columns).
        coefficients: a, b and c.
        steps: repetitions; 5 are enough for Jordan's coefficients.
        eps: least divisor.

    Returns:
        The same shape and type.
    """
    a, b, c = coefficients
    add_product = torch.addmm if matrix.ndim == 2 else torch.baddbmm
    tall = matrix.shape[-2] > matrix.shape[-1]
    x = matrix.mT if tall else matrix
    x = x / torch.linalg.vector_norm(x, dim=(-2, -1), keepdim=True).clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.mT
        x = add_product(x, add_product(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
