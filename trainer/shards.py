"""Token shards on disk: a small header, then uint16 token ids; read through memory maps.

A prepared folder holds ``train-00000.bin`` ..., ``val-00000.bin`` ... and ``manifest.json``. Imports no torch.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gptdesk.gpt2.errors import UserError

MAGIC: Final = b"GPTDTOK1"
HEADER: Final = struct.Struct("<8sII48x")  # magic, format version, bytes a token; padded to 64 bytes
VERSION: Final = 1
MANIFEST: Final = "manifest.json"

Tokens = npt.NDArray[np.uint16]


def write_shard(path: Path, tokens: Tokens) -> dict[str, Any]:
    """Writes one shard beside its place, synced and renamed, and returns its line of the manifest."""
    temporary = path.with_suffix(".tmp")
    body = tokens.astype("<u2").tobytes()
    with temporary.open("wb") as file:
        file.write(HEADER.pack(MAGIC, VERSION, 2))
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    return {"file": path.name, "tokens": int(tokens.size), "sha256": hashlib.sha256(body).hexdigest()}


def open_shard(path: Path) -> Tokens:
    """A read-only memory map of a shard's tokens, (n) uint16.

    Raises:
        UserError: when the file is no shard.
    """
    try:
        with path.open("rb") as file:
            magic, version, width = HEADER.unpack(file.read(HEADER.size))
    except (OSError, struct.error) as error:
        raise UserError(f"The token shard {path} cannot be read: {error}.") from None
    if magic != MAGIC or version != VERSION or width != 2:
        raise UserError(f"{path} is no token shard of this version; prepare the data again.")
    return np.memmap(path, dtype="<u2", mode="r", offset=HEADER.size)  # type: ignore[return-value]


@dataclass(frozen=True)
class TokenSet:
    """The shards of one split as one long sequence of tokens.

    Attributes:
        shards: memory maps, (n_i) uint16 each.
        starts: (number of shards + 1) positions at which each begins, the last one being the total.
    """

    shards: tuple[Tokens, ...]
    starts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, shards: Iterable[Tokens]) -> TokenSet:
        kept = tuple(shards)
        return cls(kept, np.cumsum([0, *(shard.size for shard in kept)], dtype=np.int64))

    def __len__(self) -> int:
        return int(self.starts[-1])

    def read(self, start: int, count: int) -> npt.NDArray[np.int64]:
        """Tokens ``start`` to ``start + count``, (count) int64, across shard borders."""
        parts = []
        shard = int(np.searchsorted(self.starts, start, side="right")) - 1
        while count > 0:
            offset = start - int(self.starts[shard])
            part = self.shards[shard][offset : offset + count]
            parts.append(part.astype(np.int64))
            start, count, shard = start + part.size, count - part.size, shard + 1
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def read_weights(self, start: int, count: int) -> npt.NDArray[np.bool_] | None:
        """Which of these tokens are to be learnt, (count) bool; None: all."""
        return None


@dataclass(frozen=True)
class PreparedData:
    """A folder that ``trainer prepare`` wrote, opened."""

    folder: Path
    manifest: dict[str, Any]
    train: TokenSet
    val: TokenSet

    @classmethod
    def open(cls, folder: Path) -> PreparedData:
        """Opens a prepared folder.

        Raises:
            UserError: when it is none, or a shard is missing or has another length than the manifest says.
        """
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UserError(f"{folder} holds no prepared data; make some with `python -m trainer prepare`.") from None
        except (OSError, ValueError) as error:
            raise UserError(f"The manifest in {folder} cannot be read: {error}.") from None
        splits = {}
        for split in ("train", "val"):
            shards = []
            for entry in manifest["splits"][split]["shards"]:
                shard = open_shard(folder / entry["file"])
                if shard.size != entry["tokens"]:
                    raise UserError(f"{folder / entry['file']} is not complete; prepare the data again.")
                shards.append(shard)
            splits[split] = TokenSet.of(shards)
        return cls(folder, manifest, **splits)
