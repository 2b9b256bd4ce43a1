"""What a run wrote while it learnt, and what its trainer printed; both read as they grow."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A text that a run's weights wrote.

    Attributes:
        step: at which they wrote it.
        prompt, text: what was given, and what came after.
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

    Attributes:
        samples: by time; of one prompt, seed and step the newest alone.
    """

    def __init__(self, folder: Path) -> None:
        self.samples: list[Sample] = []

    def update(self) -> bool:
        """Reads what is new; whether there was anything."""
        raise NotImplementedError

    @property
    def prompts(self) -> list[tuple[str, int]]:
        """The prompts with their seeds, in the order in which they first came."""
        raise NotImplementedError

    def of(self, prompt: str, seed: int) -> list[Sample]:
        """The samples of one prompt and seed, by step."""
        raise NotImplementedError


class ConsoleTail:
    """Follows ``console.log``.

    Attributes:
        lines: the newest, without their ends.
    """

    def __init__(self, folder: Path, lines: int = 2000) -> None:
        self.lines: deque[str] = deque(maxlen=lines)

    def update(self) -> bool:
        """Reads what is new; whether there was anything."""
        raise NotImplementedError
