"""Messages about runs and preparations, made from the events of a scan."""

from __future__ import annotations

from pathlib import Path

import msgspec

from gptdesk.training.data.data_scanner import DataEntry
from gptdesk.training.index import RunEntry
from gptdesk.training.scan_result import AlertRaised, PreparationEnded, RunEnded, ScanEvent
from gptdesk.ui import number_format


class Notice(msgspec.Struct, frozen=True):
    """A message about a run or a preparation.

    Attributes:
        folder: of the run, or of the data.
        kind: "info", "warn" or "bad".
        shown: whether the Train page shows it anyway when this run is selected.
    """

    folder: Path
    kind: str
    title: str
    text: str
    shown: bool = False


def notice_of(event: ScanEvent) -> Notice:
    """The message about an event. For the GUI thread: numbers are written in the user's locale."""
    match event:
        case RunEnded(entry):
            return Notice(entry.folder, *_run_ended(entry), shown=True)
        case PreparationEnded(entry):
            return Notice(entry.folder, *_preparation_ended(entry), shown=True)
        case AlertRaised(entry, alert):
            return Notice(entry.folder, "warn", f"{entry.name}: {alert.title}", alert.explanation)


def _run_ended(entry: RunEntry) -> tuple[str, str, str]:
    """Kind, title and text."""
    if entry.state.state == "crashed":
        reason = str(entry.state.exit.get("reason") or "The trainer ended without a reason.")
        text = f"{reason.rstrip('.')}. The Train page shows its last output and can resume it."
        return "bad", f"{entry.name} has crashed", text
    if entry.state.state == "lost":
        return (
            "warn",
            f"{entry.name} is lost",
            "Its computer sends no heartbeat; the trainer may still be running.",
        )
    return "info", f"{entry.name} has finished", _result(entry)


def _result(entry: RunEntry) -> str:
    if entry.best_loss is None:
        return "All steps are done."
    step = number_format.count(entry.best_step or 0)
    return f"Best validation loss {number_format.decimal(entry.best_loss, 4)} nats per token at step {step}."


def _preparation_ended(entry: DataEntry) -> tuple[str, str, str]:
    """Kind, title and text."""
    if entry.ready:
        return "info", f"{entry.name} is ready to train on", f"It has {number_format.tokens(entry.state.tokens)}."
    if entry.state.state == "failed":
        return "bad", f"{entry.name} could not be prepared", entry.state.error
    return "warn", f"Preparing {entry.name} was interrupted", "Its progress is kept; it can be resumed."
