"""Prepared data on disk: token shards with an index of documents and a manifest; read through memory maps.

A prepared folder holds for each split (``train``, ``val``) and number

- ``train-00000.bin``: token ids, uint16, or uint32 for a vocabulary of 65,536 tokens or more;
- ``train-00000.idx``: where documents begin in that shard, uint32;
- ``train-00000.mask``: one bit a token, set where it counts as a target; only for data with prompts;

the files of the tokenizer in the folder ``tokenizer``, unless it is OpenAI's, and ``manifest.json``, which is written
last. Numbers are little-endian, and every file begins with the same header of
64 bytes. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gptdesk.errors import UserError
from gptdesk.gpt2.tokenizer import Tokenizer
from trainer.data.arrays import INDEX, MASK, MappedArrays, open_array
from trainer.data.manifest import read_manifest
from trainer.data.tokenizer import DataTokenizer

SPLITS: Final = ("train", "val")

Tokens = npt.NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True)
class TokenSet:
    """The shards of one split as one long sequence of tokens.

    Attributes:
        shards: memory maps, (n_i) uint16 or uint32 each; few of them are open at a time.
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
        tokenizer = DataTokenizer.from_manifest(manifest)
        kind, sha256 = tokenizer.kind, tokenizer.sha256
        splits = {}
        for split in SPLITS:
            entries = manifest["splits"][split]["shards"]
            counts = [entry["tokens"] for entry in entries]
            tokens = MappedArrays([folder / entry["file"] for entry in entries], kind, counts, sha256)
            masks = None
            if any(entry.get("mask") for entry in entries):
                masks = MappedArrays([folder / entry["mask"]["file"] for entry in entries], MASK, counts, sha256)
            splits[split] = TokenSet(tokens, np.cumsum([0, *counts], dtype=np.int64), masks)
        return cls(folder, manifest, fingerprint, **splits)

    @property
    def tokenizer(self) -> DataTokenizer:
        """Whose ids these are."""
        return DataTokenizer.from_manifest(self.manifest)

    def load_tokenizer(self) -> Tokenizer:
        """The tokenizer, from the folder's own copy.

        Raises:
            UserError: when its files are missing, damaged or of another tokenizer.
        """
        return self.tokenizer.load(self.folder)

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
            index = open_array(self.folder / entry["index"]["file"], INDEX, entry["documents"], self.tokenizer.sha256)
            parts.append(index.astype(np.int64) + position)
            position += entry["tokens"]
        return np.concatenate(parts)
