"""What the data step asks of the disk and the trainer: plain functions for a worker thread. No Qt."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gptdesk.folders import Folders
from gptdesk.gpt2.errors import UserError
from gptdesk.training import preparations
from gptdesk.training.preparations import DocumentPreview, Preparation, PreparationState, PreparedSet


@dataclass(frozen=True)
class Found:
    """Data on this computer: ready, and in preparation."""

    ready: tuple[PreparedSet, ...]
    under_way: tuple[tuple[Path, PreparationState], ...]


def look(folders: Folders) -> Found:
    """The data that is there now."""
    ready = tuple(preparations.prepared_sets(folders))
    under_way = tuple((each.folder, each.state()) for each in preparations.preparations(folders))
    return Found(ready, under_way)


def begin(folders: Folders, sources: Sequence[str], *, validation: Sequence[str] = (), column: str = "text") -> Path:
    """Begins to prepare data of these sources and returns its folder.

    Raises:
        UserError: when it cannot be begun.
    """
    name = Path(sources[0]).stem or "text"
    folder = preparations.new_data_folder(folders, name)
    try:
        Preparation(folder).start(sources, validation=validation, column=column)
    except UserError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def preview(folder: Path) -> list[DocumentPreview]:
    """The first documents of prepared data.

    Raises:
        UserError: when it cannot be read.
    """
    return preparations.preview(folder, 2)
