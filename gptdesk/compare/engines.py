"""The engines of a comparison: all at once where memory allows, else one after the other. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import TimeoutError as NotYet
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias

from gptdesk import number_format
from gptdesk.compare.columns import Column, Weights
from gptdesk.errors import UserError
from gptdesk.library.memory import memory_needed
from gptdesk.system_memory import free_memory

if TYPE_CHECKING:
    from gptdesk.inference.engine import Engine


class InUse(NamedTuple):
    """An engine while a column uses it.

    Attributes:
        engine: the engine.
        stopped: asked before every token: whether the column is to let go of it.
    """

    engine: Engine
    stopped: Callable[[], bool]


class ColumnEngine(Protocol):
    """An engine that a column uses for a while, again and again."""

    def use(self, cancelled: Callable[[], bool]) -> AbstractContextManager[InUse]:
        """The engine, which nobody else uses meanwhile.

        Raises:
            UserError: it is not there any more.
            Cancelled: ``cancelled`` returned True before it was there.
        """

    def close(self) -> None:
        """It is not needed any more."""


@dataclass
class OwnEngine:
    """An engine that only the comparison uses."""

    engine: Engine

    @contextmanager
    def use(self, cancelled: Callable[[], bool]) -> Iterator[InUse]:
        yield InUse(self.engine, cancelled)

    def close(self) -> None:
        del self.engine


Load: TypeAlias = Callable[[Column, Callable[[int, int], None]], ColumnEngine]
"""Loads a column's engine; the second argument is told bytes read and bytes in all. Raises `UserError`."""

_SPARE: Final = 0.9
"""Share of free memory that engines may take together: estimates are not exact."""

_POLL_SECONDS: Final = 0.2


def loader(keep: Path | None) -> Callable[[Column, Callable[[int, int], None]], OwnEngine]:
    """Loads engines from their folders; ``keep`` as for `Engine.load`."""

    def load(column: Column, progress: Callable[[int, int], None]) -> OwnEngine:
        from gptdesk.inference.engine import Engine

        try:
            engine = Engine.load(
                column.folder, device=column.device, precision=column.precision, keep=keep, progress=progress
            )
            return OwnEngine(engine)
        except OSError as error:  # its folder went away while it was read
            raise UserError(f"{column.folder} cannot be read ({error.strerror or error}).") from error

    return load


def memory_together(columns: Iterable[Column]) -> int:
    """Bytes that the engines of the columns take when all are loaded; those that share weights count once."""
    return sum(memory_needed(column.config, column.precision) for column in _by_weights(columns).values())


def room_for_own() -> int | None:
    """Bytes that engines may take that only a comparison uses; ``None`` where that is not known."""
    free = free_memory()
    return None if free is None else round(_SPARE * free)


def one_after_the_other(columns: Iterable[Column], room: int | None) -> str:
    """Why the columns are computed one after the other, as a sentence; empty where all models fit into memory.

    Args:
        columns: of the comparison.
        room: bytes that their engines may take together; ``None`` for no limit.
    """
    columns = list(columns)
    needed = memory_together(columns)
    if room is None or needed <= room or len(_by_weights(columns)) == 1:
        return ""
    return (
        f"The models take {number_format.size(needed)} of memory together and may take {number_format.size(room)}, "
        "so they are loaded one after the other."
    )


def wait_for_decoder(decoder: Any, cancelled: Callable[[], bool]) -> None:
    """Waits until the decoder of an engine, if any, is compiled or cannot be, so that all columns are decoded alike."""
    while decoder is not None and not cancelled():
        try:
            decoder.result(timeout=_POLL_SECONDS)
            return
        except NotYet:
            continue


def _by_weights(columns: Iterable[Column]) -> dict[Weights, Column]:
    return {column.weights: column for column in columns}
