"""Prepared data on disk: token shards with an index of documents and a manifest; read through memory maps.

A prepared folder holds for each split (``train``, ``val``) and number

- ``train-00000.bin``: token ids, uint16;
- ``train-00000.idx``: where documents begin in that shard, uint32;
- ``train-00000.mask``: one bit a token, set where it counts as a target; only for data with prompts;

and ``manifest.json``, which is written last. Numbers are little-endian, and every file begins with the same header of
64 bytes. Imports no torch.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, overload

import msgspec
import numpy as np
import numpy.typing as npt

from gptdesk.bounded_read import LARGEST_WHOLE, ContentError, parse_json, read_bytes
from gptdesk.errors import UserError
from gptdesk.gpt2.config import END_OF_TEXT
from gptdesk.gpt2.tokenizer import RANKS_SHA256

HEADER: Final = struct.Struct("<8sIIQI32s4x")
"""Magic of the kind, format version, bits an item, items, id of ``<|endoftext|>``, SHA-256 of the tokenizer."""

VERSION: Final = 2
MANIFEST: Final = "manifest.json"
SPLITS: Final = ("train", "val")

LARGEST_MANIFEST: Final = 256 << 20
"""Bytes: a source each takes some three hundred, and there may be hundreds of thousands of them."""

Count = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_WHOLE)]


@dataclass(frozen=True)
class Kind:
    """One of the three kinds of files."""

    magic: bytes
    suffix: str
    dtype: str
    bits: int


TOKENS: Final = Kind(b"GPTDTOK\0", ".bin", "<u2", 16)
INDEX: Final = Kind(b"GPTDIDX\0", ".idx", "<u4", 32)
MASK: Final = Kind(b"GPTDMSK\0", ".mask", "u1", 1)

Tokens = npt.NDArray[np.uint16]


class ArrayFile:
    """Writes one file piece by piece, beside its place; `close` syncs it and moves it there.

    Args:
        path: where it is to stand.
        kind: what it holds.
    """

    def __init__(self, path: Path, kind: Kind) -> None:
        self._path = path
        self._kind = kind
        self._temporary = path.with_name(path.name + ".tmp")
        self._hash = hashlib.sha256()
        self._file = self._temporary.open("wb")
        self._file.write(bytes(HEADER.size))

    def write(self, values: npt.NDArray[Any]) -> None:
        body = values.astype(self._kind.dtype, copy=False).tobytes()
        self._hash.update(body)
        self._file.write(body)

    def close(self, count: int) -> dict[str, Any]:
        """Completes the file with its number of items and returns its line of the manifest."""
        tokenizer = bytes.fromhex(RANKS_SHA256)
        self._file.seek(0)
        self._file.write(HEADER.pack(self._kind.magic, VERSION, self._kind.bits, count, END_OF_TEXT, tokenizer))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self._temporary, self._path)
        _sync_folder(self._path.parent)
        return {"file": self._path.name, "sha256": self._hash.hexdigest()}

    def abandon(self) -> None:
        """Closes and removes what was written."""
        with suppress(OSError):  # what is still to be written may not fit
            self._file.close()
        self._temporary.unlink(missing_ok=True)


def _sync_folder(path: Path) -> None:
    """Makes sure that a renamed file keeps its new name through a power cut; Windows neither can nor needs to."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_array(path: Path, kind: Kind, count: int) -> npt.NDArray[Any]:
    """A read-only memory map of a file's items (of bytes holding 8 each, for a mask).

    Raises:
        UserError: when the file is none of that kind, or does not hold ``count`` items.
    """
    try:
        with path.open("rb") as file:
            magic, version, bits, stored, _, tokenizer = HEADER.unpack(file.read(HEADER.size))
            size = os.fstat(file.fileno()).st_size
    except (OSError, struct.error) as error:
        raise UserError(f"The prepared data in {path} cannot be read: {error}.") from None
    if magic != kind.magic or version != VERSION or bits != kind.bits:
        raise UserError(f"{path} is no prepared data of this version; prepare the data again.")
    if tokenizer.hex() != RANKS_SHA256:
        raise UserError(f"{path} was prepared with another tokenizer; prepare the data again.")
    if stored != count or size != HEADER.size + (count * bits + 7) // 8:
        raise UserError(f"{path} is not complete; prepare the data again.")
    if not count:
        return np.empty(0, kind.dtype)
    return np.memmap(path, dtype=kind.dtype, mode="r", offset=HEADER.size)


