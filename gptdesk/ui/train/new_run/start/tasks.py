"""Lists the models and checkpoints that a run can start from. For a worker thread; no Qt."""

from __future__ import annotations

from dataclasses import dataclass

from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.gpt2.layout import read_config
from gptdesk.library.catalogue import ModelEntry, list_models
from gptdesk.training.checkpoints import checkpoints
from gptdesk.training.index import RunIndex
from gptdesk.ui.train.new_run.draft.draft import Base


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that a run can start from.

    Attributes:
        run: name of its run.
        base: of a run that starts from it.
        step: at which it was saved.
        best: whether it is the best of its run.
        parameters: of the model.
        t: when it was saved, seconds since the epoch.
    """

    run: str
    base: Base
    step: int
    best: bool
    parameters: int
    t: float


@dataclass(frozen=True)
class Starts:
    """Everything that a run can start from."""

    models: tuple[ModelEntry, ...]
    checkpoints: tuple[Checkpoint, ...]


def find_starts(folders: Folders, index: RunIndex) -> Starts:
    """Lists models, and the newest and the best checkpoint of each run."""
    found = []
    for entry in index.scan():
        kept = checkpoints(entry.folder)
        for each in {kept[-1].path: kept[-1], **{c.path: c for c in kept if c.best}}.values() if kept else ():
            try:
                config = read_config(each.path)
            except UserError:
                continue
            base = Base(f"{entry.name}-{each.step}", str(each.path), config.n_positions)
            found.append(Checkpoint(entry.name, base, each.step, each.best, config.num_parameters(), each.t))
    return Starts(tuple(list_models(folders)), tuple(found))
