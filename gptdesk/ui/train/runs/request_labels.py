"""Requests to the trainer of an active run: labels, descriptions, and when it would refuse them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple


class RequestTitle(NamedTuple):
    """Label on menus and buttons, and a description."""

    label: str
    description: str


TITLES: Final = {
    "pause": RequestTitle("Pause", "Pause at the end of this step; the trainer keeps its memory"),
    "resume": RequestTitle("Resume", "Continue from the step at which the run was paused"),
    "checkpoint": RequestTitle("Checkpoint now", "Save the weights of this step, to try them or to resume from them"),
    "evaluate": RequestTitle("Evaluate now", "Measure the validation loss now and write the samples"),
    "sample": RequestTitle("Sample now…", "Continue a prompt with the current weights"),
    "stop": RequestTitle("Stop and save", "Write a checkpoint and end the run; it can be resumed later"),
}
WAITING: Final = {
    "pause": "Pausing…",
    "resume": "Resuming…",
    "checkpoint": "Saving…",
    "evaluate": "Evaluating…",
    "sample": "Sampling…",
    "stop": "Stopping…",
    "abort": "Aborting…",
    "set": "Changing settings…",
}
"""Labels from the click until the trainer has answered."""


def is_blocked(action: str, state: str, asked: Collection[str]) -> bool:
    """Whether the trainer would refuse a request, or is about to end."""
    if state == "stopping" or "stop" in asked or "abort" in asked:
        return True
    return action == "checkpoint" and state == "paused"
