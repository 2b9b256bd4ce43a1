"""Background tasks of the data step. No Qt."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.gpt2.chat_template import DEFAULT_TEMPLATE
from gptdesk.training.data import preparations
from gptdesk.training.data.preparations import DocumentPreview, Preparation, PreparationState, PreparedSet
from gptdesk.training.data.report import report_or_nothing


@dataclass(frozen=True)
class Found:
    """Data on this computer: ready, or in preparation."""

    ready: tuple[PreparedSet, ...]
    under_way: tuple[tuple[Path, PreparationState], ...]


@dataclass(frozen=True)
class Look:
    """A preview of prepared data.

    Attributes:
        documents: the first ones.
        report: a line on each source.
    """

    documents: tuple[DocumentPreview, ...]
    report: tuple[str, ...]


def look(folders: Folders) -> Found:
    """Lists the data."""
    ready = tuple(preparations.prepared_sets(folders))
    under_way = tuple((each.folder, each.state()) for each in preparations.preparations(folders))
    return Found(ready, under_way)


def begin(
    folders: Folders,
    sources: Sequence[str],
    *,
    validation: Sequence[str] = (),
    column: str = "text",
    template: str = DEFAULT_TEMPLATE,
    learn_prompts: bool = False,
) -> Path:
    """Starts preparing these sources with these options of `Preparation.start`. Returns the folder.

    Raises:
        UserError: if it cannot be started.
    """
    name = _name(Path(sources[0]))
    folder = preparations.new_data_folder(folders, name)
    try:
        Preparation(folder).start(
            sources, validation=validation, column=column, template=template, learn_prompts=learn_prompts
        )
    except UserError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _name(path: Path) -> str:
    """Name of the data: the file's name without suffixes of formats."""
    name = path.name
    while (suffix := Path(name).suffix).lower() in preparations.READABLE_SUFFIXES:
        name = name.removesuffix(suffix)
    return name or "text"


def preview(folder: Path) -> Look:
    """Reads the first documents of prepared data, and the report on its sources.

    Raises:
        UserError: if it cannot be read.
    """
    return Look(tuple(preparations.preview(folder, 2)), report_or_nothing(folder))
