"""What an active run can be asked for: titles, descriptions, and when the trainer would refuse."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

TITLES: Final = {
    "pause": ("Pause", "Hold at the end of this step; the run keeps its memory and its place"),
    "resume": ("Resume", "Continue where the run was paused"),
    "checkpoint": ("Checkpoint now", "Save the weights of this step, to try them or to resume from them"),
    "evaluate": ("Evaluate now", "Measure the validation loss now and write the samples"),
    "sample": ("Sample now", "Continue a prompt with the current weights"),
    "stop": ("Stop and save", "Write a checkpoint and end; the run can be resumed later"),
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
"""What is said from the click until the trainer has answered."""


def is_blocked(action: str, state: str, asked: Collection[str]) -> bool:
    """Whether the trainer would refuse it, or is about to end."""
    if state == "stopping" or "stop" in asked or "abort" in asked:
        return True
    return action == "checkpoint" and state == "paused"
