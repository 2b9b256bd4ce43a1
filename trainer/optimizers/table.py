"""The optimizers that a run can use, in one table; flags, form, documentation and memory estimates follow it.

Imports no torch until an optimizer is built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer


class OptimizerSettings(Protocol):
    """Fields of the configuration's section ``optim`` that optimizers read."""

    @property
    def learning_rate(self) -> float: ...
    @property
    def betas(self) -> tuple[float, float]: ...
    @property
    def eps(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def muon_learning_rate(self) -> float: ...
    @property
    def muon_momentum(self) -> float: ...
    @property
    def muon_weight_decay(self) -> float: ...


@dataclass(frozen=True, kw_only=True)
class OptimizerKind:
    """One optimizer.

    Attributes:
        help: which weights it takes and what it is, for documentation and the form.
        build: makes it for the weights that decay (matrices and embeddings) and those that do not (biases and layer
            norms). Either list may be empty, not both; every weight must be in exactly one of its groups.
        state: names of what it keeps of each weight, as in torch's ``optimizer.state``. `Optimizers` saves exactly
            these, so that a resumed run goes on as if it had not stopped.
        floats_per_weight: float32 numbers that it keeps for each weight, for memory and disk estimates.
        rest: optimizer of the weights outside the blocks' matrices, by name; "" when it takes all weights itself.
    """

    help: str
    build: Callable[[list[Tensor], list[Tensor], OptimizerSettings], Optimizer]
    state: tuple[str, ...]
    floats_per_weight: int
    rest: str = ""


def _adamw(decayed: list[Tensor], others: list[Tensor], config: OptimizerSettings) -> Optimizer:
    from trainer.optimizers.lazy_compiler import AdamW

    return AdamW(
        decay_groups(decayed, others, config.weight_decay),
        lr=config.learning_rate,
        betas=config.betas,
        eps=config.eps,
        fused=True,
    )


def _muon(decayed: list[Tensor], others: list[Tensor], config: OptimizerSettings) -> Optimizer:
    from trainer.optimizers.muon import Muon

    assert not others, "Muon takes matrices alone"
    return Muon(
        decayed,
        lr=config.muon_learning_rate,
        momentum=config.muon_momentum,
        weight_decay=config.muon_weight_decay,
    )


def decay_groups(decayed: list[Tensor], others: list[Tensor], weight_decay: float) -> list[dict[str, object]]:
    """Parameter groups of torch's optimizers, the empty ones left out."""
    groups: list[dict[str, object]] = [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


OPTIMIZERS: Final[dict[str, OptimizerKind]] = {
    "adamw": OptimizerKind(
        help="AdamW for all weights",
        build=_adamw,
        state=("step", "exp_avg", "exp_avg_sq"),
        floats_per_weight=2,
    ),
    "muon": OptimizerKind(
        help="Muon for the matrices of the blocks, AdamW for the rest (Jordan 2024)",
        build=_muon,
        state=("momentum_buffer",),
        floats_per_weight=1,
        rest="adamw",
    ),
}
"""All optimizers, by the name of the setting ``optim.optimizer``."""


def help_text() -> str:
    """Description of the setting ``optim.optimizer``."""
    return "; ".join(f"{name}: {kind.help}" for name, kind in OPTIMIZERS.items()) + "."


def assign(optimizer: str, weights: Iterable[tuple[str, int]]) -> dict[str, list[str]]:
    """Which optimizer takes which weights.

    Args:
        optimizer: of the configuration.
        weights: name and number of dimensions of each weight that is trained.

    Returns:
        names of weights by the optimizer that takes them, without optimizers that get none; the one that takes what is
        not a matrix of a block first.
    """
    kind = OPTIMIZERS[optimizer]
    found: dict[str, list[str]] = {name: [] for name in (kind.rest, optimizer) if name}
    for name, dimensions in weights:
        in_blocks = name.startswith("h.") and dimensions == 2
        found[optimizer if in_blocks or not kind.rest else kind.rest].append(name)
    return {name: names for name, names in found.items() if names}


def state_floats(optimizer: str, *, block_matrices: int, others: int) -> int:
    """Float32 numbers that an optimizer keeps for so many weights in matrices of blocks, and so many others."""
    kind = OPTIMIZERS[optimizer]
    rest = OPTIMIZERS[kind.rest] if kind.rest else kind
    return kind.floats_per_weight * block_matrices + rest.floats_per_weight * others
