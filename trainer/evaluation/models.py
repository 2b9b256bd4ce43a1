"""Resolves what names a model: a folder, a checkpoint, a run, or a library name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.gpt2.layout import CONFIG_FILE
from gptdesk.resource_files import resource
from trainer.run_directory.layout import CHECKPOINTS, RUN

_BUNDLED: Final = "models"  # folder of the resources


@dataclass(frozen=True)
class FoundModel:
    """A model on disk.

    Attributes:
        name: as tables show it.
        folder: holds ``config.json`` and the weights.
    """

    name: str
    folder: Path


def find_model(given: str) -> FoundModel:
    """The model that ``given`` names: the folder of a model or a checkpoint, a run directory (its best checkpoint by
    validation loss, else its newest), a bundled model, or one in the person's models folder.

    Raises:
        UserError: when there is none.
    """
    folder = Path(given).expanduser()
    if folder.is_dir():
        # A run's own config.json is that of the training, so this comes first.
        if (folder / RUN).exists() or (folder / CHECKPOINTS).is_dir():
            best = best_checkpoint(folder)
            return FoundModel(f"{folder.resolve().name}/{best.name}", best)
        if (folder / CONFIG_FILE).exists():
            folder = folder.resolve()
            in_run = folder.parent.name == CHECKPOINTS
            return FoundModel(f"{folder.parents[1].name}/{folder.name}" if in_run else folder.name, folder)
        raise UserError(
            f"{folder} is neither a model folder nor a run directory: it has no {CONFIG_FILE} and no {RUN}."
        )
    if not folder.exists() and len(folder.parts) == 1:
        for place in (resource(_BUNDLED), Folders.of_this_user().models):
            if (place / given / CONFIG_FILE).exists():
                return FoundModel(given, place / given)
    raise UserError(
        f"There is no model {given!r}: give a model's folder, a run directory or the name of an installed model."
    )


def find_models(given: list[str]) -> list[FoundModel]:
    """All of them, with names that tell them apart."""
    found = [find_model(name) for name in given]
    names = [model.name for model in found]
    return [
        FoundModel(text if names.count(model.name) > 1 else model.name, model.folder)
        for text, model in zip(given, found, strict=True)
    ]


def best_checkpoint(run: Path) -> Path:
    """A run's checkpoint with the lowest validation loss, or the newest where that one is gone or none was measured.

    Raises:
        UserError: when the run has no whole checkpoint yet.
    """
    from trainer.checkpoint import STATE, checkpoint_path, is_complete, newest_checkpoint  # torch

    newest = newest_checkpoint(run / CHECKPOINTS)
    if newest is None:
        raise UserError(f"The run {run} has no whole checkpoint yet.")
    state = json.loads((newest / STATE).read_text(encoding="utf-8"))
    best = checkpoint_path(run / CHECKPOINTS, state["best_step"])
    return best if is_complete(best) else newest
