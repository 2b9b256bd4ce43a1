"""Measures the phases of a training step, on the CPU or with CUDA events."""

from __future__ import annotations

import time
from collections import deque
from itertools import pairwise
from statistics import median
from typing import Final, TypeAlias

import torch

from gptdesk.metrics import metric

PARTS: Final = metric("split").keys


Moment: TypeAlias = "float | torch.cuda.Event"


class StepClock:
    """Splits steps into parts and remembers the last ones.

    `start` a step, `mark` the end of each part as often as it comes, `stop` when nothing more is asked of the device.
    On CUDA a step counts once the device has finished it.
    """

    def __init__(self, device: torch.device, *, remembered: int = 50) -> None:
        self._cuda = device.type == "cuda"
        self._marks: list[tuple[str, Moment]] = []
        self._unfinished: deque[list[tuple[str, Moment]]] = deque()  # steps that the device may still be at
        self._steps: deque[dict[str, float]] = deque(maxlen=remembered)

    def _now(self) -> Moment:
        if not self._cuda:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def start(self) -> None:
        self._marks = [("", self._now())]

    def mark(self, part: str) -> None:
        assert part in PARTS
        self._marks.append((part, self._now()))

    def stop(self) -> None:
        """Ends the step."""
        self._unfinished.append(self._marks)
        self._count_finished()

    def settle(self) -> None:
        """Waits for the device, so that all steps that have ended count."""
        if self._unfinished:
            torch.cuda.synchronize()
            self._count_finished()

    def _count_finished(self) -> None:
        while self._unfinished and _is_over(self._unfinished[0][-1][1]):
            marks = self._unfinished.popleft()
            split = dict.fromkeys(PARTS, 0.0)
            for (_, before), (part, after) in pairwise(marks):
                split[part] += _seconds(before, after)
            self._steps.append(split)

    def split(self) -> dict[str, float]:
        """Median seconds of each part over the steps remembered."""
        return {part: median(step[part] for step in self._steps) if self._steps else 0.0 for part in PARTS}

    def seconds_per_step(self) -> float:
        """Median seconds of a step; 0 before the first."""
        return median(sum(step.values()) for step in self._steps) if self._steps else 0.0


def _is_over(moment: Moment) -> bool:
    return isinstance(moment, float) or moment.query()


def _seconds(before: Moment, after: Moment) -> float:
    if isinstance(before, float) or isinstance(after, float):
        assert isinstance(before, float)
        assert isinstance(after, float)
        return after - before
    milliseconds: float = before.elapsed_time(after)
    return milliseconds / 1000
