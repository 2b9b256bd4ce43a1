"""The shape of a run's loss in a few points, read in a moment however long its history is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import BinaryIO, Final

from trainer.rundir import EVENTS

_POINTS: Final = 40
_WHOLE: Final = 1 << 16
"""Bytes below which the history is read as a whole."""

_TRIES: Final = 12
"""Lines looked at in one place before it is given up: samples, evaluations and answers stand between the steps."""


def loss_sketch(folder: Path, points: int = _POINTS) -> tuple[float, ...]:
    """Training losses at about ``points`` evenly spaced places of the history; empty when there is none.

    Where a resumed run went over the same steps again, the later ones count.
    """
    try:
        with (folder / EVENTS).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            found = _all(file) if size <= _WHOLE else _some(file, size, points)
    except OSError:
        return ()
    losses = [found[step] for step in sorted(found)]
    return tuple(losses[:: max(1, len(losses) // points)])


def _all(file: BinaryIO) -> dict[int, float]:
    return dict(found for line in file if (found := _loss(line)))


def _some(file: BinaryIO, size: int, points: int) -> dict[int, float]:
    losses: dict[int, float] = {}
    for number in range(points):
        file.seek(size * number // points)
        if number:
            file.readline()  # the rest of a line that began before
        for _ in range(_TRIES):
            found = _loss(file.readline())
            if found:
                losses.update([found])
                break
    return losses


def _loss(line: bytes) -> tuple[int, float] | None:
    if not line.endswith(b"\n") or b'"ev":"step"' not in line:
        return None
    try:
        event = json.loads(line)
        return int(event["step"]), float(event["loss"])
    except (ValueError, KeyError, TypeError):
        return None
