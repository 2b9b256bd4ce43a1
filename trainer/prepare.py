"""Turns text files into token shards with a manifest."""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from gptdesk.gpt2.errors import UserError
from gptdesk.gpt2.tokenizer import Tokenizer, gpt2_tokenizer
from trainer.shards import MANIFEST, VERSION, write_shard

SEPARATOR: Final = "<|endoftext|>"
SHARD_TOKENS: Final = 50_000_000
"""Tokens in a full shard: 100 MB on disk."""

TEXT_SUFFIXES: Final = (".txt", ".md", ".text")
_OPENERS: dict[str, Callable[[Path], IO[bytes]]] = {".xz": lzma.open, ".gz": gzip.open}  # type: ignore[dict-item]


@dataclass
class Progress:
    """What has been read so far.

    Attributes:
        documents, tokens, characters: counts over both splits.
        seconds: since the start.
    """

    documents: int = 0
    tokens: int = 0
    characters: int = 0
    seconds: float = 0.0


@dataclass
class _ShardWriter:
    """Collects one split's tokens and writes a shard whenever enough have come together."""

    folder: Path
    split: str
    shards: list[dict[str, Any]] = field(default_factory=list)
    documents: int = 0
    _waiting: list[np.ndarray[Any, np.dtype[np.uint16]]] = field(default_factory=list)
    _count: int = 0

    def add(self, ids: Sequence[int]) -> None:
        self._waiting.append(np.array(ids, dtype=np.uint16))
        self._count += len(ids)
        self.documents += 1
        if self._count >= SHARD_TOKENS:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            path = self.folder / f"{self.split}-{len(self.shards):05d}.bin"
            self.shards.append(write_shard(path, np.concatenate(self._waiting)))
            self._waiting, self._count = [], 0

    def summary(self) -> dict[str, Any]:
        return {
            "documents": self.documents,
            "tokens": sum(shard["tokens"] for shard in self.shards),
            "shards": self.shards,
        }


def find_text_files(sources: Sequence[Path]) -> list[Path]:
    """The text files among ``sources``, folders searched in name order.

    Raises:
        UserError: when one is not there, or none holds a text file.
    """
    files: list[Path] = []
    for source in sources:
        if source.is_dir():
            files += sorted(
                path for path in source.rglob("*") if path.is_file() and _text_suffix(path) in TEXT_SUFFIXES
            )
        elif source.is_file():
            files.append(source)
        else:
            raise UserError(f"There is no file or folder {source}.")
    if not files:
        raise UserError(f"No text files ({', '.join(TEXT_SUFFIXES)}) were found in {', '.join(map(str, sources))}.")
    return files


def _text_suffix(path: Path) -> str:
    return Path(path.stem).suffix if path.suffix in _OPENERS else path.suffix


def read_documents(path: Path) -> Iterator[str]:
    """The documents of a text file (plain, .gz or .xz), separated by lines that hold ``<|endoftext|>`` alone.

    Raises:
        UserError: when the file cannot be read as UTF-8 text.
    """
    opener = _OPENERS.get(path.suffix, lambda p: p.open("rb"))
    lines: list[str] = []
    try:
        with opener(path) as file:
            for raw in file:
                line = raw.decode("utf-8").replace("\r\n", "\n")
                if line.strip() == SEPARATOR:
                    yield "".join(lines)
                    lines = []
                else:
                    lines.append(line)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text; convert it first.") from None
    yield "".join(lines)


def _is_validation(document: str, share: float) -> bool:
    """Decides by the document's own hash, so that neither order nor other files matter."""
    digest = hashlib.blake2b(document.encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "little") < share * 2**64


def prepare(
    sources: Sequence[Path],
    folder: Path,
    *,
    validation: Sequence[Path] = (),
    validation_share: float = 0.01,
    progress: Callable[[Progress], None] | None = None,
    tokenizer: Tokenizer | None = None,
) -> dict[str, Any]:
    """Encodes text files into ``folder`` and returns the manifest written there.

    Every document ends with ``<|endoftext|>``. With ``validation`` files, those are the validation split and ``sources`` the
    training split whole; without, a document belongs to the validation split with probability ``validation_share``.
    The folder appears when all of it is written; on failure nothing is left behind.

    Raises:
        UserError: for sources that are missing or unreadable, an existing folder, or a split that stays empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty; choose another folder or remove it.")
    tokenizer = tokenizer or gpt2_tokenizer()
    temporary = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        manifest = _encode_all(sources, temporary, validation, validation_share, progress, tokenizer)
        if folder.exists():
            folder.rmdir()
        os.replace(temporary, folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return manifest


def _encode_all(
    sources: Sequence[Path],
    folder: Path,
    validation: Sequence[Path],
    validation_share: float,
    progress: Callable[[Progress], None] | None,
    tokenizer: Tokenizer,
) -> dict[str, Any]:
    writers = {split: _ShardWriter(folder, split) for split in ("train", "val")}
    done, began = Progress(), time.monotonic()
    share = 0.0 if validation else validation_share
    work = [(path, share) for path in find_text_files(sources)]
    work += [(path, 1.0) for path in (find_text_files(validation) if validation else [])]
    for path, val_share in work:
        for document in read_documents(path):
            text = document.strip()
            if not text:
                continue
            ids = [*tokenizer.encode(text), tokenizer.end_of_text]
            writers["val" if _is_validation(text, val_share) else "train"].add(ids)
            done.documents += 1
            done.tokens += len(ids)
            done.characters += len(text)
            done.seconds = time.monotonic() - began
            if progress:
                progress(done)
    for split, writer in writers.items():
        writer.flush()
        if not writer.documents:
            name = "training" if split == "train" else "validation"
            raise UserError(
                f"The {name} split would be empty: give more documents (separated by lines of {SEPARATOR}), "
                "another --val-share, or files with --val."
            )
    manifest = {
        "version": VERSION,
        "tokenizer": {"name": "gpt2", "sha256": tokenizer.sha256},
        "sources": [{"file": path.name, "bytes": path.stat().st_size} for path, _ in work],
        "validation": {"by": "files"} if validation else {"by": "document hash", "share": validation_share},
        "splits": {split: writer.summary() for split, writer in writers.items()},
    }
    with (folder / MANIFEST).open("w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    return manifest
