"""What is drawn and how: the runs on the charts, and the person's choices about them. Imports no pyqtgraph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from gptdesk.training.history.history import RunHistory
from gptdesk.training.history.series import AXES

LARGEST_SMOOTHING: Final = 0.999
"""Beyond this an average of a run is a straight line (tensorboard issue 4372)."""

SMALL_CHARTS: Final = ("lr", "grad_norm", "tokens_per_s", "split", "memory", "load", "mfu")
"""What a small chart can show."""

TITLES: Final = {
    "loss": "Loss",
    "lr": "Learning rate",
    "grad_norm": "Gradient norm",
    "tokens_per_s": "Tokens per second",
    "split": "Step time",
    "memory": "Memory",
    "load": "Load",
    "mfu": "MFU",
}

Y_TITLES: Final = {**TITLES, "loss": "Loss, nats per token", "split": "Time of a step, ms"}
"""Of what a saved chart shows, with the unit where its ticks do not say it."""

AXIS_TITLES: Final = {"step": "Step", "tokens": "Tokens", "time": "Time since the start"}
"""Of what runs from left to right."""

PARTS: Final = {
    "split": ("data", "forward", "backward", "optimizer"),
    "memory": ("memory", "ram"),
    "load": ("cpu", "gpu"),
}
"""What charts of several metrics show; the others show the one that they are called by."""

OVERLAY_ROLES: Final = ("muted", "warn", "bad", "good")
"""Colours for pinned runs, in turn; their dashes differ too."""


@dataclass(frozen=True)
class PlottedRun:
    """A run on the charts.

    Attributes:
        name: for people.
        history: what it has recorded so far.
        role: colour of the palette.
        current: whether it is the run at hand; the others are pinned, and drawn dashed.
        steps: in the whole run, where that is known.
        grad_clip: largest norm that gradients are let have; 0: no limit.
        config: its settings, section by section, to be compared with those of others.
    """

    name: str
    history: RunHistory
    role: str = "accent"
    current: bool = True
    steps: int | None = None
    grad_clip: float = 0.0
    config: Mapping[str, Any] | None = None


def parts(chart: str) -> tuple[str, ...]:
    """The metrics that a chart shows."""
    return PARTS.get(chart, (chart,))


def part_name(run: PlottedRun, metric: str) -> str:
    """What one of several metrics of a chart is called; "memory" is that of the device that trains."""
    if metric == "memory":
        return "GPU" if str(run.history.facts.get("device", "")).startswith("cuda") else "process"
    return {"cpu": "CPU", "gpu": "GPU", "ram": "process"}.get(metric, metric)


@dataclass(frozen=True)
class ChartSettings:
    """How the charts are drawn.

    Attributes:
        axis: what runs from left to right, one of "step", "tokens" and "time".
        log_x: that axis is logarithmic.
        log_y: losses and gradient norms are logarithmic.
        smoothing: weight of the past in the average, 0 to 0.999.
        follow: the charts move with a run that grows.
        published: losses of OpenAI's models are drawn, too.
        left: the small chart at the left, one of `SMALL_CHARTS`.
        right: the one at the right.
    """

    axis: str = "step"
    log_x: bool = False
    log_y: bool = False
    smoothing: float = 0.6
    follow: bool = True
    published: bool = False
    left: str = "lr"
    right: str = "grad_norm"

    def __post_init__(self) -> None:
        if self.axis not in AXES:
            raise ValueError(f"axis must be one of {', '.join(AXES)}, not {self.axis!r}")
        if not 0 <= self.smoothing <= LARGEST_SMOOTHING:
            raise ValueError(f"smoothing must be between 0 and {LARGEST_SMOOTHING}, not {self.smoothing}")
        for chart in (self.left, self.right):
            if chart not in SMALL_CHARTS:
                raise ValueError(f"there is no chart of {chart!r}")

    def to_dict(self) -> dict[str, Any]:
        """As values that JSON holds."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ChartSettings:
        """What `to_dict` gave, perhaps by another version: what cannot be used is as it is at first."""
        settings = cls()
        for field in fields(cls):
            value = values.get(field.name)
            if type(value) is type(getattr(settings, field.name)):
                try:
                    settings = cls(**{**asdict(settings), field.name: value})
                except ValueError:
                    continue
        return settings
