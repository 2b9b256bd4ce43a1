"""What it costs to watch a run: opening a long one, following it while it grows, and the memory for both.

    python -m benchmarks.watch [--steps N] [--turns N] [--seconds S] [--rate N] [--json OUT]

A run is written with the trainer's own writer, every step logged as the trainer logs it, with evaluations and
checkpoints between. *Open* is the time from knowing its folder, in a fresh process each time, with the file in the
system's cache, read in bites as the page does it: once until the curves are known that the page begins with (loss,
gradient norm and learning rate; the speed comes with them, and so do all events that are no steps), and once until
every column is. *Follow* is the processor time of reading on four times a second while another process appends, as a
share of one core. Memory is what Python and NumPy have allocated: for each logged step after opening, and what is
gained by looking again and again at a run that rests. Drawing is measured by `benchmarks.redraw`.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.machine import describe_machine, hand_over, report_parser
from gptdesk.metrics import value_keys
from gptdesk.training.history.history import RunHistory
from trainer.run_directory.layout import EVENTS
from trainer.run_directory.writer import RunWriter

UPDATES_PER_SECOND: Final = 4
TOKENS_PER_STEP: Final = 6_144
EVALUATE_EVERY: Final = 1_000
CHECKPOINT_EVERY: Final = 10_000
IDLE_UPDATES: Final = 10_000
"""As many as in 42 minutes of watching."""

PAGE_BUDGET: Final = 0.15
"""Seconds of a bite, as in `gptdesk.training.run_scanner`."""

FIRST_CURVES: Final = ("loss", "grad_norm", "lr")

GOALS: Final = {"open_s": 1.0, "follow_percent": 2.0}


def log_steps(run: RunWriter, first: int, last: int, *, steps: int) -> None:
    """The events of the steps from ``first`` to ``last``, with the values that the trainer's recorder gives."""
    rng = random.Random(first)
    for step in range(first, last + 1):
        done = step / steps
        run.event(
            "step",
            step=step,
            tokens=step * TOKENS_PER_STEP,
            epoch=round(step / 5e5, 4),
            loss=3.2 + 7.6 * math.exp(-50 * done) + rng.gauss(0, 0.08),
            grad_norm=0.6 + rng.random() / 4,
            lr=3e-4 * (1 + math.cos(math.pi * done)),
            tokens_per_s=round(60_000 + rng.gauss(0, 900), 1),
            ms={
                "data": round(2 + rng.random(), 2),
                "forward": round(160 + rng.random(), 2),
                "backward": round(310 + rng.random(), 2),
                "optimizer": round(61 + rng.random(), 2),
            },
            memory=2_065_432_576,
            cpu=round(0.9 + rng.random() / 10, 3),
            mfu=round(0.37 + rng.random() / 100, 4),
        )
        if step % EVALUATE_EVERY == 0:
            run.event("eval", step=step, val_loss=3.3 + math.exp(-50 * done), tokens=262_144, seconds=9.5, best=True)
        if step % CHECKPOINT_EVERY == 0:
            run.event("checkpoint", step=step, folder=f"step-{step:08}")


def write_run(folder: Path, steps: int) -> None:
    """A run of so many logged steps."""
    run = RunWriter(folder, {"config": {}})
    run.event("start", step=0, steps=steps, parameters=124_439_808, tokens_per_step=TOKENS_PER_STEP, device="cpu")
    log_steps(run, 1, steps, steps=steps)
    run.finish("stopped")


def append_to_run(folder: Path, first: int, last: int, rate: float) -> None:
    """Goes on with a run, so many steps a second."""
    run = RunWriter(folder, {})
    run.event("start", step=first - 1, steps=2 * last, tokens_per_step=TOKENS_PER_STEP, device="cpu")
    began = time.monotonic()
    for step in range(first, last + 1):
        time.sleep(max(0.0, began + (step - first) / rate - time.monotonic()))
        log_steps(run, step, step, steps=2 * last)
    run.finish("stopped")


def time_opening(folder: Path) -> dict[str, float]:
    """Seconds until the first curves, and then all columns, of a run are known, with the process's first use of it."""
    began, processor = time.perf_counter(), time.process_time()
    history = RunHistory(folder)
    found: dict[str, float] = {}
    points: list[int] = []
    while not history.complete:
        history.update(budget=PAGE_BUDGET)
        if not found and history.last["step"] == history.facts["steps"]:
            points = [len(history.series(metric)) for metric in FIRST_CURVES]
            found = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - processor}
    points += [len(history.series(metric)) for metric in value_keys()]
    found["all_seconds"] = time.perf_counter() - began
    found["all_cpu_seconds"] = time.process_time() - processor
    assert set(points) == {history.facts["steps"]}
    return found


def measure_opening(folder: Path, turns: int) -> dict[str, Any]:
    """Opens a run several times."""
    command = [sys.executable, "-m", "benchmarks.watch", "--open", str(folder)]
    found = [json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(turns)]
    report: dict[str, Any] = {"turns": found}
    for prefix in ("", "all_"):
        seconds = sorted(turn[f"{prefix}seconds"] for turn in found)
        report[f"{prefix}open_s"] = median(seconds)
        report[f"{prefix}fastest_s"], report[f"{prefix}slowest_s"] = seconds[0], seconds[-1]
        report[f"{prefix}cpu_s"] = median(turn[f"{prefix}cpu_seconds"] for turn in found)
    return report


