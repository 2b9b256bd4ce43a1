"""The index of runs: those in the runs folder and in watched folders, with their names and tags."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from gptdesk.errors import UserError
from gptdesk.files import read_json
from gptdesk.locks import is_locked
from gptdesk.training.detached import lives, reap
from gptdesk.training.labels import Labels
from gptdesk.training.launch_record import LOCK, RECORD, STARTING, Launch, attempt_in, phase, read_launch
from trainer.run_directory.fields import read_fields
from trainer.run_directory.layout import CONFIG, EXIT, FORMAT, RUN, STATUS
from trainer.run_directory.layout import LOCK as RUN_LOCK
from trainer.run_directory.state import RunState, describe, planned_steps, read_state

_REMOVED: Final = ".removed-"
"""Prefix of a run folder that is being deleted; a leftover is deleted with the next one."""

_NEWER: Final = "This run was written by a newer version of gptdesk; update to read it."

_FILES: Final = (RUN, CONFIG, STATUS, EXIT, RECORD)


class RunEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A run as a list shows it.

    Attributes:
        folder: its run directory.
        id: unique, independent of the name.
        name: on the screen.
        tags: given by the user.
        pinned: stays on top of the list; its curves are drawn beside those of the selected run.
        state: as recorded; ``starting`` after a launch, ``crashed`` if the launched trainer ended before it began.
        steps: planned for the whole run, where known.
        created: seconds since the epoch.
        problem: a sentence why it cannot be read; "" if it can.
        damage: a sentence about files that cannot be used, if the rest can; else "".
    """

    folder: Path
    id: str
    name: str
    tags: tuple[str, ...]
    pinned: bool
    state: RunState
    steps: int | None
    created: float
    problem: str
    damage: str = ""

    @property
    def active(self) -> bool:
        """Whether a trainer is running or starting."""
        return self.state.active

    @property
    def step(self) -> int | None:
        return self.state.status.get("step")

    @property
    def loss(self) -> float | None:
        return self.state.status.get("loss")

    @property
    def best_loss(self) -> float | None:
        return self.state.status.get("best_loss")

    @property
    def best_step(self) -> int | None:
        return None if self.best_loss is None else self.state.status.get("best_step")

    @property
    def seconds_left(self) -> float | None:
        return self.state.status.get("seconds_left") if self.active else None

    @property
    def ended(self) -> float | None:
        """When it ended, or sent its last heartbeat, in seconds since the epoch; ``None`` while it is active."""
        if self.active:
            return None
        return self.state.exit.get("t") or self.state.status.get("heartbeat")


class RunIndex:
    """Finds runs and keeps the user's names, tags and pins; may be used from any thread.

    Args:
        file: where names, tags, pins and watched folders are kept.
        runs: the user's runs folder.
    """

    def __init__(self, file: Path, runs: Path) -> None:
        self.runs = runs
        self._labels = Labels(file)
        self._seen: dict[Path, tuple[object, RunEntry]] = {}
        self._scanning = threading.Lock()

    def scan(self) -> list[RunEntry]:
        """All runs: pinned ones first, then active ones, then the newest.

        A run that is not active is read again only if one of its files has changed.
        """
        reap()
        with self._scanning:
            found: dict[str, RunEntry] = {}
            seen: dict[Path, tuple[object, RunEntry]] = {}
            for folder in self._folders():
                signature = _signature(folder)
                known = self._seen.get(folder)
                if known is None or known[0] != signature or known[1].active:
                    entry = _read_entry(folder)
                    if entry is None:  # just deleted
                        continue
                    known = (signature, entry)
                seen[folder] = known
                entry = self._labelled(known[1], taken=found)
                found[entry.id] = entry
            self._seen = seen
        return sorted(found.values(), key=lambda entry: (not entry.pinned, not entry.active, -entry.created))

    def _folders(self) -> Iterator[Path]:
        """Run folders: the searched folders and those directly inside; each once, even if several paths lead there."""
        met = set()
        for root in (self.runs, *self.watched):
            for folder in [*filter(_is_run, [root]), *_inside(root)]:
                try:
                    status = os.stat(folder)
                except OSError:  # just deleted
                    continue
                if (status.st_dev, status.st_ino) not in met:
                    met.add((status.st_dev, status.st_ino))
                    yield folder

    def _labelled(self, entry: RunEntry, *, taken: dict[str, RunEntry]) -> RunEntry:
        """The entry with the user's name, tags and pin; a copy of a run has its id but another folder."""
        if entry.id in taken:
            entry = replace(entry, id=f"{entry.id}@{entry.folder}")
        elif entry.id != _provisional_id(entry.folder):
            self._labels.move(_provisional_id(entry.folder), entry.id)
        label = self._labels.of(entry.id)
        return replace(entry, name=label.name or entry.name, tags=label.tags, pinned=label.pinned)

    @property
    def watched(self) -> tuple[Path, ...]:
        """Folders that are searched besides the user's runs folder."""
        return self._labels.watched

    def watch(self, folder: Path) -> None:
        """Adds a folder to search: for a run in it, and for runs directly inside it.

        Raises:
            UserError: when it is no folder, or the list cannot be saved.
        """
        if not folder.is_dir():
            raise UserError(f"There is no folder {folder}.")
        self._labels.watch(folder.absolute())

    def unwatch(self, folder: Path) -> None:
        """Stops searching a folder.

        Raises:
            UserError: when the list cannot be saved; so do the methods below.
        """
        self._labels.unwatch(folder.absolute())

    def rename(self, id: str, name: str) -> None:
        """Renames a run; "" restores the name of its launch, or of its folder."""
        self._labels.change(id, name=" ".join(name.split()))

    def set_tags(self, id: str, tags: Sequence[str]) -> None:
        self._labels.change(id, tags=tuple(dict.fromkeys(tag for tag in map(str.strip, tags) if tag)))

    def set_pinned(self, id: str, pinned: bool) -> None:
        self._labels.change(id, pinned=pinned)

    def size(self, folder: Path) -> int:
        """Bytes that deleting it would free; takes a while for a run with many checkpoints."""
        total = 0
        if folder.is_symlink():
            return total
        for parent, _, names in os.walk(folder):
            for name in names:
                with suppress(OSError):  # just pruned
                    total += os.lstat(os.path.join(parent, name)).st_size
        return total

    def delete(self, folder: Path) -> None:
        """Deletes a run from the disk.

        Raises:
            UserError: when it is active, is no run directory, contains other things, or cannot be deleted.
        """
        folder = folder.absolute()
        entry = _read_entry(folder) if _is_run(folder) else None
        if entry is None:
            raise UserError(f"{folder} is no run directory; nothing was deleted.")
        at_work = is_locked(folder / RUN_LOCK) or lives(folder / LOCK, read_json(folder / RECORD) or {})
        if at_work or (entry.active and entry.state.state != STARTING):
            raise UserError("The run is active; stop it before you delete it.")
        if not folder.is_symlink():
            self._require_nothing_else(folder)
        _remove(folder)
        if folder in self.watched:
            self._labels.unwatch(folder)
        self._labels.forget(entry.id)

    def _require_nothing_else(self, folder: Path) -> None:
        """Refuses a run directory that contains other runs, the runs folder or the home folder."""
        real = folder.resolve()
        kept = [self.runs, Path.home(), *(watched for watched in self.watched if watched.resolve() != real)]
        other = next((place for place in kept if place.resolve().is_relative_to(real)), None) or _other_run(folder)
        if other is not None:
            what = "other runs" if other == folder else str(other)
            raise UserError(f"{folder} contains {what} besides the run; nothing was deleted.")


