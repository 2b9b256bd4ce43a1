"""Lists prepared data sets, describes them, and previews their documents as token spans."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, Final

from gptdesk.bounded_read import whole
from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.training.data.vocabulary import GPT2_VOCABULARY, DataTokenizer, Vocabulary, vocabulary_of
from trainer.data.arrays import INDEX, open_array
from trainer.data.manifest import MANIFEST, read_manifest
from trainer.data.shards import PreparedData

LONGEST_PREVIEW: Final = 300
"""Tokens of a document that are shown."""


_FOLDER: Final = "datasets"


@dataclass(frozen=True, kw_only=True)
class PreparedSet:
    """Data that is ready to train on.

    Attributes:
        name: of its folder.
        path: its folder.
        train_tokens, val_tokens: in its splits.
        documents: in both.
        template: name of the chat template that its conversations were rendered with; empty where it has none.
        tokenizer: whose ids it holds.
        vocabulary: that it was prepared with.
    """

    name: str
    path: Path
    train_tokens: int
    val_tokens: int
    documents: int
    template: str = ""
    tokenizer: DataTokenizer = field(default_factory=DataTokenizer)
    vocabulary: Vocabulary = GPT2_VOCABULARY


@dataclass(frozen=True, kw_only=True)
class DocumentPreview:
    """The beginning of a document.

    Attributes:
        text: as the model sees it.
        tokens: the text of each token; U+FFFD stands for bytes that are part of a character.
        length: tokens in the whole document, the one that ends it among them.
        learnt: whether the model learns to write each of ``tokens``; false for those of prompts.
    """

    text: str
    tokens: tuple[str, ...]
    length: int
    learnt: tuple[bool, ...]


def describe_set(folder: Path) -> PreparedSet:
    """What a prepared folder holds.

    Raises:
        UserError: when it holds no prepared data that can be used.
    """
    manifest = read_manifest(folder)[0]
    try:
        splits: dict[str, Any] = manifest["splits"]
        return PreparedSet(
            name=folder.name,
            path=folder,
            train_tokens=_count(splits["train"]["tokens"]),
            val_tokens=_count(splits["val"]["tokens"]),
            documents=_count(manifest.get("documents", sum(_count(splits[s]["documents"]) for s in ("train", "val")))),
            template=_template_name(manifest),
            tokenizer=DataTokenizer.from_manifest(manifest),
            vocabulary=vocabulary_of(folder, manifest),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UserError(f"The data in {folder} is damaged; prepare it again.") from None


def _template_name(manifest: dict[str, Any]) -> str:
    records = manifest.get("records")
    template = records.get("template") if isinstance(records, dict) else None
    return str(template.get("name", "")) if isinstance(template, dict) else ""


def is_prepared(folder: Path) -> bool:
    """Whether a folder claims to hold prepared data; `describe_set` tells whether it can be used."""
    return (folder / MANIFEST).is_file()


def _count(value: object) -> int:
    count = whole(value)
    if count is None:
        raise ValueError
    return count


def data_folders(folders: Folders) -> Iterator[Path]:
    """Everything in the folder that a person's data is prepared in, by name."""
    with suppress(OSError):  # not made yet
        yield from sorted(path for path in (folders.data / _FOLDER).iterdir() if path.is_dir())


def data_folder(folders: Folders, name: str) -> Path:
    """Folder of the user's data set of that name, which need not exist."""
    return folders.data / _FOLDER / name


def new_data_folder(folders: Folders, name: str) -> Path:
    """A folder for data of that name, which is not there yet."""
    slug = re.sub(r"[^\w.]+", "-", name).strip("-._")[:60].strip("-._") or "data"
    folder, number = folders.data / _FOLDER / slug, 1
    while folder.exists():
        number += 1
        folder = folders.data / _FOLDER / f"{slug}-{number}"
    return folder


def prepared_sets(folders: Folders) -> list[PreparedSet]:
    """The usable data sets in the user's folder, by name; unusable ones are skipped."""
    found = []
    for folder in data_folders(folders):
        try:
            found.append(describe_set(folder))
        except UserError:
            continue
    return found


def preview(folder: Path, n: int = 3) -> list[DocumentPreview]:
    """The first documents of prepared data, each up to `LONGEST_PREVIEW` tokens.

    Raises:
        UserError: when there is none, or it cannot be read.
    """
    try:
        data = PreparedData.open(folder)
        first = data.manifest["splits"]["train"]["shards"][:1]
        starts = []
        if first and "index" in first[0]:
            path, count = folder / first[0]["index"]["file"], first[0]["documents"]
            index = open_array(path, INDEX, count, data.tokenizer.sha256)
            starts = [int(start) for start in index[: n + 1]]
        ends = [*(starts or [0]), int(data.train.starts[1]) if first else 0]
    except (KeyError, TypeError, IndexError):
        raise UserError(f"The data in {folder} is damaged; prepare it again.") from None
    tokenizer = data.load_tokenizer()
    documents = []
    for start, end in islice(pairwise(ends), n):
        shown = min(end - start, LONGEST_PREVIEW)
        ids = data.train.read(start, shown).tolist() if shown > 0 else []
        weights = data.train.read_weights(start, shown) if ids else None
        learnt = tuple([True] * len(ids) if weights is None else weights.tolist())
        text, pieces = tokenizer.decode(ids), tuple(map(tokenizer.piece, ids))
        documents.append(DocumentPreview(text=text, tokens=pieces, length=end - start, learnt=learnt))
    return documents
