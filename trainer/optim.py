"""Optimizers: which parameters get which, and which of them decay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn

from gptdesk.errors import UserError
from trainer.config import OptimSection
from trainer.lazy_compiler import AdamW, spare_compiler
from trainer.tensors import as_stored_like, whole

_REMEMBERED: Final = {
    "AdamW": ("step", "exp_avg", "exp_avg_sq"),
    "Muon": ("momentum_buffer",),
}
"""What each optimizer keeps of a parameter."""


class Optimizers:
    """One or two torch optimizers stepped as one, their learning rates given as a share of the peak.

    Weight decay falls on matrices and embeddings, never on biases and layer norms. With Muon (Jordan 2024,
    https://kellerjordan.github.io/posts/muon) the matrices of the blocks are its own; embeddings and the rest are
    AdamW's. Frozen parameters belong to neither.

    Attributes:
        names: of the parameters of each optimizer, in its order.
    """

    def __init__(self, model: nn.Module, config: OptimSection) -> None:
        spare_compiler()
        named = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        matrices = [name for name, weight in named.items() if weight.ndim == 2]
        others = [name for name, weight in named.items() if weight.ndim != 2]
        muon = [name for name in matrices if name.startswith("h.")] if config.optimizer == "muon" else []
        decayed = [name for name in matrices if name not in set(muon)]
        groups = [
            {"params": [named[name] for name in decayed], "weight_decay": config.weight_decay},
            {"params": [named[name] for name in others], "weight_decay": 0.0},
        ]
        self._members: list[torch.optim.Optimizer] = [
            AdamW(
                [group for group in groups if group["params"]],
                lr=config.learning_rate,
                betas=config.betas,
                eps=config.eps,
                fused=True,
            )
        ]
        self._named = [{name: named[name] for name in decayed + others}]
        if muon:
            self._members.append(
                torch.optim.Muon(
                    [named[name] for name in muon],
                    lr=config.muon_learning_rate,
                    momentum=config.muon_momentum,
                    weight_decay=config.muon_weight_decay,
                )
            )
            self._named.append({name: named[name] for name in muon})
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
        """Steps through the scaler, which leaves out a step whose fp16 gradients overflowed."""
        for member in self._members:
            scaler.step(member)
        scaler.update()

    def zero_grad(self) -> None:
        for member in self._members:
            member.zero_grad(set_to_none=True)

    def state_tensors(self, *, keep: bool = True) -> dict[str, Tensor]:
        """Everything the optimizers remember, on the CPU, as ``parameter name.value`` (``wte.weight.exp_avg``).

        Under FSDP every process must call it: shards are gathered. Those that do not ``keep`` them get nothing.
        """
        tensors = {}
        for member, named in zip(self._members, self._named, strict=True):
            for name, weight in named.items():
                for key, value in member.state[weight].items():
                    gathered = whole(value)
                    if keep:
                        tensors[f"{name}.{key}"] = gathered.cpu().contiguous()
        return tensors

    def load_state_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Takes over what `state_tensors` gave; nothing at all is the state before the first step.

        Raises:
            UserError: when they belong to other parameters or another optimizer.
        """
        expected = {
            f"{name}.{key}"
            for member, named in zip(self._members, self._named, strict=True)
            for name in named
            for key in _REMEMBERED[type(member).__name__]
        }
        if tensors and tensors.keys() != expected:
            odd = min(tensors.keys() ^ expected)
            raise UserError(
                f"The optimizer's state does not fit the configuration: {odd} "
                f"{'is missing' if odd in expected else 'has no place'}."
            )
        for member, named in zip(self._members, self._named, strict=True):
            for name, weight in named.items():
                for key in _REMEMBERED[type(member).__name__] if tensors else ():
                    value = tensors[f"{name}.{key}"]
                    scalar = value.ndim == 0
                    member.state[weight][key] = value.to(weight.device) if scalar else as_stored_like(value, weight)


def clip_gradients(model: nn.Module, limit: float) -> Tensor:
    """Scales the whole gradient down to norm ``limit`` (0: leaves it) and returns its norm before, a float32 scalar."""
    return whole(nn.utils.clip_grad_norm_(model.parameters(), limit or float("inf")))
