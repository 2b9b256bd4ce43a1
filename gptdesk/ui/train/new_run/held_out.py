"""Keeps the end of a text back for validation, where there are too few documents to choose some. No Qt.

A person's first text is one file without separators: one document, which can be in one split only. Then the trainer
would refuse it, so its last part becomes a file of its own, as in Karpathy's nanoGPT (data/shakespeare).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gptdesk.folders import ensure_folder
from gptdesk.gpt2.errors import UserError

SHARE: Final = 0.1
"""Of every text that is kept back."""

_ENOUGH_DOCUMENTS: Final = 500
"""With so many, one in a hundred is chosen and both splits get some, but for one time in 150."""

_ENDINGS: Final = (".txt", ".text", ".md")
_SEPARATOR: Final = b"<|endoftext|>"
_BLOCK: Final = 1 << 20
_NEAR: Final = 1 << 16
"""Bytes before the cut in which an end of a paragraph or a line is looked for."""


@dataclass(frozen=True)
class Split:
    """Sources for training and for validation; no validation: documents are chosen by the trainer."""

    training: tuple[str, ...]
    validation: tuple[str, ...] = ()


def split_sources(sources: Sequence[str], folder: Path) -> Split:
    """Cuts the sources where they are a few texts, into new files in ``folder``; else leaves them as they are.

    Raises:
        UserError: when a file cannot be read or written.
    """
    files = [file for source in sources for file in _texts(Path(source))]
    if not files or None in files:
        return Split(tuple(sources))
    texts = [file for file in files if file is not None]
    try:
        if sum(map(_documents, texts)) >= _ENOUGH_DOCUMENTS:
            return Split(tuple(sources))
        ensure_folder(folder)
        pairs = [_cut(path, folder, number) for number, path in enumerate(texts)]
    except OSError as error:
        raise UserError(f"{error.filename or folder} cannot be split ({error.strerror}).") from None
    return Split(tuple(str(train) for train, _ in pairs), tuple(str(val) for _, val in pairs))


def _texts(source: Path) -> list[Path | None]:
    """The text files of a source; None stands for what is of another kind."""
    if source.is_dir():
        found = sorted(path for path in source.rglob("*") if path.is_file() and not path.name.startswith("."))
    else:
        found = [source]
    return [path if path.suffix.lower() in _ENDINGS and path.is_file() else None for path in found]


def _documents(path: Path) -> int:
    count, tail = 1, b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            count += (tail + block).count(_SEPARATOR)
            tail = block[1 - len(_SEPARATOR) :]
    return count


def _cut(path: Path, folder: Path, number: int) -> tuple[Path, Path]:
    """Copies the beginning and the end of a text; the border is the end of a paragraph, a line, or a character."""
    size = path.stat().st_size
    train, val = (folder / f"{number:03d}-{part}{path.suffix}" for part in ("train", "val"))
    with path.open("rb") as file:
        wished = round(size * (1 - SHARE))
        start = max(0, wished - _NEAR)
        file.seek(start)
        near = file.read(wished - start)
        border = next((at + len(mark) for mark in (b"\n\n", b"\n", b" ") if (at := near.rfind(mark)) > 0), 0)
        if not border:
            border = len(near)
            while border and near[border - 1] & 0xC0 == 0x80:  # inside a character of UTF-8
                border -= 1
            border -= bool(border)
        file.seek(0)
        with train.open("wb") as out:
            _copy(file, out, start + border)
        with val.open("wb") as out:
            shutil.copyfileobj(file, out, _BLOCK)
    return train, val


def _copy(file, out, size: int) -> None:  # type: ignore[no-untyped-def]
    while size and (block := file.read(min(_BLOCK, size))):
        out.write(block)
        size -= len(block)
