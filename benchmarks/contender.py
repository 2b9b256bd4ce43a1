"""What a benchmark of decoding asks of a program."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Logits: TypeAlias = npt.NDArray[np.float32]
"""(V), of the token after those read."""


class Text(ABC):
    """A text that a contender reads, with its cache of keys and values."""

    @abstractmethod
    def read(self, ids: Sequence[int]) -> Logits:
        """Reads ``ids`` from the beginning, nothing of it from a text before."""

    @abstractmethod
    def rewind(self) -> None:
        """Forgets what was read since `read`."""

    @abstractmethod
    def step(self, id: int) -> Logits:
        """Reads one token more."""


class Contender(ABC):
    """A loaded model; made in a process of its own.

    Args:
        path: what it reads, see `Spec`.
        precision: of its weights, in its own words.
        threads: at most so many.
    """

    @abstractmethod
    def __init__(self, path: Path, precision: str, threads: int) -> None: ...

    @abstractmethod
    def set_threads(self, threads: int) -> None: ...

    @abstractmethod
    def open(self) -> Text:
        """A new text."""

    @staticmethod
    @abstractmethod
    def prepare() -> None:
        """Imports what it needs, which does not count as loading."""
