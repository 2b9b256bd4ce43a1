"""A process that is timed from its start to the first byte that it writes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import NamedTuple

from benchmarks.machine import processor_seconds


class FirstOutput(NamedTuple):
    """What a process took until its first byte of standard output came through a pipe.

    Attributes:
        seconds: by the clock, from before the process was made.
        processor: seconds of processor time of all its threads; 0 elsewhere than on Linux.
        whole: seconds until it had ended.
        whole_processor: processor time until then; 0 on Windows.
    """

    seconds: float
    processor: float
    whole: float
    whole_processor: float


def time_first_output(command: Sequence[str], environment: Mapping[str, str]) -> FirstOutput:
    """Runs a command to its end.

    Raises:
        SystemExit: it failed or wrote nothing.
    """
    before, began = _processor_of_children(), perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        first = process.stdout.read(1)
        seconds, processor = perf_counter() - began, processor_seconds(process.pid)
        process.stdout.read()
    whole = perf_counter() - began
    if not first or process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with status {process.returncode}.")
    return FirstOutput(seconds, processor, whole, _processor_of_children() - before)


def _processor_of_children() -> float:
    """Seconds of processor time of all processes that were started here and have ended."""
    times = os.times()
    return times.children_user + times.children_system
