"""Commands on the charts of the selected run: switches, x axis, unit, metrics of the small charts, export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final, Protocol

from gptdesk.loss_units import LOSS_UNITS, loss_unit
from gptdesk.metrics import METRICS, metric
from gptdesk.ui.train.charts.settings import AXIS_TITLES, SMALL_CHARTS, ChartSettings
from gptdesk.ui.window.commands.registry import Command


class Charts(Protocol):
    """What the commands need of the charts (`ChartPanel`, which knows this module)."""

    settings: ChartSettings

    def choose(self, settings: ChartSettings) -> None: ...

    def fit(self) -> None: ...

    def open_smoothing(self) -> None: ...

    def compare(self) -> None: ...

    def why_no_comparison(self) -> str | None: ...

    def ask_where_to_save(self, kind: str) -> None: ...


Panel = Callable[[], Charts | None]

PREFIX: Final = "charts."
"""Begins the ids of these commands."""

PER_TOKEN_ALONE: Final = "These losses were published per token and cannot be converted; choose another unit."
"""Why published losses cannot be drawn in every unit."""

NO_RUN: Final = "Choose a run on the Train page first."

SWITCHES: Final = {
    "follow": ("Follow the newest step", "Move the charts as the run trains, so that its newest step is visible"),
    "log_x": ("Logarithmic x axis", "Give all charts a logarithmic x axis"),
    "log_y": (
        "Logarithmic y axis",
        f"Give charts a logarithmic y axis: {', '.join(each.title for each in METRICS if each.log_y)}",
    ),
    "published": ("Published losses of GPT-2", "Draw the losses of OpenAI's models as lines across the loss chart"),
}
"""Titles and descriptions of the settings that are on or off, by field of `ChartSettings`."""

FORMATS: Final = {
    "png": ("Save charts as PNG…", "Save the charts as a picture, at twice the size of the screen", "Picture (*.png)"),
    "svg": ("Save charts as SVG…", "Save the charts as a drawing that can be enlarged", "Drawing (*.svg)"),
    "csv": ("Save charts as CSV…", "Save the values of the charts as a table, in full precision", "Table (*.csv)"),
}
"""Title, description and file filter of each format of the export."""

PLACES: Final = {"left": "Left chart", "right": "Right chart"}
"""Titles of the small charts, by the field of `ChartSettings` with their metric."""


def switch_id(setting: str) -> str:
    """Id of the command that switches a setting."""
    return f"{PREFIX}{setting}"


def axis_id(axis: str) -> str:
    """Id of the command that chooses an x axis."""
    return f"{PREFIX}axis.{axis}"


def unit_id(key: str) -> str:
    """Id of the command that shows losses in a unit."""
    return f"{PREFIX}unit.{key}"


def metric_id(place: str, key: str) -> str:
    """Id of the command that shows a metric in the small chart at a place."""
    return f"{PREFIX}{place}.{key}"


def save_id(kind: str) -> str:
    """Id of the command that exports the charts in a format."""
    return f"{PREFIX}save.{kind}"


def chart_commands(panel: Panel, show: Panel) -> list[Command]:
    """The commands.

    Args:
        panel: returns the charts of the selected run; ``None`` if no run is selected.
        show: shows the page and returns them.
    """

    def act(on_panel: Callable[[Charts], object]) -> Callable[[], object]:
        return lambda: on_panel(charts) if (charts := show()) is not None else None

    def why_not() -> str | None:
        return NO_RUN if panel() is None else None

    return [
        Command(
            id="charts.fit",
            title="Show everything",
            description="Zoom the charts out to the whole run",
            submenu="Charts",
            run=act(lambda charts: charts.fit()),
            is_possible=why_not,
        ),
        *_setting_commands(panel, act, why_not),
        Command(
            id="charts.smoothing",
            title="Smoothing…",
            description="Set the weight of earlier values in the moving average of the curves",
            submenu="Charts",
            run=act(lambda charts: charts.open_smoothing()),
            is_possible=why_not,
        ),
        Command(
            id="charts.compare",
            title="Compare runs…",
            description="List the validation losses of the runs on the charts, and the settings in which they differ",
            submenu="Charts",
            run=act(lambda charts: charts.compare()),
            is_possible=lambda: charts.why_no_comparison() if (charts := panel()) is not None else NO_RUN,
        ),
        *(
            Command(
                id=save_id(kind),
                title=title,
                description=description,
                run=act(lambda charts, kind=kind: charts.ask_where_to_save(kind)),  # type: ignore[misc]
                is_possible=why_not,
            )
            for kind, (title, description, _) in FORMATS.items()
        ),
    ]


def _setting_commands(
    panel: Panel,
    act: Callable[[Callable[[Charts], object]], Callable[[], object]],
    why_not: Callable[[], str | None],
) -> list[Command]:
    """A command for each switch, each x axis, each unit of losses, and each metric of each small chart."""

    def choose(**changes: object) -> Callable[[], object]:
        return act(lambda charts: charts.choose(replace(charts.settings, **changes)))  # type: ignore[arg-type]

    def toggle(setting: str) -> Callable[[], object]:
        return act(lambda charts: charts.choose(charts.settings.toggled(setting)))

    def is_chosen(setting: str, value: object) -> bool:
        charts = panel()
        return getattr(charts.settings if charts is not None else ChartSettings(), setting) == value

    def why_no_switch(setting: str) -> str | None:
        charts = panel()
        if charts is None or setting != "published":
            return why_not()
        return PER_TOKEN_ALONE if loss_unit(charts.settings.loss_unit).needs_bytes else None

    switches = [
        Command(
            id=switch_id(setting),
            title=title,
            description=description,
            submenu="Charts",
            run=toggle(setting),
            checked=partial(is_chosen, setting, True),
            is_possible=partial(why_no_switch, setting),
        )
        for setting, (title, description) in SWITCHES.items()
    ]
    axes = [
        Command(
            id=axis_id(axis),
            title=title.title,
            description=f"Draw the curves over {title.title.lower()}",
            submenu="X axis of charts",
            run=choose(axis=axis),
            checked=partial(is_chosen, "axis", axis),
            is_possible=why_not,
        )
        for axis, title in AXIS_TITLES.items()
    ]
    metrics = [
        Command(
            id=metric_id(place, key),
            title=metric(key).title,
            description=f"Show the metric {metric(key).title} in the {title.lower()}",
            submenu=title,
            run=choose(**{place: key}),
            checked=partial(is_chosen, place, key),
            is_possible=why_not,
        )
        for place, title in PLACES.items()
        for key in SMALL_CHARTS
    ]
    units = [
        Command(
            id=unit_id(unit.key),
            title=unit.title,
            description=unit.description,
            submenu="Unit of losses",
            run=choose(loss_unit=unit.key),
            checked=partial(is_chosen, "loss_unit", unit.key),
            is_possible=why_not,
        )
        for unit in LOSS_UNITS
    ]
    return [*switches, *axes, *units, *metrics]
