"""The metrics that a training run records, in one table.

The trainer's step events, the window's history reader, the choice of charts and how each is drawn, number formats,
spoken descriptions, the CSV export, ``trainer info`` and docs/METRICS.md all follow `METRICS`. How a value is measured
is the only other thing to write (`trainer.measures`).
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

AXES: Final = ("step", "tokens", "time")
"""X axes of all charts: optimizer steps, trained tokens, seconds since the first event."""

Format = Literal["decimal", "digits", "rate", "bytes", "share", "milliseconds"]
"""How values are written: three decimals, three significant digits, whole numbers from 10 on, or by unit."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded value of a metric.

    Attributes:
        key: name of the value in a step event and in series.
        name: in a legend.
        gpu_name: in the legend of a run on CUDA, where that differs.
        description: what is measured, and when the value is absent.
    """

    key: str
    name: str
    description: str
    gpu_name: str = ""


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One metric, and how a chart of it is drawn.

    Attributes:
        key: name of the metric in settings; of its value in a step event too, unless it has parts.
        title: on the screen.
        unit: of its values, for documentation; "" where they have none.
        description: what is measured, in a few words.
        format: how values are written, and the ticks of its axis.
        parts: the values of a metric that has several.
        container: object in the step event that holds the parts; "" where they stand in the event itself.
        axis_title: of the y axis of an exported chart, where the title does not say the unit.
        primary: drawn in the large chart, with validation losses, marks and published losses; true of one metric.
        stacked: drawn as areas that stand on each other.
        averaged: noisy enough that an average is drawn over it.
        from_zero: the y axis begins at zero.
        log_y: the y axis may be logarithmic.
        level: setting of the run, "section.name", drawn as a line across when it is above 0.
        level_name: of that line.
        always_recorded: a missing value means one that was not finite, rather than one that could not be measured.
        pointed: listed beside the loss in the box at the pointer.
    """

    key: str
    title: str
    unit: str = ""
    description: str = ""
    format: Format = "decimal"
    parts: tuple[Part, ...] = ()
    container: str = ""
    axis_title: str = ""
    primary: bool = False
    stacked: bool = False
    averaged: bool = False
    from_zero: bool = False
    log_y: bool = False
    level: str = ""
    level_name: str = ""
    always_recorded: bool = False
    pointed: bool = False

    @property
    def values(self) -> tuple[Part, ...]:
        """Its parts, or the metric itself as its only one."""
        return self.parts or (Part(key=self.key, name=self.title, description=self.description),)

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of its values."""
        return tuple(part.key for part in self.values)

    def column(self, key: str) -> str:
        """Name of one of its values in a CSV file: ``data_ms`` for ``data`` in the container ``ms``."""
        return f"{key}_{self.container}" if self.container else key


METRICS: tuple[Metric, ...] = (
    Metric(
        key="loss",
        title="Loss",
        unit="nats per token",
        axis_title="Loss, nats per token",
        description="Training loss of the step: mean cross-entropy of the predicted tokens.",
        primary=True,
        averaged=True,
        log_y=True,
        always_recorded=True,
    ),
    Metric(
        key="bits_per_byte",
        title="Bits per byte",
        unit="bits per byte",
        axis_title="Loss, bits per byte",
        description="Training loss of the step per byte of text, which compares models of different vocabularies. "
        "Evaluations record that of the validation text under the same name.",
        averaged=True,
    ),
    Metric(
        key="lr",
        title="Learning rate",
        description="Learning rate of the step, of the optimizer that takes embeddings and biases.",
        format="digits",
        from_zero=True,
        pointed=True,
    ),
    Metric(
        key="grad_norm",
        title="Gradient norm",
        description="L2 norm of the whole gradient before clipping.",
        averaged=True,
        log_y=True,
        level="optim.grad_clip",
        level_name="clip",
        always_recorded=True,
        pointed=True,
    ),
    Metric(
        key="tokens_per_s",
        title="Tokens per second",
        unit="tokens per second",
        description="Training tokens per second, by the median time of the last 50 steps.",
        format="rate",
        averaged=True,
    ),
    Metric(
        key="split",
        title="Step time",
        unit="ms",
        axis_title="Time of a step, ms",
        description="Time of a step by part, medians of the last 50 steps.",
        format="milliseconds",
        container="ms",
        stacked=True,
        from_zero=True,
        parts=(
            Part(key="data", name="data", description="Reading the batch and moving it to the device."),
            Part(key="forward", name="forward", description="Forward pass and loss."),
            Part(key="backward", name="backward", description="Backward pass."),
            Part(key="optimizer", name="optimizer", description="Clipping and the optimizer step."),
        ),
    ),
    Metric(
        key="memory",
        title="Memory",
        unit="bytes",
        description="Memory that the training takes.",
        format="bytes",
        from_zero=True,
        pointed=True,
        parts=(
            Part(
                key="memory",
                name="process",
                gpu_name="GPU",
                description="Peak so far: of the GPU on CUDA, else of the process.",
            ),
            Part(key="ram", name="process", description="Resident memory of the process; on CUDA only."),
        ),
    ),
    Metric(
        key="load",
        title="Load",
        unit="share, 0 to 1",
        description="How busy the hardware is.",
        format="share",
        averaged=True,
        from_zero=True,
        pointed=True,
        parts=(
            Part(
                key="cpu",
                name="CPU",
                description="Share of all processors of the computer that the process used since the last logged step.",
            ),
            Part(
                key="gpu",
                name="GPU",
                description="Share of the last moment in which the GPU was busy; on CUDA only, absent without NVML "
                "(`pynvml`).",
            ),
        ),
    ),
    Metric(
        key="mfu",
        title="MFU",
        unit="share, 0 to 1",
        description="Model FLOP/s utilization: (6 N + 12 L C T) x tokens per second / peak FLOP/s of all devices "
        "(Chowdhery et al. 2022, appendix B). Absent where the peak is not known.",
        format="share",
        from_zero=True,
    ),
)
"""All metrics, in the order of the choices of a chart."""

STEP: Final = ("step", "tokens")
"""Values of a step event that place it on an axis."""


def metric(key: str) -> Metric:
    """The metric of that name.

    Raises:
        KeyError: when there is none.
    """
    found = next((each for each in METRICS if each.key == key), None)
    if found is None:
        raise KeyError(key)
    return found


def metric_of(value: str) -> Metric:
    """The metric that a value belongs to.

    Raises:
        KeyError: when no metric records it.
    """
    found = next((each for each in METRICS if value in each.keys), None)
    if found is None:
        raise KeyError(value)
    return found


def value_keys() -> tuple[str, ...]:
    """Keys of all values that a step event may hold."""
    return tuple(key for each in METRICS for key in each.keys)


def primary() -> Metric:
    """The metric of the large chart."""
    return next(each for each in METRICS if each.primary)


def contained() -> dict[str, tuple[str, ...]]:
    """Keys of the values that stand in an object of the step event, by the name of that object."""
    names = dict.fromkeys(each.container for each in METRICS if each.container)
    return {name: tuple(key for each in METRICS if each.container == name for key in each.keys) for name in names}


def reference_page() -> str:
    """docs/METRICS.md."""
    lines = [
        "# Metrics of a run",
        "",
        "Made by `python -m trainer config --metrics`; the source is `gptdesk/metrics.py`.",
        "",
        "A step event in a run's `events.jsonl` holds, beside `step`, `tokens` and `epoch` (trained until then), the",
        "values below. A value that is not finite is null. With several processes they are those of the process that",
        "records. A metric is a chart; its values are the lines in it and the columns of an exported table.",
        "",
        "| chart | value | unit | what it is |",
        "| --- | --- | --- | --- |",
    ]
    for each in METRICS:
        for part in each.values:
            place = f"{each.container}.{part.key}" if each.container else part.key
            lines.append(f"| {each.title} | `{place}` | {each.unit} | {part.description} |")
    return "\n".join(lines) + "\n"
