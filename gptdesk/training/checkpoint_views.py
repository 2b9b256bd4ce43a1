"""Looks into the checkpoints of a run one after the other; what is kept beside the run is not computed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptdesk.errors import UserError
from gptdesk.training.checkpoints import CheckpointInfo
from gptdesk.training.inspection_cache import InspectionCache, manifest_hash

if TYPE_CHECKING:
    from gptdesk.inference.inspection.rows import Row


@dataclass(frozen=True)
class AtStep:
    """A view of a checkpoint.

    Attributes:
        step: of the checkpoint.
        rows: of the view's table; None where the checkpoint was deleted before it was read.
    """

    step: int
    rows: list[Row] | None


def views_by_step(
    run: Path,
    found: Sequence[CheckpointInfo],
    look: Callable[[CheckpointInfo], list[Row]],
    question: Mapping[str, Any] | None = None,
) -> Iterator[AtStep]:
    """The views of checkpoints, the first one first; ``look`` is called for one at a time.

    Args:
        run: its folder.
        found: its checkpoints.
        look: loads a checkpoint and computes the rows.
        question: what is asked, as `InspectionCache` needs it; None where answers are too large to be kept.

    Raises:
        UserError: when the run was deleted, or a checkpoint that is there cannot be read.
    """
    cache = InspectionCache(run, question) if question is not None else None
    for checkpoint in found:
        rows = cache.get(checkpoint) if cache is not None else None
        if rows is None:
            manifest = manifest_hash(checkpoint)
            try:
                rows = look(checkpoint)
            except UserError:
                if not run.is_dir():
                    raise UserError(f"The run “{run.name}” was deleted while its checkpoints were read.") from None
                if manifest and manifest_hash(checkpoint):
                    raise
                yield AtStep(checkpoint.step, None)
                continue
            if cache is not None and manifest:
                cache.put(checkpoint, manifest, rows)
        yield AtStep(checkpoint.step, rows)


def heads_question(precision: str) -> dict[str, Any]:
    """What scores of heads are kept by."""
    return {"view": "heads", "precision": precision}


def surprisal_question(ids: Sequence[int], precision: str) -> dict[str, Any]:
    """What the surprisals of a text's tokens are kept by."""
    return {"view": "surprisal", "precision": precision, "ids": list(ids)}


def look_into(
    checkpoint: CheckpointInfo, view: str, ids: Sequence[int], device: str, interrupted: Callable[[], bool]
) -> list[Row]:
    """Loads a checkpoint in float32 and computes the rows of a view of a text, by the view's name in `VIEWS`.

    Raises:
        UserError: when the checkpoint cannot be read, or does not fit into memory.
        Interrupted: when ``interrupted`` returned True.
    """
    from gptdesk.gpt2.checkpoint import load_model
    from gptdesk.gpt2.interrupted import Interrupted
    from gptdesk.gpt2.tokenizers.loading import load_tokenizer
    from gptdesk.inference.inspection.views import VIEWS, Question
    from gptdesk.inference.loading import memory_errors_explained

    def stop_loading(read: int, total: int) -> None:
        if interrupted():
            raise Interrupted

    with memory_errors_explained():
        model = load_model(checkpoint.path, device=device, progress=stop_loading)
        tokenizer = load_tokenizer(checkpoint.path, model.config)
        question = Question(
            model=model,
            tokenizer=tokenizer,
            vocab_size=min(model.config.vocab_size, tokenizer.vocab_size),
            ids=ids,
            position=len(ids) - 1,
            interrupted=interrupted,
        )
        return VIEWS[view](question).rows


def missing_sentence(found: Sequence[AtStep]) -> str:
    """Which checkpoints were deleted before they were read; "" for none."""
    steps = [f"{one.step:,}" for one in found if one.rows is None]
    if not steps:
        return ""
    if len(steps) == 1:
        return f"The checkpoint of step {steps[0]} was deleted before it was read."
    return f"The checkpoints of steps {', '.join(steps)} were deleted before they were read."
