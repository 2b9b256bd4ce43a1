"""Background tasks of the data step. No Qt."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.training.data import preparations
from gptdesk.training.data.datasets import data_folder, describe_set, is_prepared, new_data_folder
from gptdesk.training.data.preparations import (
    DocumentPreview,
    Preparation,
    PreparationState,
    PreparedSet,
    PrepareOptions,
    options_of,
)
from gptdesk.training.data.report import report_or_nothing
from gptdesk.training.data.vocabulary import FOLDER, GPT2_VOCABULARY, Vocabulary, tokenizer_of_model


@dataclass(frozen=True)
class UnderWay:
    """Data in preparation, or whose preparation was paused or failed."""

    folder: Path
    state: PreparationState
    vocabulary: Vocabulary


@dataclass(frozen=True)
class Found:
    """Data on this computer: ready, or in preparation."""

    ready: tuple[PreparedSet, ...]
    under_way: tuple[UnderWay, ...]


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
    under_way = tuple(
        UnderWay(each.folder, each.state(), each.vocabulary) for each in preparations.preparations(folders)
    )
    return Found(ready, under_way)


def begin(folders: Folders, options: PrepareOptions) -> Path:
    """Starts a preparation. Returns the folder of the data.

    Raises:
        UserError: if it cannot be started.
    """
    return _start(folders, _name(Path(options.sources[0])), options)


def begin_again(folders: Folders, folder: Path, vocabulary: Vocabulary) -> Path:
    """Prepares the text of other data with another vocabulary, unless that was done before. Returns the folder.

    Args:
        folder: of the other data, which stays.

    Raises:
        UserError: if it cannot be started, or it is not known what the other data was prepared from.
    """
    options = options_of(folder)
    has = describe_set(folder).vocabulary if is_prepared(folder) else options.vocabulary
    name = folder.name.removesuffix(has.suffix)
    wanted = replace(options, vocabulary=vocabulary)
    done = data_folder(folders, name + vocabulary.suffix)
    return done if _was_done(done, wanted) else _start(folders, name, wanted)


def _was_done(folder: Path, options: PrepareOptions) -> bool:
    if options.vocabulary.kind == FOLDER or not is_prepared(folder):
        return False  # another model may have the same name
    try:
        return replace(options_of(folder), vocabulary=describe_set(folder).vocabulary) == options
    except UserError:
        return False


def _start(folders: Folders, name: str, options: PrepareOptions) -> Path:
    vocabulary = options.vocabulary
    if vocabulary.kind == FOLDER and tokenizer_of_model(Path(vocabulary.folder)).is_gpt2:
        vocabulary = GPT2_VOCABULARY
    folder = new_data_folder(folders, name + vocabulary.suffix)
    try:
        Preparation(folder).start(replace(options, vocabulary=vocabulary))
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
