"""Restores a trainer from the newest complete checkpoint of its run."""

from __future__ import annotations

from pathlib import Path

from trainer.checkpoint import load_checkpoint, newest_checkpoint, remove_incomplete
from trainer.loop import Trainer
from trainer.planning.plan import require_tokenizer


def restore(trainer: Trainer, checkpoints: Path) -> Path | None:
    """Loads the newest complete checkpoint into the trainer and returns its folder; None where there is none.

    The main process removes what an interrupted save left behind.

    Raises:
        UserError: when the checkpoint is of another model, optimizer or tokenizer.
    """
    if trainer.processes.is_main:
        remove_incomplete(checkpoints)
    newest: Path | None = trainer.processes.broadcast(newest_checkpoint(checkpoints))
    if newest is not None:
        require_tokenizer(newest, trainer.data.folder)
        trainer.continue_from(load_checkpoint(newest, trainer.model, trainer.optimizers))
    return newest
