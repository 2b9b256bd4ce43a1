"""Reads a view of every checkpoint of a run, in a task's thread. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gptdesk.errors import UserError
from gptdesk.gpt2.interrupted import Interrupted
from gptdesk.gpt2.mixed_text import MixedText, encode_mixed, spans_mixed
from gptdesk.training.checkpoint_views import AtStep, heads_question, look_into, surprisal_question, views_by_step
from gptdesk.ui.services.background import Task, TaskCancelled

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer
    from gptdesk.training.checkpoints import CheckpointInfo

HEADS: Final = "heads"
SURPRISAL: Final = "surprisal"

_MOST_TOKENS: Final = 4096
"""Of a text that is read at every checkpoint; its table has a column for each."""


@dataclass(eq=False)
class Reading:
    """What is asked of every checkpoint, and what is known so far.

    Attributes:
        view: `HEADS` or `SURPRISAL`.
        run: its folder.
        checkpoints: of the run.
        text: whose tokens are read.
        tokenizer: of the run's models.
        device: that computes.
        ids, spans: of the T tokens, as `LookedText` has them; filled in before the first answer.
        seen: answers, the first checkpoint's first.
    """

    view: str
    run: Path
    checkpoints: Sequence[CheckpointInfo]
    text: MixedText
    tokenizer: Tokenizer
    device: str
    ids: Sequence[int] = ()
    spans: Sequence[tuple[int, int]] = ()
    seen: list[AtStep] = field(default_factory=list)

    @property
    def known(self) -> list[AtStep]:
        """The answers of checkpoints that were there."""
        return [one for one in self.seen if one.rows is not None]


def read(reading: Reading, task: Task) -> Reading:
    """Fills ``reading``.

    Raises:
        UserError: when the text is too long, the run was deleted, or a checkpoint cannot be read.
        TaskCancelled: the task was cancelled.
    """
    question = heads_question("float32")
    if reading.view == SURPRISAL:
        ids = encode_mixed(reading.tokenizer, reading.text)
        if len(ids) > _MOST_TOKENS:
            raise UserError(
                f"The text has {len(ids):,} tokens; at every checkpoint {_MOST_TOKENS:,} are read at most: shorten it."
            )
        reading.spans, reading.ids = spans_mixed(reading.tokenizer, reading.text), ids
        question = surprisal_question(ids, "float32")
    look = partial(
        look_into, view=reading.view, ids=reading.ids, device=reading.device, interrupted=lambda: task.cancelled
    )
    try:
        for one in views_by_step(reading.run, reading.checkpoints, look, question):
            reading.seen.append(one)
            task.report(len(reading.seen), len(reading.checkpoints))
    except Interrupted:
        raise TaskCancelled from None
    return reading
