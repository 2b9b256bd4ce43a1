"""The engines of a comparison: all at once where memory allows, else one after the other. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from gptdesk import number_format
from gptdesk.compare.columns import Column
from gptdesk.errors import UserError
from gptdesk.library.memory import memory_needed
from gptdesk.system_memory import free_memory

if TYPE_CHECKING:
    from gptdesk.inference.engine import Engine

Load: TypeAlias = "Callable[[Column, Callable[[int, int], None]], Engine]"
"""Loads a column's engine; the second argument is told bytes read and bytes in all. Raises `UserError`."""

_SPARE: Final = 0.9
"""Share of free memory that engines may take together: estimates are not exact."""

_POLL_SECONDS: Final = 0.2


def loader(keep: Path | None) -> Load:
    """Loads engines from their folders; ``keep`` as for `Engine.load`."""

    def load(column: Column, progress: Callable[[int, int], None]) -> Engine:
        from gptdesk.inference.engine import Engine

        try:
            return Engine.load(
                column.folder, device=column.device, precision=column.precision, keep=keep, progress=progress
            )
        except OSError as error:  # its folder went away while it was read
            raise UserError(f"{column.folder} cannot be read ({error.strerror or error}).") from error

    return load


def memory_together(columns: Iterable[Column]) -> int:
    """Bytes that the engines of the columns take when all are loaded; those that share weights count once."""
    return sum(memory_needed(column.config, column.precision) for column in _by_weights(columns).values())


def one_after_the_other(columns: Iterable[Column]) -> str:
    """Why the columns are computed one after the other, as a sentence; empty where all models fit into memory."""
    columns = list(columns)
    free, needed = free_memory(), memory_together(columns)
    if free is None or needed <= _SPARE * free or len(_by_weights(columns)) == 1:
        return ""
    return (
        f"The models take {number_format.size(needed)} of memory together and {number_format.size(free)} are free, "
        "so they are loaded one after the other."
    )


def wait_for_decoder(engine: Engine, cancelled: Callable[[], bool]) -> None:
    """Waits until the decoder is compiled or cannot be, so that all columns are decoded alike."""
    while engine.decoder is not None and not cancelled():
        try:
            engine.decoder.result(timeout=_POLL_SECONDS)
            return
        except NotYet:
            continue


def _by_weights(columns: Iterable[Column]) -> dict[tuple[Path, str, str], Column]:
    return {column.weights: column for column in columns}