def measure_following(folder: Path, steps: int, seconds: float, rate: float) -> dict[str, Any]:
    """Reads on while another process appends."""
    history = RunHistory(folder)
    history.update()
    before = len(history.series("loss"))
    last = steps + max(1, round(seconds * rate))
    command = [sys.executable, "-m", "benchmarks.watch", "--append", str(folder)]
    command += ["--first", str(steps + 1), "--last", str(last), "--rate", str(rate)]
    with subprocess.Popen(command) as writer:
        tick, updates, longest = threading.Event(), 0, 0.0
        began, processor = time.monotonic(), time.thread_time()
        while writer.poll() is None:
            tick.wait(1 / UPDATES_PER_SECOND)
            turn = time.thread_time()
            history.update()
            longest = max(longest, time.thread_time() - turn)
            updates += 1
        spent, passed = time.thread_time() - processor, time.monotonic() - began
    history.update()
    return {
        "seconds": passed,
        "updates": updates,
        "steps": len(history.series("loss")) - before,
        "follow_percent": 100 * spent / passed,
        "longest_ms": 1000 * longest,
    }


def measure_memory(folder: Path) -> dict[str, Any]:
    """Bytes for each logged step, and bytes gained by looking at a run at which nothing happens."""
    tracemalloc.start()
    history = RunHistory(folder)
    before = tracemalloc.get_traced_memory()[0]
    history.update()
    opened = tracemalloc.get_traced_memory()[0]
    for _ in range(10):
        history.update()
    rested = tracemalloc.get_traced_memory()[0]
    for _ in range(IDLE_UPDATES):
        history.update()
    watched = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return {
        "bytes_per_step": (opened - before) / len(history.series("loss")),
        "idle_updates": IDLE_UPDATES,
        "idle_bytes": watched - rested,
    }


def benchmark(steps: int, turns: int, seconds: float, rate: float) -> dict[str, Any]:
    """All figures of a run of so many logged steps."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "run"
        write_run(folder, steps)
        return {
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": describe_machine("msgspec", "numpy"),
            "steps": steps,
            "file_bytes": (folder / EVENTS).stat().st_size,
            "opening": measure_opening(folder, turns),
            "memory": measure_memory(folder),
            "following": {"rate": rate, **measure_following(folder, steps, seconds, rate)},
        }


def format_report(report: dict[str, Any]) -> str:
    """The report for people."""
    opening, following, memory = report["opening"], report["following"], report["memory"]
    rows: list[tuple[str, str, dict[str, Any], str]] = []
    for prefix, what in (("", "loss, gradient norm, learning rate: median"), ("all_", "all columns: median")):
        rows += [
            (what, f"{prefix}open_s", opening, "s"),
            ("  fastest", f"{prefix}fastest_s", opening, "s"),
            ("  slowest", f"{prefix}slowest_s", opening, "s"),
            ("  processor time, median", f"{prefix}cpu_s", opening, "s"),
        ]
    rows += [
        (
            f"follow at {UPDATES_PER_SECOND} Hz, {following['rate']:g} steps/s",
            "follow_percent",
            following,
            "% of a core",
        ),
        ("  longest update", "longest_ms", following, "ms"),
        ("memory for each logged step", "bytes_per_step", memory, "bytes"),
        (f"memory gained in {memory['idle_updates']:,} updates without events", "idle_bytes", memory, "bytes"),
    ]
    lines = [f"{report['machine']['processor']}, Python {report['machine']['python']}"]
    lines.append(f"opening {report['steps']:,} logged steps ({report['file_bytes'] / 1e6:,.0f} MB)")
    for title, key, values, unit in rows:
        goal = f"  (goal: below {GOALS[key]:g})" if key in GOALS else ""
        lines.append(f"{title:58}{values[key]:>12,.3f} {unit}{goal}")
    return "\n".join(lines)


def main() -> int:
    """Runs the benchmark and returns the exit code."""
    parser = report_parser(__doc__)
    parser.add_argument("--steps", type=int, default=1_000_000, metavar="N", help="logged steps (1,000,000)")
    parser.add_argument("--turns", type=int, default=7, metavar="N", help="how often the run is opened (7)")
    parser.add_argument("--seconds", type=float, default=20, metavar="S", help="how long it is followed (20)")
    parser.add_argument("--rate", type=float, default=10, metavar="N", help="steps a second meanwhile (10)")
    for inner in ("--open", "--append"):
        parser.add_argument(inner, type=Path, help=argparse.SUPPRESS)
    for inner in ("--first", "--last"):
        parser.add_argument(inner, type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.open:
        print(json.dumps(time_opening(args.open)))
        return 0
    if args.append:
        append_to_run(args.append, args.first, args.last, args.rate)
        return 0
    report = benchmark(args.steps, args.turns, args.seconds, args.rate)
    hand_over(report, format_report(report), args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
