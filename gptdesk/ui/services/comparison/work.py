"""What the task of a comparison does. Imports what computes when it is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from gptdesk.folders import Folders
from gptdesk.ui.services.background import Task

if TYPE_CHECKING:
    from gptdesk.compare.choices import Chosen
    from gptdesk.compare.columns import Column
    from gptdesk.compare.comparison import Event
    from gptdesk.compare.engines import ColumnEngine, Load
    from gptdesk.compare.prompt_text import Prompt
    from gptdesk.compare.results import Results
    from gptdesk.gpt2.tokenizer import Tokenizer


class Begun(msgspec.Struct, frozen=True):
    """The columns are known, and there are no cells yet."""

    results: Results
    seed: int


def compare(
    chosen: Chosen,
    prompts: tuple[Prompt, ...],
    seed: int | None,
    folders: Folders,
    load: Load,
    room: int | None,
    post: Callable[[Task, Begun | Event, dict[int, Tokenizer]], object],
    task: Task,
) -> None:
    """Runs a comparison, and posts its events.

    Args:
        chosen: models, checkpoints and settings.
        prompts: of all columns.
        seed: of the first prompt; ``None`` for a random one.
        folders: where models are.
        load: makes the engine of a column.
        room: bytes that engines may take together; ``None`` for no limit.
        post: gets an event, and the tokenizers of columns that are known by then.
        task: runs this; when it is cancelled, the comparison ends before its next token.
    """
    from gptdesk.compare.choices import resolve
    from gptdesk.compare.columns import with_own_labels
    from gptdesk.compare.comparison import Comparison, Loading
    from gptdesk.compare.results import Results

    found = resolve(chosen, folders)
    columns = with_own_labels(found.columns)

    def told(column: Column, progress: Callable[[int, int], None]) -> ColumnEngine:
        place = columns.index(column)

        def report(read: int, total: int) -> None:
            progress(read, total)
            post(task, Loading(place, read, total), {})

        return load(column, report)

    comparison = Comparison(columns, prompts, seed=seed, load=told, room=lambda: room)
    comparison.results.failures |= found.problems
    shown = Results(columns, comparison.results.prompts, failures=dict(found.problems))
    post(task, Begun(shown, comparison.seed), {})
    for event in comparison.run(task.stop.is_set):
        post(task, event, dict(comparison.results.tokenizers))
