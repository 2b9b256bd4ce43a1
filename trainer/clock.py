"""Measures the phases of a training step, on the CPU or with CUDA events."""

from __future__ import annotations

import time
from collections import deque
from statistics import median
from typing import Final

import torch

from gptdesk.metrics import metric

PARTS: Final = metric("split").keys


class StepClock:
    """Splits steps into parts and remembers the last ones.

    `start` a step, `mark` the end of each part as often as it comes, `stop` when the device has finished.
    """

    def __init__(self, device: torch.device, *, remembered: int = 50) -> None:
        self._cuda = device.type == "cuda"
        self._marks: list[tuple[str, float | torch.cuda.Event]] = []
        self._steps: deque[dict[str, float]] = deque(maxlen=remembered)

    def _now(self) -> float | torch.cuda.Event:
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

    def stop(self) -> float:
        """Ends the step, whose results the caller has read from the device, and returns its seconds."""
        split = dict.fromkeys(PARTS, 0.0)
        for (_, before), (part, after) in zip(self._marks, self._marks[1:], strict=False):
            if isinstance(before, float) or isinstance(after, float):
                assert isinstance(before, float)
                assert isinstance(after, float)
                split[part] += after - before
            else:
                split[part] += before.elapsed_time(after) / 1000
        self._steps.append(split)
        return sum(split.values())

    def split(self) -> dict[str, float]:
        """Median seconds of each part over the steps remembered."""
        return {part: median(step[part] for step in self._steps) if self._steps else 0.0 for part in PARTS}

    def seconds_per_step(self) -> float:
        """Median seconds of a step; 0 before the first."""
        return median(sum(step.values()) for step in self._steps) if self._steps else 0.0