def _other_run(folder: Path) -> Path | None:
    """Another run somewhere inside a run directory."""
    for parent, _, names in os.walk(folder):
        if (RUN in names or RECORD in names) and Path(parent) != folder:
            return Path(parent)
    return None


def _remove(folder: Path) -> None:
    """Renames the folder first, so that an interrupted deletion leaves no incomplete run in the list."""
    aside = folder.with_name(f"{_REMOVED}{folder.name}")
    try:
        if folder.is_symlink():
            folder.unlink()
            return
        if aside.exists():
            shutil.rmtree(aside)
        os.replace(folder, aside)
        shutil.rmtree(aside)
    except OSError as error:
        raise UserError(f"{error.filename or folder} cannot be deleted ({error.strerror}).") from None


def _inside(root: Path) -> list[Path]:
    try:
        with os.scandir(root) as entries:
            names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    except OSError:  # missing, or not readable
        return []
    return [path for name in names if _is_run(path := root / name)]


def _is_run(folder: Path) -> bool:
    return os.path.isfile(folder / RUN) or os.path.isfile(folder / RECORD)


def _signature(folder: Path) -> object:
    """Changes when a file that an entry is read from changes."""
    parts: list[tuple[int, int, int] | None] = []
    for name in _FILES:
        try:
            status = os.stat(folder / name)
        except OSError:
            parts.append(None)
        else:
            parts.append((status.st_mtime_ns, status.st_size, status.st_ino))
    return parts


def _read_entry(folder: Path) -> RunEntry | None:
    """A run without the user's name, tags and pin; ``None`` if it no longer exists."""
    launch = read_launch(folder)
    description, problem = describe(folder)
    if not description and not problem and launch is None and not os.path.isfile(folder / RUN):
        return None
    config, odd_config = read_fields(folder / CONFIG, {})
    config = config or description.get("config") or {}
    if not problem and description and not config:
        problem = f"{RUN} holds no configuration"
    state = _read_state(folder, launch)
    return RunEntry(
        folder=folder,
        id=description.get("id") or _provisional_id(folder),
        name=(launch.name if launch else "") or folder.name,
        tags=(),
        pinned=False,
        state=state,
        steps=planned_steps(config) or state.status.get("steps"),
        created=description.get("t", 0.0) or (launch.t if launch else 0.0),
        problem=_NEWER if description.get("format", FORMAT) > FORMAT else _sentence(problem),
        damage=_sentence("; ".join(filter(None, (odd_config, state.damage)))),
    )


def _sentence(clause: str) -> str:
    return f"This run is damaged: {clause}." if clause else ""


def _read_state(folder: Path, launch: Launch | None) -> RunState:
    state = read_state(folder)
    if state.active:
        return state
    # With the segment of the same status: a trainer that begins between two reads would seem to have ended.
    match phase(launch, attempt_in(state.status)):
        case "starting":
            return replace(state, state=STARTING, exit={})
        case "failed":
            return replace(state, state="crashed", exit={})
    return state


def _provisional_id(folder: Path) -> str:
    """The id of a run whose trainer has not given it one yet."""
    return f"@{folder}"
