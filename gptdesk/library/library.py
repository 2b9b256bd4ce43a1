"""Lists installed and available models; links, renames and removes those in the models folder."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from gptdesk.bounded_read import ContentError, read_bytes
from gptdesk.errors import UserError
from gptdesk.folders import Folders, ensure_folder
from gptdesk.gpt2.layout import WEIGHTS_FILE
from gptdesk.library.catalogue import (
    BUNDLED,
    BUNDLED_SHA256,
    ModelEntry,
    bundled_folder,
    describe_model,
    describe_named,
    find_model,
    is_link,
)
from gptdesk.library.entry import Kind, LibraryEntry
from gptdesk.library.hubcache import Snapshot, cached_models, listed_hash
from gptdesk.library.known_models.known import KNOWN, card_url, find_known
from gptdesk.library.names import check_name, taken
from gptdesk.library.record import Record, read_record, with_defaults, write_record
from gptdesk.library.weights import check_weights

RECORDS: Final = ".records"
"""Folder in the models folder for records of models that are in other folders."""

_REMOVING: Final = ".removing-"
IMPORTING: Final = ".importing-"
"""Prefixes of folders that are being removed, and being imported."""

_ABANDONED: Final = 86_400.0
"""Seconds after which an unfinished import counts as abandoned."""
_MANIFEST: Final = "manifest.json"
"""File with the SHA-256 of every file of a checkpoint; the trainer writes it last."""

_LARGEST_MANIFEST: Final = 2**20


class _ManifestFile(msgspec.Struct):
    """What is read of a file in a manifest."""

    sha256: str


_MANIFEST_FILES: Final = msgspec.json.Decoder(dict[str, _ManifestFile])

_REPO: Final = re.compile(r"[\w.-]+/[\w.-]+|[\w.-]+")


class Library:
    """The models of one person. Reads file names, sizes, headers and small files, never weights.

    Args:
        folders: of the person.
        watched: returns further folders that are runs or hold runs.
    """

    def __init__(self, folders: Folders, watched: Callable[[], Iterable[Path]] = tuple) -> None:
        self.folders = folders
        self._watched = watched

    def entries(self) -> list[LibraryEntry]:
        """All models: bundled, installed, checkpoints of runs, in the Hugging Face cache, and to download."""
        here = [self._bundled(), *self.installed()]
        repos = {entry.repo.casefold() for entry in here if entry.state == "ready"}
        cached = [entry for entry in self._cached() if entry.repo.casefold() not in repos]
        repos |= {entry.repo.casefold() for entry in cached}
        missing = [
            LibraryEntry(
                kind="known", name=known.name, state="missing", config=known.config, download=known.size,
                repo=known.repo, revision=known.revision, licence=known.licence, card_url=known.card_url,
                note=known.note, sha256={known.file: known.sha256} if known.sha256 else {}, more=known.more,
            )
            for known in KNOWN
            if known.repo.casefold() not in repos
        ]  # fmt: skip
        return [*here, *self._checkpoints(), *cached, *missing]

    def installed(self) -> Iterator[LibraryEntry]:
        """The models in the models folder, linked ones included, by name."""
        for folder in _inside(self.folders.models):
            if not folder.name.startswith(".") and folder.is_dir():
                yield self._named(folder)

    def entry(self, name: str) -> LibraryEntry:
        """The model of that name, repository or folder.

        Raises:
            UserError: when there is none.
        """
        entries = self.entries()
        for matches in (
            lambda entry: entry.name == name,
            lambda entry: entry.name.casefold() == name.casefold() or entry.repo.casefold() == name.casefold(),
        ):
            if name and (found := next(filter(matches, entries), None)) is not None:
                return found
        model = find_model(name, self.folders)  # raises its sentence
        found = next((entry for entry in entries if entry.path == model.path), None)
        return found or self._described("folder", model.name, model.path)

    def rename(self, name: str, new: str) -> None:
        """Gives a model of the models folder another name.

        Raises:
            UserError: when it is not in that folder, or the name is invalid or taken.
        """
        folder = self._changeable(name)
        check_name(new)
        if taken(self.folders.models, new) and new.casefold() != folder.name.casefold():
            raise UserError(f"There is a model called {new} already; take another name.")
        try:
            os.rename(folder, folder.with_name(new))
        except OSError as error:
            raise UserError(f"{name} cannot be renamed ({error.strerror}).") from error

    def remove(self, name: str) -> int:
        """Removes a model from the models folder, of a linked one only the link; returns the bytes that are freed.

        Raises:
            UserError: when it is not in that folder, or cannot be removed.
        """
        folder = self._changeable(name)
        freed = disk_use(folder)
        gone = folder.with_name(f"{_REMOVING}{os.getpid()}-{folder.name}")
        try:
            os.rename(folder, gone)  # so that a half-removed model is never offered
            if gone.is_symlink():
                gone.unlink()
            else:
                shutil.rmtree(gone)
        except OSError as error:
            raise UserError(f"{name} cannot be removed ({error.strerror}); a program may be using it.") from error
        return freed

    def link(self, path: Path, name: str) -> LibraryEntry:
        """Adds a link to a model folder, which stays where it is.

        Raises:
            UserError: when it holds no GPT-2 that gptdesk can load, or the name is invalid or taken.
        """
        path = Path(os.path.abspath(path))
        check_weights(path)
        check_name(name)
        models = ensure_folder(self.folders.models)
        if taken(models, name):
            raise UserError(f"There is a model called {name} already; take another name.")
        if path.is_relative_to(models):
            raise UserError(f"{path} is in the models folder already.")
        folder = models / name
        ensure_folder(folder)
        write_record(folder, Record(source=str(path), link=str(path), added=now()))
        return self._named(folder)

    def record(self, entry: LibraryEntry) -> Record:
        """The record of a model; an empty one when it has none."""
        return read_record(self._record_folder(entry))

    def set_defaults(
        self, entry: LibraryEntry, *, precision: str | None = None, decoding: Mapping[str, Any] | None = None
    ) -> LibraryEntry:
        """Stores defaults of a model and returns its entry; ``None`` keeps the present value.

        Raises:
            UserError: for an unknown precision or invalid settings, or when the record cannot be written.
        """
        record = with_defaults(self.record(entry), precision=precision, decoding=decoding)
        write_record(ensure_folder(self._record_folder(entry)), record)
        return replace(entry, defaults=record.defaults)

    def clean_up(self) -> None:
        """Deletes leftovers of interrupted removals and imports."""
        for folder in _inside(self.folders.models):
            forgotten = folder.name.startswith(IMPORTING) and time.time() - _changed(folder) > _ABANDONED
            if forgotten or folder.name.startswith(_REMOVING):
                shutil.rmtree(folder, ignore_errors=True)

    def _bundled(self) -> LibraryEntry:
        entry = self._described("bundled", BUNDLED, bundled_folder())
        note = "Writes children's stories; it comes with gptdesk."
        return replace(entry, licence="mit", note=note, sha256={WEIGHTS_FILE: BUNDLED_SHA256})

    def _named(self, folder: Path) -> LibraryEntry:
        record = read_record(folder)
        kind: Kind = "linked" if is_link(folder, record) else "installed"
        entry = self._described(kind, folder.name, folder, record)
        known = find_known(record.source)
        is_repo = bool(record.revision) and _REPO.fullmatch(record.source) is not None
        return replace(
            entry,
            repo=record.source if is_repo else "",
            revision=record.revision,
            source="" if is_repo else record.source,
            sha256=record.sha256,
            licence=record.licence or (known.licence if known else ""),
            card_url=card_url(record.source) if is_repo else "",
            note=known.note if known else "",
            added=record.added,
        )

    def _checkpoints(self) -> Iterator[LibraryEntry]:
        names: set[str] = set()
        for run in self._runs():
            for path in reversed(_inside(run / "checkpoints")):
                if path.name.startswith("step-") and (path / _MANIFEST).is_file():
                    name = f"{run.name}/{path.name}"
                    entry = self._described("run", str(path) if name in names else name, path)
                    names.add(name)
                    yield replace(entry, source=str(run), sha256=_manifest_hashes(path))

    def _runs(self) -> Iterator[Path]:
        """Folders that may be runs, each once; the newest of each place first."""
        met: set[str] = set()
        for place in (self.folders.runs, *self._watched()):
            for run in (place, *reversed(_inside(place))):
                if (real := os.path.realpath(run)) not in met:
                    met.add(real)
                    yield run

    def _cached(self) -> Iterator[LibraryEntry]:
        seen: set[str] = set()
        for snapshot in cached_models():
            if snapshot.repo not in seen and (entry := self._of_snapshot(snapshot)) is not None:
                seen |= {snapshot.repo, entry.repo}
                yield entry

    def _of_snapshot(self, snapshot: Snapshot) -> LibraryEntry | None:
        """The entry of a revision in the hub's cache; None when it is not a complete GPT-2."""
        try:
            model = describe_model(snapshot.path)
        except (UserError, OSError):
            return None
        known = find_known(snapshot.repo)
        hashes = {path.name: listed_hash(path) for path in _inside(snapshot.path) if listed_hash(path)}
        entry = LibraryEntry(
            kind="cache", name=snapshot.repo, path=snapshot.path, config=model.config, size=model.size,
            repo=known.repo if known else snapshot.repo, revision=snapshot.revision, sha256=hashes,
            card_url=card_url(snapshot.repo), left_out=model.left_out, tokenizer=model.tokenizer,
            licence=known.licence if known else "", note=known.note if known else "",
        )  # fmt: skip
        return replace(entry, defaults=self.record(entry).defaults)

    def _described(self, kind: Kind, name: str, path: Path, record: Record | None = None) -> LibraryEntry:
        """The entry of a folder; damaged when it holds no model that gptdesk can load."""
        entry = LibraryEntry(kind=kind, name=name, path=path)
        record = record or self.record(entry)
        entry = replace(entry, defaults=record.defaults)
        try:
            model: ModelEntry = describe_named(path) if kind in ("installed", "linked") else describe_model(path)
        except (UserError, OSError) as error:
            return replace(entry, state="damaged", problem=str(error))
        return replace(
            entry, path=model.path, config=model.config, size=model.size, left_out=model.left_out,
            tokenizer=model.tokenizer,
        )  # fmt: skip

    def _record_folder(self, entry: LibraryEntry) -> Path:
        """Folder of a model's record: the model's own if it is in the models folder."""
        if entry.changeable and os.path.isdir(self.folders.models / entry.name):
            return self.folders.models / entry.name
        identity = BUNDLED if entry.kind == "bundled" else entry.repo or str(entry.path)
        digest = hashlib.sha256(f"{entry.kind}:{identity}".encode("utf-8", "replace")).hexdigest()
        return self.folders.models / RECORDS / digest[:16]

    def _changeable(self, name: str) -> Path:
        """The folder of a model in the models folder."""
        folder = self.folders.models / name
        is_name = bool(name) and Path(name).name == name != ".." and name[0] != "."
        if is_name and (folder.is_dir() or folder.is_symlink()):
            return folder
        if name == BUNDLED:
            raise UserError(f"{BUNDLED} comes with gptdesk and cannot be changed.")
        entry = next((entry for entry in self.entries() if name in (entry.name, entry.repo)), None)
        if entry is None or entry.kind == "known":
            raise UserError(f"There is no model called {name!a} in the models folder.")
        if entry.changeable:  # by its name on the hub
            return self.folders.models / entry.name
        where = "the hub's cache; use: hf cache rm" if entry.kind == "cache" else "its run; remove it there"
        raise UserError(f"{entry.name} is not in the models folder but in {where}.")


def disk_use(folder: Path) -> int:
    """Bytes that removing a folder frees; files with other hard links do not count."""
    if folder.is_symlink():
        return 0
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                status = os.lstat(os.path.join(root, name))
            except OSError:
                continue
            total += status.st_size if status.st_nlink <= 1 else 0
    return total


def now() -> str:
    """The present time in ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _manifest_hashes(checkpoint: Path) -> dict[str, str]:
    """SHA-256 of the files of a checkpoint by name; none when its manifest cannot be read."""
    try:
        listed = _MANIFEST_FILES.decode(read_bytes(checkpoint / _MANIFEST, largest=_LARGEST_MANIFEST))
    except (OSError, ContentError, msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    return {name: file.sha256 for name, file in listed.items() if "/" not in name}


def _changed(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return time.time()


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # not made yet
        return []
