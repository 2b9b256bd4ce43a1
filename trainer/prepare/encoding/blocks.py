"""Blocks of encoded documents on disk, and a note per unit that says its blocks are complete."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gptdesk.errors import UserError
from gptdesk.files import read_json, replacing, sync_file, write_json
from trainer.prepare.account import Account
from trainer.prepare.encoding.encode import Encoded

_LENGTHS, _MASK = "<u4", "u1"
"""Types of documents' lengths, and of numbers that say of eight tokens whether they are learnt."""


@dataclass(frozen=True)
class Counts:
    """Sizes of one split of a block."""

    documents: int
    tokens: int


@dataclass(frozen=True)
class Block:
    """A file of encoded documents.

    Attributes:
        file: its name in the folder of parts.
        sha256: of the file, in hexadecimal.
        val, train: what it holds, in this order.
        masked: whether it holds a loss mask; else all tokens count as targets.
        chosen: the places of its validation documents among all as they were read, where these are a few.
        width: bytes of a token.
        weight: how often its training documents are in the result.
    """

    file: str
    sha256: str
    val: Counts
    train: Counts
    masked: bool
    chosen: tuple[int, ...] = ()
    width: int = 2
    weight: float = 1.0

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Block:
        counts = {split: Counts(**values[split]) for split in ("val", "train")}
        return cls(**values | counts | {"chosen": tuple(values.get("chosen", ()))})

    @property
    def all(self) -> Counts:
        return Counts(self.val.documents + self.train.documents, self.val.tokens + self.train.tokens)

    def counts(self, split: str) -> Counts:
        return self.val if split == "val" else self.train


@dataclass
class EncodedUnit:
    """A unit whose blocks are all on disk.

    Attributes:
        unit: its name.
        blocks: in order.
        bytes: of the source files that it stands for.
        text_bytes: of UTF-8 in its documents.
        cut: documents that were cut because they are too long.
        broken: as `Broken.to_json` has it.
        accounts: of its files, by their index in the plan.
    """

    unit: str
    blocks: list[Block] = field(default_factory=list)
    bytes: int = 0
    text_bytes: int = 0
    cut: int = 0
    broken: list[dict[str, Any]] = field(default_factory=list)
    accounts: dict[int, Account] = field(default_factory=dict)

    @property
    def documents(self) -> int:
        return sum(block.val.documents + block.train.documents for block in self.blocks)

    @property
    def tokens(self) -> int:
        return sum(block.val.tokens + block.train.tokens for block in self.blocks)

    def save(self, folder: Path) -> None:
        write_json(folder / f"{self.unit}.json", asdict(self))

    @classmethod
    def load(cls, folder: Path, unit: str) -> EncodedUnit | None:
        """The note that an earlier call wrote about a unit; None where there is none that can be read."""
        values = read_json(folder / f"{unit}.json")
        if values is None:
            return None
        try:
            accounts = {int(file): Account(**account) for file, account in values.get("accounts", {}).items()}
            return cls(**values | {"blocks": [Block.from_json(b) for b in values["blocks"]], "accounts": accounts})
        except (KeyError, TypeError, ValueError, AttributeError):
            return None


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turns an OSError while writing into a sentence: full disk, read-only disk, no permission."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{folder} is a file, not a folder; choose another folder with --out."
            if folder.is_file()
            else f"{folder} cannot be written ({error.strerror or error}); run the same command to resume once it can."
        ) from None


def write_block(folder: Path, name: str, *, val: Encoded, train: Encoded, weight: float = 1.0) -> Block:
    """Writes a block, synced and read back."""
    width = max(val.tokens.itemsize, train.tokens.itemsize)
    masked = val.loss_mask is not None or train.loss_mask is not None
    path = folder / f"{name}.part"
    digest = hashlib.sha256()
    with replacing(path, sync=False) as temporary:
        with temporary.open("wb") as file:
            for encoded in (val, train):
                arrays: list[npt.NDArray[Any]] = [encoded.tokens.astype(f"<u{width}"), encoded.lengths.astype(_LENGTHS)]
                if masked:
                    arrays.append(np.packbits(encoded.mask(), bitorder="little"))
                for values in arrays:
                    body = values.tobytes()
                    digest.update(body)
                    file.write(body)
        sync_file(temporary)  # before it is read back
        with temporary.open("rb") as file:
            if hashlib.file_digest(file, "sha256").digest() != digest.digest():
                raise OSError(None, f"{temporary} differs from what was written when it is read back")
    return Block(
        path.name,
        digest.hexdigest(),
        val=Counts(val.lengths.size, val.tokens.size),
        train=Counts(train.lengths.size, train.tokens.size),
        masked=masked,
        width=width,
        weight=weight,
    )


def read_block(folder: Path, block: Block, split: str) -> Encoded:
    """The documents of one split in a block.

    Raises:
        UserError: when the file is damaged or cannot be read.
    """
    skipped = _sizes(block, block.val) if split == "train" else ()
    arrays: list[npt.NDArray[Any]] = []
    try:
        with (folder / block.file).open("rb") as file:
            file.seek(sum(skipped))
            dtypes = (f"<u{block.width}", _LENGTHS, _MASK)
            for dtype, size in zip(dtypes, _sizes(block, block.counts(split)), strict=False):
                arrays.append(np.frombuffer(file.read(size), dtype))
                if arrays[-1].nbytes != size:
                    raise OSError(None, "it is cut short")
    except OSError as error:
        raise UserError(
            f"{folder / block.file} cannot be read ({error.strerror}); remove {folder.parent} and prepare it again."
        ) from None
    tokens, lengths, *packed = arrays
    loss_mask = np.unpackbits(packed[0], bitorder="little")[: tokens.size].astype(np.bool_) if packed else None
    return Encoded(tokens, lengths.astype(np.int64), loss_mask)


def _sizes(block: Block, counts: Counts) -> Sequence[int]:
    return block.width * counts.tokens, 4 * counts.documents, *([(counts.tokens + 7) // 8] if block.masked else [])
