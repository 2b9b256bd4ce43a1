"""A few points of a run's loss for its card in the list, read in constant time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from gptdesk.bounded_read import ContentError, number, parse_json, whole
from trainer.run_directory.layout import EVENTS

_POINTS: Final = 40
_WHOLE: Final = 1 << 16
"""Size in bytes up to which the whole file is read."""

_TRIES: Final = 12
"""Lines read at one place at most: other events stand between the steps."""


def loss_sketch(folder: Path, points: int = _POINTS) -> tuple[float, ...]:
    """Training losses at about ``points`` evenly spaced places of the history; empty if there is none.

    Steps that a resume discarded are left out.
    """
    try:
        with (folder / EVENTS).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            found = _all(file) if size <= _WHOLE else _some(file, size, points)
            counting: list[tuple[int, float]] = []
            for step, loss in found:
                while counting and counting[-1][0] >= step:
                    counting.pop()
                counting.append((step, loss))
    except OSError:
        return ()
    return tuple(loss for _, loss in counting[:: max(1, len(counting) // points)])


def _all(file: BinaryIO) -> Iterator[tuple[int, float]]:
    return (found for line in file if (found := _loss(line)))


def _some(file: BinaryIO, size: int, points: int) -> Iterator[tuple[int, float]]:
    for place in range(points):
        file.seek(size * place // points)
        if place:
            file.readline(_WHOLE)  # the rest of a line that began before
        for _ in range(_TRIES):
            found = _loss(file.readline(_WHOLE))
            if found:
                yield found
                break


def _loss(line: bytes) -> tuple[int, float] | None:
    if not line.endswith(b"\n") or b'"ev":"step"' not in line:
        return None
    try:
        event = parse_json(line)
    except ContentError:
        return None
    if not isinstance(event, dict):
        return None
    step, loss = whole(event.get("step")), number(event.get("loss"), None)
    return None if step is None or loss is None else (step, loss)
