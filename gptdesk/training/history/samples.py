"""Follows the samples of a run and the console output of its trainer."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gptdesk.bounded_read import number, whole
from trainer.run_directory.events import EventTail
from trainer.run_directory.layout import CONSOLE, SAMPLES

_LAST_BYTES: Final = 1 << 20
"""Bytes read from the end of a long console file: enough for all lines that are kept."""

_LONGEST_LINE: Final = 10_000


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A text generated during a run.

    Attributes:
        step: whose weights generated it.
        prompt, text: the prompt and its completion.
        seed, temperature, top_k: of the decoding.
        t: when, seconds since the epoch.
    """

    step: int
    prompt: str
    text: str
    seed: int
    temperature: float
    top_k: int
    t: float


class SampleLog:
    """Follows ``samples.jsonl``.

    Args:
        folder: run directory; may not exist yet, and may vanish.
    """

    def __init__(self, folder: Path) -> None:
        self._tail = EventTail(folder, SAMPLES)
        self._restarts = 0
        self._samples: dict[tuple[str, int, int], Sample] = {}

    def update(self) -> bool:
        """Reads what is new; returns whether there was anything."""
        found = [sample for values in self._tail.read() if (sample := _read(values))]
        changed = bool(found)
        if self._tail.restarts != self._restarts:
            self._restarts = self._tail.restarts
            changed = changed or bool(self._samples)
            self._samples.clear()
        for sample in found:
            key = (sample.prompt, sample.seed, sample.step)
            self._samples.pop(key, None)  # written again after a resume from an earlier step
            self._samples[key] = sample
        return changed

    @property
    def samples(self) -> list[Sample]:
        """All samples by time; of the same prompt, seed and step only the newest."""
        return list(self._samples.values())

    @property
    def prompts(self) -> list[tuple[str, int]]:
        """The prompts with their seeds, in the order of their first samples."""
        return list(dict.fromkeys((prompt, seed) for prompt, seed, _ in self._samples))

    def of(self, prompt: str, seed: int) -> list[Sample]:
        """The samples of one prompt and seed, by step."""
        found = (sample for key, sample in self._samples.items() if key[:2] == (prompt, seed))
        return sorted(found, key=lambda sample: sample.step)


def _read(values: dict[str, Any]) -> Sample | None:
    step = whole(values.get("step"))
    seed, prompt, text = (values.get(name) for name in ("seed", "prompt", "text"))
    if step is None or not isinstance(seed, int) or not (isinstance(prompt, str) and isinstance(text, str)):
        return None
    return Sample(
        step=step,
        prompt=prompt,
        text=text,
        seed=seed,
        temperature=number(values.get("temperature"), 1.0),
        top_k=whole(values.get("top_k")) or 0,
        t=number(values.get("t"), 0.0),
    )


class ConsoleTail:
    """Follows ``console.log``.

    A carriage return overwrites the line, as in a terminal, so that a progress bar is one line. The last line may be
    incomplete.

    Args:
        folder: run directory; may not exist yet, and may vanish.
        lines: number of newest lines that are kept.
        name: of the file in the folder.
        start: bytes to skip at its beginning.

    Attributes:
        lines: the newest lines, without line ends.
    """

    def __init__(self, folder: Path, lines: int = 2000, name: str = CONSOLE, *, start: int = 0) -> None:
        self._path = folder / name
        self._offset = start
        self._within_line = False
        self._file_id: tuple[int, int] | None = None
        self._half = b""
        self.lines: deque[str] = deque(maxlen=lines)

    def update(self) -> bool:
        """Reads what is new, or only the end of it if that is long; returns whether there was anything."""
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                identity = (status.st_dev, status.st_ino)
                if self._file_id not in (None, identity) or status.st_size < self._offset:
                    self._start_anew(0)
                self._file_id = identity
                if status.st_size - self._offset > _LAST_BYTES:
                    self._start_anew(status.st_size - _LAST_BYTES)
                file.seek(self._offset)
                data = file.read(_LAST_BYTES)
        except OSError:
            return False
        if not data:
            return False
        self._offset += len(data)
        if self._within_line:  # its beginning was skipped
            _, end, data = data.partition(b"\n")
            self._within_line = not end
        self._take(data)
        return True

    def _start_anew(self, offset: int) -> None:
        self.lines.clear()
        self._half = b""
        self._offset = offset
        self._within_line = offset > 0

    def _take(self, data: bytes) -> None:
        if self._half:
            self.lines.pop()
        *whole, self._half = (self._half + data).split(b"\n")
        self._half = _overwritten(self._half)
        self.lines.extend(map(_text, whole))
        if self._half:
            self.lines.append(_text(self._half))


def _overwritten(line: bytes) -> bytes:
    """The line without what a carriage return overwrites; one at the very end overwrites nothing yet."""
    line = line[-_LONGEST_LINE:]
    at = line.rfind(b"\r", 0, max(0, len(line) - 1))
    return line[at + 1 :] if at >= 0 else line


def _text(line: bytes) -> str:
    return _overwritten(line.rstrip(b"\r")).decode("utf-8", errors="replace").replace("\0", "")
