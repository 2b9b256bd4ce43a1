"""Trains the bundled model's shape on prepared data until it is done or the time is up; a second call resumes it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import Any, Final

from benchmarks.gpu.card_tests import ROOT
from benchmarks.gpu.options import Options, Report
from trainer.run_directory.layout import CHECKPOINTS
from trainer.run_directory.state import read_state

PRESET: Final = "story-10m"

_GRACE: Final = 30.0
"""Seconds for the last checkpoint and the end."""


def measure(options: Options, report: Report) -> None:
    """Trains in ``bundled`` in the output folder; hands over how far it came."""
    assert options.train is not None
    run = options.out / "bundled"
    began = [sys.executable, "-m", "trainer"]
    if any((run / CHECKPOINTS).glob("step-*")):
        command = [*began, "resume", str(run), *options.flags]
    else:
        command = [*began, "train", "--preset", PRESET, "--data", str(options.train), "--out", str(run)]
        command += ["--run.device", options.device, *options.flags]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            process.wait(max(1.0, options.seconds - _GRACE))
        except subprocess.TimeoutExpired:
            while process.poll() is None and read_state(run).state not in ("compiling", "running"):
                time.sleep(0.1)  # before, it would end without having saved
            process.send_signal(signal.SIGTERM)  # saves and stops
            process.wait()
    if process.returncode:
        raise SystemExit(f"The trainer ended with status {process.returncode}.")
    state = read_state(run)
    kept = ("step", "steps", "tokens", "loss", "val_loss", "best_loss", "best_step", "checkpoint")
    report({"state": state.state, "folder": run.name, **{key: state.status.get(key) for key in kept}})


def as_table(values: dict[str, Any]) -> str:
    """One sentence."""
    return (
        f"{values['state'].capitalize()} at step {values['step']:,} of {values['steps']:,}; validation loss "
        f"{values['val_loss']}, best {values['best_loss']}; newest checkpoint {values['checkpoint']} in "
        f"`{values['folder']}`."
    )
