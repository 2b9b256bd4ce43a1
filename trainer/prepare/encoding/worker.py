"""Reads one unit and writes it as blocks of encoded documents."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from gptdesk.errors import UserError
from trainer.prepare.account import Account
from trainer.prepare.broken import Broken
from trainer.prepare.encoding.blocks import EncodedUnit, write_block, writing
from trainer.prepare.encoding.encode import NoToken, batch_encoder
from trainer.prepare.plan import Request, Unit
from trainer.prepare.readers import Document, Reader
from trainer.prepare.sources.files import SourceFile

FEW_DOCUMENTS: Final = 5
"""Fewer validation documents than these leave it to chance how much text there is to measure with."""

_REPORT_SECONDS: Final = 0.5


@dataclass(frozen=True)
class Task:
    """A unit and the files that it needs.

    Attributes:
        unit: what to encode.
        files: those that its spans name.
        paths: where they are on this computer.
    """

    unit: Unit
    files: Mapping[int, SourceFile]
    paths: Mapping[int, Path]


@dataclass(frozen=True)
class UnitProgress:
    """Progress of a unit: documents and tokens encoded, bytes of its files read."""

    unit: str
    documents: int = 0
    tokens: int = 0
    bytes: int = 0


class UnitEncoder:
    """Encodes units with one table of pieces.

    Args:
        request: column, split rule and seed.
        folder: where blocks are written.
        strict: whether broken input is an error.
    """

    def __init__(self, request: Request, folder: Path, *, strict: bool) -> None:
        self._request = request
        self._folder = folder
        self._strict = strict
        self._encoder = batch_encoder(request.tokenizer)

    def encode(self, task: Task, report: Callable[[UnitProgress], None]) -> EncodedUnit:
        """Reads, encodes and writes a unit. When this returns, it is on the disk whole.

        Raises:
            UserError: for broken input when strict, or when a file cannot be written.
        """
        unit, broken = task.unit, Broken(self._strict)
        done = EncodedUnit(unit.name, bytes=unit.bytes)
        documents: list[Document] = []
        owners: list[int] = []
        size, before, reported = 0, 0, time.monotonic()
        for span in unit.spans:
            file = task.files[span.file]
            account = done.accounts.setdefault(span.file, Account())
            reader = Reader(file, task.paths[span.file], self._request.settings, broken, account, span.encoding)
            for document in reader.documents(span.start, span.end):
                documents.append(document)
                owners.append(span.file)
                size += sum(map(len, document))
                if size >= self._request.unit_bytes:
                    self._write(done, documents, owners, task)
                    documents, owners, size = [], [], 0
                    if time.monotonic() - reported > _REPORT_SECONDS:
                        reported = time.monotonic()
                        read = before + int(reader.share * span.bytes)
                        report(UnitProgress(unit.name, done.documents, done.tokens, read))
            before += span.bytes
            if time.monotonic() - reported > _REPORT_SECONDS:  # a document may take seconds
                reported = time.monotonic()
                report(UnitProgress(unit.name, done.documents + len(documents), done.tokens, before))
            done.cut += reader.cut
        if documents:
            self._write(done, documents, owners, task)
        done.broken = broken.to_json()
        with writing(self._folder):
            done.save(self._folder)
        return done

    def _write(self, done: EncodedUnit, documents: Sequence[Document], owners: Sequence[int], task: Task) -> None:
        """Encodes documents in an order that the seed gives, and writes them as the unit's next block."""
        name = f"{done.unit}-{len(done.blocks):04d}"
        splits: dict[str, list[int]] = {"val": [], "train": []}
        for i in shuffled(len(documents), f"{self._request.seed} {name}").tolist():
            split = task.files[owners[i]].split or (
                "val" if is_validation(documents[i], self._request.validation_share) else "train"
            )
            splits[split].append(i)
        try:
            encoded = {split: self._encoder.encode([documents[i] for i in order]) for split, order in splits.items()}
        except NoToken as error:
            holds = (error.character in b"".join(document).decode() for document in documents)
            file = next(task.files[owner] for owner, found in zip(owners, holds, strict=True) if found)
            raise UserError(f"{file.name}: {error}") from None
        for split, order in splits.items():
            for i, tokens in zip(order, encoded[split].lengths.tolist(), strict=True):
                account = done.accounts[owners[i]]
                account.documents += 1
                account.tokens += tokens
        done.text_bytes += sum(sum(map(len, document)) for document in documents)
        with writing(self._folder):
            block = write_block(self._folder, name, **encoded, weight=task.files[owners[0]].weight)
        chosen = tuple(splits["val"])
        done.blocks.append(replace(block, chosen=chosen if len(chosen) < FEW_DOCUMENTS else ()))


def is_validation(document: Document, share: float) -> bool:
    """Whether a document belongs to the validation split: by its own hash, whatever the others are."""
    digest = hashlib.blake2b(b"\0".join(document), digest_size=8).digest()
    return int.from_bytes(digest, "little") < share * 2**64


def shuffled(count: int, key: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """A permutation of 0 ... count-1 that depends on ``key`` alone, whatever numpy's version.

    Sorts by splitmix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators") of the index.
    """
    seed = np.frombuffer(hashlib.blake2b(key.encode(), digest_size=8).digest(), "<u8")
    mixed = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + seed
    mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return np.argsort(mixed ^ mixed >> np.uint64(31), kind="stable")


def tasks(units: Sequence[Unit], files: Sequence[SourceFile], paths: Mapping[int, Path]) -> Iterator[Task]:
    """A task for each unit."""
    for unit in units:
        named = {span.file for span in unit.spans}
        yield Task(unit, {i: files[i] for i in named}, {i: paths[i] for i in named})
