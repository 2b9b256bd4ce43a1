"""Labels of a run's state."""

from __future__ import annotations

import time
from typing import Final

from gptdesk.training.index import RunEntry
from gptdesk.ui import number_format

ROLES: Final = {
    "starting": "accent",
    "compiling": "accent",
    "running": "good",
    "paused": "muted",
    "stopping": "accent",
    "finished": "muted",
    "stopped": "muted",
    "crashed": "bad",
    "lost": "warn",
}
"""Colour roles of states; the label beside the dot says the same."""

RINGS: Final = ("starting", "compiling", "stopping", "paused")
"""States in which the dot is a ring: in progress, or waiting."""

SEPARATOR: Final = "  ·  "


def role(entry: RunEntry) -> str:
    """Colour role of the run's state."""
    return "warn" if entry.problem else ROLES.get(entry.state.state, "muted")


def state_words(entry: RunEntry) -> str:
    """Running · 41 %, or crashed at 1,204."""
    state, step = entry.state.state, entry.step
    if entry.problem:
        return "damaged" if "damaged" in entry.problem else "cannot be read"
    if state in ("crashed", "stopped") and step:
        return f"{state} at {number_format.count(step)}"
    if entry.active and step and entry.steps:
        return f"{state} · {number_format.percent(step / entry.steps)}"
    return state


def detail_words(entry: RunEntry) -> str:
    """Best 3.71 · 2 h ago · #muon."""
    parts = [f"best {number_format.decimal(entry.best_loss, 2)}"] if entry.best_loss is not None else []
    if entry.created:  # unknown for some damaged runs
        parts.append(number_format.ago(max(0.0, time.time() - entry.created)))
    parts += [f"#{tag}" for tag in entry.tags]
    return " · ".join(parts)


def spoken(entry: RunEntry) -> str:
    """Description of a run for screen readers."""
    step = f", step {number_format.count(entry.step)}" if entry.step else ""
    pinned = ", pinned" if entry.pinned else ""
    return f"{entry.name}, {state_words(entry)}{step}, {detail_words(entry)}{pinned}"
