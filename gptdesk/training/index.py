"""The runs there are: those of the person's folder and of watched ones, with the names and tags given to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer.runstate import RunState


@dataclass(frozen=True, kw_only=True)
class RunEntry:
    """A run as a list shows it.

    Attributes:
        folder: its run directory.
        id: tells runs apart, whatever their names.
        name: for people.
        tags: given by the person.
        pinned: stays on top, and is drawn beside the run at hand.
        state: ``starting``, too, for one just launched, and ``crashed`` when that trainer ended before it began.
        steps: in the whole run, where known.
        created: seconds since the epoch.
        problem: why it cannot be read, in a sentence; else empty.
    """

    folder: Path
    id: str
    name: str
    tags: tuple[str, ...]
    pinned: bool
    state: RunState
    steps: int | None
    created: float
    problem: str

    @property
    def active(self) -> bool:
        return self.state.active

    @property
    def step(self) -> int | None:
        raise NotImplementedError

    @property
    def loss(self) -> float | None:
        raise NotImplementedError

    @property
    def best_loss(self) -> float | None:
        raise NotImplementedError

    @property
    def best_step(self) -> int | None:
        raise NotImplementedError

    @property
    def seconds_left(self) -> float | None:
        raise NotImplementedError


class RunIndex:
    """Finds runs and remembers what the person said of them; may be used from any thread.

    Args:
        file: where names, tags, pins and watched folders are kept.
        runs: the person's runs folder.
    """

    def __init__(self, file: Path, runs: Path) -> None:
        self.file, self.runs = file, runs

    def scan(self) -> list[RunEntry]:
        """The runs there are now: pinned ones first, then active ones, then the newest."""
        raise NotImplementedError

    @property
    def watched(self) -> tuple[Path, ...]:
        raise NotImplementedError

    def watch(self, folder: Path) -> None:
        raise NotImplementedError

    def unwatch(self, folder: Path) -> None:
        raise NotImplementedError

    def rename(self, id: str, name: str) -> None:
        raise NotImplementedError

    def set_tags(self, id: str, tags: Sequence[str]) -> None:
        raise NotImplementedError

    def set_pinned(self, id: str, pinned: bool) -> None:
        raise NotImplementedError

    def size(self, folder: Path) -> int:
        """Bytes on disk."""
        raise NotImplementedError

    def delete(self, folder: Path) -> None:
        """Removes a run from the disk.

        Raises:
            UserError: when it is active, is no run, or cannot be removed.
        """
        raise NotImplementedError
