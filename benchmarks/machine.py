"""What figures are measured on, and how they are handed over."""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any


def describe_machine(*packages: str) -> dict[str, str]:
    """The processor, the system, Python's version and those of ``packages``."""
    processor = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass  # not Linux
    return {
        "processor": processor,
        "system": platform.platform(),
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def report_parser(description: str | None) -> argparse.ArgumentParser:
    """A command line with the option for a file that `hand_over` writes the report to."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write everything to this file")
    return parser


def hand_over(report: dict[str, Any], table: str, path: Path | None) -> None:
    """Prints the table, and writes the whole report to ``path`` if one is given."""
    print(table)
    if path is not None:
        path.write_text(json.dumps(report, indent=2) + "\n")


@contextmanager
def cores_of_others(told: list[float], helpers: Sequence[int] = ()) -> Iterator[None]:
    """Adds to ``told`` how many cores other programs took on average meanwhile; on Linux, elsewhere NaN.

    What counts as its own are this process, those that it has started and waited for, and ``helpers``, process ids.
    """

    def busy() -> float:
        try:
            user, nice, system, _, _, irq, softirq, steal, *_ = map(
                int, Path("/proc/stat").read_text().split("\n")[0].split()[1:]
            )
        except OSError:
            return float("nan")
        return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")

    def own() -> float:
        times = os.times()
        ticks = sum(processor_seconds(helper) for helper in helpers)
        return sum((times.user, times.system, times.children_user, times.children_system, ticks))

    began, before, mine = time.perf_counter(), busy(), own()
    yield
    seconds = time.perf_counter() - began
    told.append((busy() - before - (own() - mine)) / seconds)


def processor_seconds(process: int) -> float:
    """Processor time that all threads of a process have taken; in steps of 10 ms on Linux, elsewhere 0."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
