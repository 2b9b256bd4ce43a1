"""A window in a process of its own, which a benchmark starts, and which measures itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import describe_machine
from benchmarks.screen import screen_environment


@contextmanager
def window_processes(benchmark: str, screen: str) -> Iterator[Callable[..., Any]]:
    """Yields what starts the module of a benchmark once more, and returns what that wrote to its ``--json``.

    It gets the arguments for the command line. The windows have a home of their own.

    Args:
        benchmark: name of the module.
        screen: one of `SCREENS`.
    """
    from gptdesk.folders import HOME_VARIABLE, keep_compiled_code

    with tempfile.TemporaryDirectory() as home, screen_environment(screen) as environment:
        keep_compiled_code()  # the person's, so that nothing is compiled while the window is measured
        environment |= {HOME_VARIABLE: home, "NUMBA_CACHE_DIR": os.environ["NUMBA_CACHE_DIR"]}
        answer = Path(home, "answer.json")

        def measure(*arguments: object) -> Any:
            command = [sys.executable, "-m", f"benchmarks.{benchmark}", *map(str, arguments), "--json", str(answer)]
            subprocess.run(command, env=environment, check=True)
            return json.loads(answer.read_text())

        yield measure


def report_head(benchmark: str, screen: str, others: Sequence[float]) -> dict[str, Any]:
    """What the report of each such benchmark begins with; ``others`` are cores that other programs took."""
    return {
        "benchmark": benchmark,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine("torch", "numba", "PySide6_Essentials"),
        "cores_of_others": [round(value, 2) for value in others],
        "screen": screen,
    }
