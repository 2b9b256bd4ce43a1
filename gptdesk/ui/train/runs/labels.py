"""Labels of a run's state."""

from __future__ import annotations

import time
from typing import Final, NamedTuple

from gptdesk.loss_units import LARGEST_CONVERTED, LOSS_UNITS, LossUnit
from gptdesk.training.index import RunEntry
from gptdesk.ui import number_format


class StateLabel(NamedTuple):
    """How a state is shown.

    Attributes:
        title: in the status bar.
        role: colour of its dot.
        ring: whether the dot is a ring: in progress, or waiting.
    """

    title: str
    role: str
    ring: bool = False


STATES: Final = {
    "starting": StateLabel("Starting", "accent", ring=True),
    "compiling": StateLabel("Compiling; the first step takes up to a minute", "accent", ring=True),
    "running": StateLabel("Training", "good"),
    "paused": StateLabel("Paused", "muted", ring=True),
    "stopping": StateLabel("Saving and stopping", "accent", ring=True),
    "finished": StateLabel("Finished", "muted"),
    "stopped": StateLabel("Stopped", "muted"),
    "crashed": StateLabel("Crashed", "bad"),
    "lost": StateLabel("No heartbeat", "warn"),
}
"""One label for each state of `trainer.run_directory.state`; text beside the dot says the same."""

SEPARATOR: Final = "  ·  "


def state_label(entry: RunEntry) -> StateLabel:
    """The label of the run's state, or that it cannot be read."""
    if entry.problem:
        return StateLabel(_problem(entry).capitalize(), "warn")
    return STATES[entry.state.state]


def _problem(entry: RunEntry) -> str:
    return "damaged" if "damaged" in entry.problem else "cannot be read"


def state_text(entry: RunEntry) -> str:
    """running · 41 %, or crashed at 1,204."""
    state, step = entry.state.state, entry.step
    if entry.problem:
        return _problem(entry)
    if state in ("crashed", "stopped") and step:
        return f"{state} at {number_format.count(step)}"
    if entry.active and step and entry.steps:
        return f"{state} · {number_format.percent(step / entry.steps)}"
    return state


def detail_text(entry: RunEntry, unit: LossUnit) -> str:
    """best 3.71 nats · 2 h ago · #muon.

    Args:
        entry: the run.
        unit: of its loss; nats per token instead of a unit that depends on the text, which is not read for a list.
    """
    return " · ".join([*_loss_and_age(entry, unit, "best "), *(f"#{tag}" for tag in entry.tags)])


def shorter_details(entry: RunEntry, unit: LossUnit) -> list[str]:
    """Shorter forms of `detail_text`, the longest first: without tags, without "best", the age alone."""
    forms = (_loss_and_age(entry, unit, "best "), _loss_and_age(entry, unit), _loss_and_age(entry, unit)[-1:])
    return [" · ".join(form) for form in forms]


def _loss_and_age(entry: RunEntry, unit: LossUnit, before: str = "") -> list[str]:
    parts = [] if entry.best_loss is None else [before + _loss(entry.best_loss, unit)]
    if entry.created:  # unknown for some damaged runs
        parts.append(number_format.ago(max(0.0, time.time() - entry.created)))
    return parts


def _loss(nats: float, unit: LossUnit) -> str:
    """A loss with its unit; one of a run that diverged is too large for any unit but nats."""
    if unit.needs_bytes or not nats < LARGEST_CONVERTED:
        unit = LOSS_UNITS[0]
    return unit.with_value.format(number_format.decimal(unit.from_nats(nats, 0.0), 2))


def accessible_name(entry: RunEntry, unit: LossUnit) -> str:
    """Description of a run for screen readers, with its loss in a unit."""
    step = f", step {number_format.count(entry.step)}" if entry.step else ""
    pinned = ", pinned" if entry.pinned else ""
    return f"{entry.name}, {state_text(entry)}{step}, {detail_text(entry, unit)}{pinned}"
