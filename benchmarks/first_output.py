"""A process that is timed from its start to the first byte that it writes."""

from __future__ import annotations

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
    """

    seconds: float
    processor: float


def time_first_output(command: Sequence[str], environment: Mapping[str, str]) -> FirstOutput:
    """Runs a command to its end.

    Raises:
        SystemExit: it failed or wrote nothing.
    """
    began = perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        first = process.stdout.read(1)
        taken = FirstOutput(perf_counter() - began, processor_seconds(process.pid))
        process.stdout.read()
    if not first or process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with status {process.returncode}.")
    return taken
