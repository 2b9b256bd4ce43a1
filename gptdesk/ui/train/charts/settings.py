"""The runs on the charts and the settings of how they are drawn. Imports neither numpy nor pyqtgraph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from gptdesk.bounded_read import number
from gptdesk.loss_units import LOSS_UNITS
from gptdesk.metrics import AXES, METRICS, Metric, metric_of

if TYPE_CHECKING:
    from gptdesk.training.history.history import RunHistory

LARGEST_SMOOTHING: Final = 0.999
"""Largest smoothing; beyond it the average of a run is a straight line (tensorboard issue 4372)."""

SMALL_CHARTS: Final = tuple(each.key for each in METRICS if not each.primary)
"""Metrics that a small chart can show."""


class AxisTitle(NamedTuple):
    """Names of an x axis: on its button, and where there is room."""

    short: str
    title: str


AXIS_TITLES: Final = {
    "step": AxisTitle("Step", "Step"),
    "tokens": AxisTitle("Tokens", "Tokens"),
    "time": AxisTitle("Time", "Time since the start"),
}

OVERLAY_ROLES: Final = ("muted", "warn", "bad", "good")
"""Colours of pinned runs, in turn; their dashes differ too."""


class PlottedRun(msgspec.Struct, frozen=True):
    """A run on the charts.

    Attributes:
        name: on the screen.
        history: of the run.
        role: name of its colour in the palette.
        current: whether it is the selected run; the others are pinned and dashed.
        steps: planned, where known.
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
        axis: x axis, one of "step", "tokens" and "time".
        log_x: logarithmic x axis.
        log_y: logarithmic y axis of the metrics that allow it.
        loss_unit: of the large chart, the key of one of `gptdesk.loss_units.LOSS_UNITS`.
        smoothing: weight of earlier values in the moving average, 0 to 0.999.
        follow: keep the newest step in view.
        published: draw the published losses of OpenAI's models.
        left: the small chart at the left, one of `SMALL_CHARTS`.
        right: the one at the right.
    """

    axis: str = "step"
    log_x: bool = False
    log_y: bool = False
    loss_unit: str = LOSS_UNITS[0].key
    smoothing: float = 0.6
    follow: bool = True
    published: bool = False
    left: str = "lr"
    right: str = "grad_norm"

    def __post_init__(self) -> None:
        if self.axis not in AXES:
            raise ValueError(f"axis must be one of {', '.join(AXES)}, not {self.axis!r}")
        if self.loss_unit not in {unit.key for unit in LOSS_UNITS}:
            raise ValueError(f"there is no unit {self.loss_unit!r} of losses")
        if not 0 <= self.smoothing <= LARGEST_SMOOTHING:
            raise ValueError(f"smoothing must be between 0 and {LARGEST_SMOOTHING}, not {self.smoothing}")
        for chart in (self.left, self.right):
            if chart not in SMALL_CHARTS:
                raise ValueError(f"there is no chart of {chart!r}")

    def toggled(self, setting: str) -> ChartSettings:
        """A copy in which a setting that is on is off, or the other way round."""
        changed: dict[str, Any] = {setting: not getattr(self, setting)}
        return replace(self, **changed)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ChartSettings:
        """Settings from `to_dict`, perhaps of another version; invalid values are replaced by defaults."""
        settings = cls()
        for field in fields(cls):
            value = values.get(field.name)
            if type(value) is type(getattr(settings, field.name)):
                try:
                    settings = cls(**{**asdict(settings), field.name: value})
                except ValueError:
                    continue
        return settings
