"""Optimizers: which parameters get which, and which of them decay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from trainer.config import OptimSection


class Optimizers:
    """One or two torch optimizers stepped as one, their learning rates given as a share of the peak.

    Weight decay falls on matrices and embeddings, never on biases and layer norms. With Muon (Jordan 2024,
    https://kellerjordan.github.io/posts/muon) the matrices of the blocks are its own; embeddings and the rest are AdamW's.
    """

    def __init__(self, model: nn.Module, config: OptimSection) -> None:
        named = dict(model.named_parameters())
        matrices = {name for name, parameter in named.items() if parameter.ndim == 2}
        muon = {name for name in matrices if name.startswith("h.")} if config.optimizer == "muon" else set[str]()
        decayed = [named[name] for name in named if name in matrices - muon]
        others = [named[name] for name in named if name not in matrices]
        self._members: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(
                [{"params": decayed, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}],
                lr=config.learning_rate,
                betas=config.betas,
                eps=config.eps,
                fused=True,
            )
        ]
        if muon:
            self._members.append(
                torch.optim.Muon(
                    [named[name] for name in named if name in muon],
                    lr=config.muon_learning_rate,
                    momentum=config.muon_momentum,
                    weight_decay=config.muon_weight_decay,
                )
            )
        self._peaks = [member.defaults["lr"] for member in self._members]

    def set_learning_rate(self, share: float) -> float:
        """Sets every learning rate to this share of its peak and returns AdamW's."""
        for member, peak in zip(self._members, self._peaks, strict=True):
            for group in member.param_groups:
                group["lr"] = peak * share
        return float(self._peaks[0] * share)

    def unscale(self, scaler: torch.amp.GradScaler) -> None:
        """Turns fp16's scaled gradients back, so that they can be measured and clipped."""
        for member in self._members:
            scaler.unscale_(member)

    def step(self, scaler: torch.amp.GradScaler) -> None:
        """Steps through the scaler, which leaves out the step when fp16 gradients overflowed; disabled, it only steps."""
        for member in self._members:
            scaler.step(member)
        scaler.update()

    def zero_grad(self) -> None:
        for member in self._members:
            member.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict[str, Any]]:
        return [member.state_dict() for member in self._members]

    def load_state_dict(self, states: Iterable[dict[str, Any]]) -> None:
        for member, state in zip(self._members, states, strict=True):
            member.load_state_dict(state)


def clip_gradients(model: nn.Module, limit: float) -> Tensor:
    """Scales the whole gradient down to norm ``limit`` (0: leaves it) and returns its norm before, a float32 scalar."""
    return nn.utils.clip_grad_norm_(model.parameters(), limit or float("inf"))
