"""All optimizers of a run behind one interface: steps, learning rates, and state for exact resuming."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from gptdesk.errors import UserError
from trainer.config.schema import OptimSection
from trainer.optimizers.lazy_compiler import spare_compiler
from trainer.optimizers.table import OPTIMIZERS, assign
from trainer.parallel.tensors import as_stored_like, whole


class Optimizers:
    """The torch optimizers of a run stepped as one, their learning rates given as a share of the peak.

    Weight decay falls on matrices and embeddings, never on biases and layer norms. Which optimizer takes which weights
    follows from `trainer.optimizers.table`; frozen weights belong to none.

    Attributes:
        members: torch optimizers by name in `OPTIMIZERS`; the one of embeddings and biases first.
    """

    def __init__(self, model: nn.Module, config: OptimSection) -> None:
        spare_compiler()
        weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        self.members: dict[str, torch.optim.Optimizer] = {}
        self._named: dict[str, dict[str, Tensor]] = {}
        for kind, names in assign(config.optimizer, ((name, weight.ndim) for name, weight in weights.items())).items():
            decayed = [name for name in names if weights[name].ndim == 2]
            others = [name for name in names if weights[name].ndim != 2]
            self.members[kind] = OPTIMIZERS[kind].build(
                [weights[name] for name in decayed], [weights[name] for name in others], config
            )
            self._named[kind] = {name: weights[name] for name in decayed + others}
        _require_each_once(self.members, weights)
        self._peaks = {kind: float(member.defaults["lr"]) for kind, member in self.members.items()}

    def set_learning_rate(self, share: float) -> float:
        """Sets every learning rate to this share of its peak and returns that of the first member."""
        for kind, member in self.members.items():
            for group in member.param_groups:
                group["lr"] = self._peaks[kind] * share
        return next(iter(self._peaks.values())) * share

    def unscale(self, scaler: torch.amp.GradScaler) -> None:
        """Undoes the scaling of fp16 gradients, so that they can be measured and clipped."""
        for member in self.members.values():
            scaler.unscale_(member)

    def step(self, scaler: torch.amp.GradScaler) -> None:
        """Steps through the scaler, which skips a step whose fp16 gradients overflowed."""
        for member in self.members.values():
            scaler.step(member)
        scaler.update()

    @property
    def can_skip(self) -> bool:
        """Whether `skip_where` works: all members are fused."""
        return all(getattr(member, "_step_supports_amp_scaling", False) for member in self.members.values())

    def skip_where(self, flag: Tensor) -> None:
        """Makes the steps from now on change nothing where ``flag``, a float32 scalar on the device, is 1.

        The device decides that as it updates the weights; nothing waits for it. `torch.amp.GradScaler` hands its own
        flag over by the same attribute.
        """
        assert self.can_skip
        for member in self.members.values():
            member.found_inf = flag  # type: ignore[attr-defined]

    def zero_grad(self, *, set_to_none: bool = True) -> None:
        for member in self.members.values():
            member.zero_grad(set_to_none=set_to_none)

    def state_tensors(self, *, keep: bool = True) -> dict[str, Tensor]:
        """The state of all optimizers on the CPU, as ``parameter name.value`` (``wte.weight.exp_avg``).

        Under FSDP every process must call it: shards are gathered. Processes that do not ``keep`` them get nothing.
        """
        tensors = {}
        for kind, member in self.members.items():
            for name, weight in self._named[kind].items():
                state = member.state[weight]
                assert not state or state.keys() == set(OPTIMIZERS[kind].state), f"{kind} keeps {sorted(state)}"
                for key, value in state.items():
                    gathered = whole(value)
                    if keep:
                        tensors[f"{name}.{key}"] = gathered.cpu().contiguous()
        return tensors

    def load_state_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Restores what `state_tensors` returned; an empty mapping is the state before the first step.

        Raises:
            UserError: when they belong to other parameters or another optimizer.
        """
        expected = {
            f"{name}.{key}" for kind, named in self._named.items() for name in named for key in OPTIMIZERS[kind].state
        }
        if tensors and tensors.keys() != expected:
            odd = min(tensors.keys() ^ expected)
            raise UserError(
                f"The optimizer's state does not fit the configuration: {odd} "
                f"{'is missing' if odd in expected else 'has no place'}."
            )
        for kind, member in self.members.items():
            for name, weight in self._named[kind].items():
                for key in OPTIMIZERS[kind].state if tensors else ():
                    value = tensors[f"{name}.{key}"]
                    scalar = value.ndim == 0
                    member.state[weight][key] = value.to(weight.device) if scalar else as_stored_like(value, weight)


def _require_each_once(members: Mapping[str, torch.optim.Optimizer], weights: Mapping[str, Tensor]) -> None:
    """Every weight must be in exactly one group of one optimizer: else it would not be trained, or twice."""
    groups = [group for member in members.values() for group in member.param_groups]
    taken = Counter(id(weight) for group in groups for weight in group["params"])
    odd = [name for name, weight in weights.items() if taken[id(weight)] != 1]
    assert not odd, f"in no group, or in several: {', '.join(odd)}"
    assert len(taken) == len(weights), "an optimizer was given weights that are not trained"


def clip_gradients(model: nn.Module, limit: float) -> Tensor:
    """Scales the whole gradient down to norm ``limit`` (0: leaves it) and returns its norm before, a float32 scalar."""
    return whole(nn.utils.clip_grad_norm_(model.parameters(), limit or float("inf")))
