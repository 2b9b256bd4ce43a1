"""Resolves sources to the list of files to read."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, Final

from gptdesk.errors import UserError
from gptdesk.hub.digest import HubFile
from trainer.prepare.formats import FORMATS, PARQUET, TEXT, compression_of, format_of, formats_text, unreadable
from trainer.prepare.sources.hub import hub_files, looks_like_hub_name
from trainer.prepare.sources.names import bundled_text, missing

_OURS: Final = ({"manifest.json", "progress.json"}, {"plan.json", "progress.json"}, {"run.json", "events.jsonl"})
"""Files that a folder of prepared data, or of a run, holds: it is no source."""


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One file to read.

    Attributes:
        name: what it is called in messages and in the manifest.
        format: one of `trainer.prepare.formats.FORMATS`.
        split: ``train``, ``val``, or empty when each document's hash decides.
        bytes: its size.
        path: where it is, absolute; empty for a file of the hub, which has yet to be downloaded.
        compression: ``.gz``, ``.xz``, ``.zst`` or empty.
        modified: time of the last change in nanoseconds since the epoch; 0 for the hub's.
        hub: where the hub has it.
        sha256: of a small one on this computer, in hexadecimal; else empty.
        weight: how often its training text is in the result.
    """

    name: str
    format: str
    split: str
    bytes: int
    path: str = ""
    compression: str = ""
    modified: int = 0
    hub: HubFile | None = None
    sha256: str = ""
    weight: float = 1.0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> SourceFile:
        hub = values.pop("hub")
        return cls(**values, hub=HubFile(**hub) if hub else None)

    def as_it_is_now(self) -> SourceFile:
        """The file as it is on this computer now.

        Raises:
            UserError: when it is gone.
        """
        try:
            stat = Path(self.path).stat()
        except OSError as error:
            raise UserError(f"{self.path} cannot be read any more: {error.strerror}.") from None
        if (stat.st_size, stat.st_mtime_ns) == (self.bytes, self.modified):
            return self
        return replace(self, bytes=stat.st_size, modified=stat.st_mtime_ns, sha256="")

    def for_manifest(self) -> dict[str, Any]:
        """What the manifest says of it: nothing that depends on this computer."""
        weight = {} if self.weight == 1 else {"weight": self.weight}
        if self.hub is None:
            return {"file": self.name, "bytes": self.bytes} | weight
        return {"hub": self.hub.repo, "revision": self.hub.revision, "file": self.hub.path, "bytes": self.bytes,
                "sha256": self.hub.sha256} | weight  # fmt: skip


def find_files(sources: Sequence[str], *, split: str, avoid: Path) -> list[SourceFile]:
    """The files that ``sources`` name: files, folders (all files in them that are not hidden), or data sets of the hub.

    Args:
        sources: paths, names of bundled texts or data sets, ``owner/name[@revision][:subfolder]``.
        split: where their documents go; empty: their hash decides.
        avoid: a folder whose files are none of the sources'.

    Raises:
        UserError: for a source that is not there, or in which nothing can be read.
    """
    files: dict[str, SourceFile] = {}
    for source in sources:
        path = Path(source).expanduser()
        if path.is_dir():
            found = list(_search(path, split, avoid.absolute()))
            if not found:
                raise UserError(f"No files to read were found in {path}. What can be read: {formats_text()}.")
        elif path.is_file():
            found = [_local(path, path.name, split)]
        elif bundled := bundled_text(source):
            found = [_local(bundled.path, bundled.file, split)]
        elif looks_like_hub_name(source):
            found = [
                SourceFile(name=f"{file.repo}/{file.path}", format=PARQUET, split=split, bytes=file.bytes, hub=file)
                for file in hub_files(source)
            ]
        else:
            raise UserError(missing(source))
        files |= {file.path or file.name: file for file in found}
    return list(files.values())


def _search(folder: Path, split: str, avoid: Path) -> Iterator[SourceFile]:
    """All files under a folder but hidden and our own ones, by name; a closed folder stands for its files."""
    unreadable: list[str] = []
    found = []
    for parent, folders, names in os.walk(folder, onerror=lambda error: unreadable.append(error.filename)):
        if any(ours <= set(names) for ours in _OURS):
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, name) for name in names if not name.startswith(".") and format_of(name)]
    for path in sorted([*found, *map(Path, unreadable)], key=lambda path: _in_order(path.relative_to(folder))):
        name = f"{folder.resolve().name}/{path.relative_to(folder).as_posix()}"
        if path.absolute().is_relative_to(avoid):
            continue
        try:
            stat = path.stat()
        except OSError as error:
            if path.is_symlink():  # leads nowhere
                continue
            raise UserError(f"{path} cannot be read: {error.strerror}.") from None
        if S_ISREG(stat.st_mode):
            yield _local(path, name, split)
        elif S_ISDIR(stat.st_mode):  # reading it will say why it cannot be read
            yield SourceFile(
                name=name, format=TEXT, split=split, bytes=max(1, stat.st_size), path=str(path.absolute()),
                modified=stat.st_mtime_ns,
            )  # fmt: skip


def _in_order(path: Path) -> tuple[list[str | int], str]:
    """Sorts by name, and by the numbers in names: chapter 2 before chapter 10."""
    parts = re.split(r"(\d+)", path.as_posix(), flags=re.ASCII)  # words and numbers take turns
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], path.as_posix()


def _local(path: Path, name: str, split: str) -> SourceFile:
    """A file on this computer; one of unknown suffix is taken for text."""
    if why := unreadable(path.name):
        raise UserError(f"{path} is {why}.")
    try:
        stat = path.stat()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    compression = compression_of(path.name)
    format = format_of(path.name) or TEXT
    if compression and FORMATS[format].packed:
        raise UserError(
            f"{path} is compressed as a whole; unpack it first ({FORMATS[format].label} is compressed inside)."
        )
    return SourceFile(
        name=name, format=format, split=split, bytes=stat.st_size, path=str(path.absolute()), compression=compression,
        modified=stat.st_mtime_ns,
    )  # fmt: skip


def with_distinct_names(files: Sequence[SourceFile]) -> tuple[SourceFile, ...]:
    """The files, those of one name with as much of their folders before it as tells them apart."""
    names = [file.name for file in files]
    folders = [Path(file.path).parts[: -file.name.count("/") - 1] for file in files]
    for depth in range(1, max(map(len, folders), default=0) + 1):
        count = Counter(names)
        alike = [i for i, name in enumerate(names) if count[name] > 1 and len(folders[i]) >= depth]
        if not alike:
            break
        for i in alike:
            names[i] = f"{folders[i][-depth].strip('/')}/{names[i]}"
    return tuple(replace(file, name=name) for file, name in zip(files, names, strict=True))
