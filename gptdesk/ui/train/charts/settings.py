"""What is drawn and how: the runs on the charts, and the person's choices about them. Imports no pyqtgraph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from gptdesk.bounded_read import number
from gptdesk.metrics import METRICS, Metric, metric_of
from gptdesk.training.history.history import RunHistory
from gptdesk.training.history.series import AXES

LARGEST_SMOOTHING: Final = 0.999
"""Beyond this an average of a run is a straight line (tensorboard issue 4372)."""

SMALL_CHARTS: Final = tuple(each.key for each in METRICS if not each.primary)
"""Metrics that a small chart can show."""

AXIS_TITLES: Final = {"step": "Step", "tokens": "Tokens", "time": "Time since the start"}
"""Of what runs from left to right."""

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
        config: its settings by section, to be compared with those of others and for levels.
    """

    name: str
    history: RunHistory
    role: str = "accent"
    current: bool = True
    steps: int | None = None
    config: Mapping[str, Any] | None = None


def value_name(run: PlottedRun, value: str) -> str:
    """Name of a value in a legend; "memory" is that of the device that trains."""
    part = next(part for part in metric_of(value).values if part.key == value)
    on_gpu = str(run.history.facts.get("device", "")).startswith("cuda")
    return part.gpu_name if on_gpu and part.gpu_name else part.name


def level(run: PlottedRun, metric: Metric) -> float:
    """The setting of the run that is drawn as a line across the chart of a metric; 0 where there is none."""
    section, _, name = metric.level.partition(".")
    values = (run.config or {}).get(section)
    return number(values.get(name), 0.0) if isinstance(values, Mapping) else 0.0


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