class MappedArrays(Sequence[npt.NDArray[Any]]):
    """Files of one kind, mapped when they are read; those read last stay mapped.

    Every mapping holds a file open, and systems allow a process 1,024 or 256 of them.

    Args:
        paths: of the files.
        kind: what they hold.
        counts: items in each.

    Raises:
        UserError: when a file is none of that kind, or does not hold so many items.
    """

    MOST_OPEN: Final = 32

    def __init__(self, paths: Sequence[Path], kind: Kind, counts: Sequence[int]) -> None:
        self._paths, self._kind, self._counts = list(paths), kind, list(counts)
        self._mapped: OrderedDict[int, npt.NDArray[Any]] = OrderedDict()
        for index in range(len(self._paths)):
            self[index]

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, index: int) -> npt.NDArray[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[npt.NDArray[Any]]: ...
    def __getitem__(self, index: int | slice) -> npt.NDArray[Any] | Sequence[npt.NDArray[Any]]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if index in self._mapped:
            self._mapped.move_to_end(index)
            return self._mapped[index]
        if len(self._mapped) == self.MOST_OPEN:
            self._mapped.popitem(last=False)
        array = self._mapped[index] = open_array(self._paths[index], self._kind, self._counts[index])
        return array


@dataclass(frozen=True)
class TokenSet:
    """The shards of one split as one long sequence of tokens.

    Attributes:
        shards: memory maps, (n_i) uint16 each; few of them are open at a time.
        starts: (number of shards + 1) positions at which each begins, the last one being the total.
        masks: memory maps, (ceil(n_i / 8)) uint8 each, the first token in the lowest bit; None when every token counts.
    """

    shards: Sequence[Tokens]
    starts: npt.NDArray[np.int64]
    masks: Sequence[npt.NDArray[np.uint8]] | None = None

    @classmethod
    def of(cls, shards: Iterable[Tokens], masks: Sequence[npt.NDArray[np.uint8]] | None = None) -> TokenSet:
        kept = tuple(shards)
        starts = np.cumsum([0, *(shard.size for shard in kept)], dtype=np.int64)
        return cls(kept, starts, None if masks is None else tuple(masks))

    def __len__(self) -> int:
        return int(self.starts[-1])

    def read(self, start: int, count: int) -> npt.NDArray[np.int64]:
        """Tokens ``start`` to ``start + count``, (count) int64, across shard borders."""
        parts = [self.shards[shard][begin:end].astype(np.int64) for shard, begin, end in self._spans(start, count)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def read_weights(self, start: int, count: int) -> npt.NDArray[np.bool_] | None:
        """Which of the tokens ``start`` to ``start + count`` count as targets, (count) bool; None when all do."""
        if self.masks is None:
            return None
        parts = []
        for shard, begin, end in self._spans(start, count):
            packed = self.masks[shard][begin // 8 : (end + 7) // 8]
            parts.append(np.unpackbits(packed, bitorder="little")[begin % 8 :][: end - begin].astype(np.bool_))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _spans(self, start: int, count: int) -> list[tuple[int, int, int]]:
        """(shard, first, end) of the stretches that make up ``count`` tokens from ``start``; at least one."""
        assert start >= 0
        assert 0 <= count <= len(self) - start
        spans = []
        shard = min(int(np.searchsorted(self.starts, start, side="right")) - 1, len(self.shards) - 1)
        while True:
            begin = start - int(self.starts[shard])
            end = min(begin + count, int(self.starts[shard + 1] - self.starts[shard]))
            spans.append((shard, begin, end))
            count -= end - begin
            if count == 0:
                return spans
            start, shard = start + end - begin, shard + 1


@dataclass(frozen=True)
class PreparedData:
    """A folder that ``trainer prepare`` wrote, opened.

    Attributes:
        folder: where it is.
        manifest: counts, hashes, sources and settings.
        fingerprint: SHA-256 of the manifest, in hexadecimal; the same for the same data.
        train, val: the splits.
    """

    folder: Path
    manifest: dict[str, Any]
    fingerprint: str
    train: TokenSet
    val: TokenSet

    @classmethod
    def open(cls, folder: Path) -> PreparedData:
        """Opens a prepared folder.

        Raises:
            UserError: when it is none, or a shard is missing or has another length than the manifest says.
        """
        manifest, fingerprint = read_manifest(folder)
        splits = {}
        for split in SPLITS:
            entries = manifest["splits"][split]["shards"]
            counts = [entry["tokens"] for entry in entries]
            tokens = MappedArrays([folder / entry["file"] for entry in entries], TOKENS, counts)
            masks = None
            if any(entry.get("mask") for entry in entries):
                masks = MappedArrays([folder / entry["mask"]["file"] for entry in entries], MASK, counts)
            splits[split] = TokenSet(tokens, np.cumsum([0, *counts], dtype=np.int64), masks)
        return cls(folder, manifest, fingerprint, **splits)

    @property
    def holds_records(self) -> bool:
        """Whether documents are records, each of which is learnt whole; not in data of earlier versions."""
        return isinstance(self.manifest.get("records"), dict)

    def document_starts(self, split: str) -> npt.NDArray[np.int64]:
        """Where the documents of a split begin in its token set, (documents) int64.

        Raises:
            UserError: when a shard's index is missing or damaged.
        """
        parts, position = [np.empty(0, np.int64)], 0
        for entry in self.manifest["splits"][split]["shards"]:
            if not entry.get("index") or "documents" not in entry:
                raise UserError(f"The prepared data in {self.folder} has no index of documents; prepare it again.")
            index = open_array(self.folder / entry["index"]["file"], INDEX, entry["documents"])
            parts.append(index.astype(np.int64) + position)
            position += entry["tokens"]
        return np.concatenate(parts)


class _File(msgspec.Struct):
    """A file of a shard."""

    file: Annotated[str, msgspec.Meta(pattern=r"^[^/\\\0]{1,200}$")]


class _Shard(_File, kw_only=True):
    """What must be there of a shard; there may be more."""

    tokens: Count
    documents: Count = 0
    index: _File | None = None
    mask: _File | None = None


class _Split(msgspec.Struct):
    shards: list[_Shard]
    tokens: Count
    documents: Count


class _Splits(msgspec.Struct):
    train: _Split
    val: _Split


class _Manifest(msgspec.Struct):
    splits: _Splits


def read_manifest(folder: Path) -> tuple[dict[str, Any], str]:
    """The manifest of a prepared folder, and its SHA-256 in hexadecimal.

    Raises:
        UserError: when there is none, or it cannot be used; the sentence names the file and the key.
    """
    path = folder / MANIFEST
    try:
        contents = read_bytes(path, largest=LARGEST_MANIFEST)
        manifest = parse_json(contents)
        if not isinstance(manifest, dict):
            raise ContentError("it holds no JSON object")
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{folder} holds no prepared data; make some with `python -m trainer prepare`.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    except ContentError as error:
        raise UserError(f"{path} is damaged: {error}; prepare the data again.") from None
    if manifest.get("version") != VERSION:
        raise UserError(f"{folder} holds prepared data of another version; prepare the data again.")
    try:
        splits = msgspec.convert(manifest, _Manifest).splits
    except msgspec.ValidationError as error:
        raise UserError(f"{path} is damaged: {_where(error)}; prepare the data again.") from None
    for name, split in (("train", splits.train), ("val", splits.val)):
        if split.tokens != sum(shard.tokens for shard in split.shards):
            raise UserError(f"{path} is damaged: the shards of splits.{name} are not complete; prepare the data again.")
        if len({shard.mask is None for shard in split.shards}) > 1:
            raise UserError(f"{path} is damaged: some shards of splits.{name} lack a mask; prepare the data again.")
    return manifest, hashlib.sha256(contents).hexdigest()


def is_shard(entry: Mapping[str, Any], *, tokens: int) -> bool:
    """Whether an entry describes a shard of so many tokens, as a manifest needs it."""
    try:
        return msgspec.convert(entry, _Shard).tokens == tokens
    except msgspec.ValidationError:
        return False


def _where(error: msgspec.ValidationError) -> str:
    """What msgspec found, with the key first: ``splits.train.shards[0]: object missing required field `tokens```."""
    what, _, place = str(error).partition(" - at `$")
    key = place.rstrip("`").lstrip(".") or "the whole"
    return f"{key[:100]}: {what[:1].lower()}{what[1:100]}"
