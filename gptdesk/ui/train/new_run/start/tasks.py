"""What a run can start from: models and checkpoints on this computer. For a worker thread; no Qt."""

from __future__ import annotations

from dataclasses import dataclass

from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.gpt2.layout import read_config
from gptdesk.library.catalogue import ModelEntry, list_models
from gptdesk.training.checkpoints import checkpoints
from gptdesk.training.index import RunIndex
from gptdesk.ui.train.new_run.draft import Base


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that a run can start from.

    Attributes:
        run: name of its run.
        base: what it is as a start.
        step: at which it was written.
        best: whether its run did not get better.
        parameters: weights in it.
        t: when it was written, seconds since the epoch.
    """

    run: str
    base: Base
    step: int
    best: bool
    parameters: int
    t: float


@dataclass(frozen=True)
class Starts:
    """What there is to start from."""

    models: tuple[ModelEntry, ...]
    checkpoints: tuple[Checkpoint, ...]


def find_starts(folders: Folders, index: RunIndex) -> Starts:
    """Everything on this computer that a run can start from: of each run the newest checkpoint and the best."""
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
