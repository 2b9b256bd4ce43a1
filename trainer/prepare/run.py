"""Prepares data from beginning to end: plan, encode, merge; each step goes on where an earlier call was stopped."""

from __future__ import annotations

import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from gptdesk.errors import UserError
from trainer.locking import FileLock, LockHeld
from trainer.prepare.account import add_up, note_silent
from trainer.prepare.broken import Broken
from trainer.prepare.changes import refuse_changes, with_hashes
from trainer.prepare.formats import PARQUET, ROW_FORMATS
from trainer.prepare.held_out import TAIL, Tail, hold_out, too_few_chosen
from trainer.prepare.hub import Downloads
from trainer.prepare.manifest import make_manifest
from trainer.prepare.merge import Merger
from trainer.prepare.parts import Block, Done, writing
from trainer.prepare.plan import PLAN, Plan, Request, Section
from trainer.prepare.pool import Pool, make_pool
from trainer.prepare.progress import Meter, Progress
from trainer.prepare.progressfile import PROGRESS, ProgressFile
from trainer.prepare.worker import Task, tasks
from trainer.rundir import read_json, write_json
from trainer.shards import MANIFEST, read_manifest

DOWNLOADS: Final = "downloads"
"""Where files of the hub wait to be encoded."""

DOWNLOADS_AHEAD: Final = 3
"""Files of the hub that lie on the disk at a time: one that is read, one that waits, one that comes."""

_WAIT_SECONDS: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How to work; the result does not depend on it.

    Attributes:
        workers: processes.
        strict: whether broken input is an error.
        keep_downloads: whether files of the hub stay, in `DOWNLOADS`.
        delete_sources: whether parquet files on this computer go, too, once they are encoded.
    """

    workers: int = 1
    strict: bool = False
    keep_downloads: bool = False
    delete_sources: bool = False


def prepare(
    request: Request,
    folder: Path,
    manner: Manner = Manner(),
    *,
    planned: Callable[[Plan], None] = lambda _: None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> dict[str, Any]:
    """Encodes what was asked for into ``folder`` and returns the manifest written there.

    Stopped at any moment, whatever stopped it, the same call goes on; a finished folder is left as it is. All along
    ``progress.json`` in the folder says how far it is (`trainer.prepare.progressfile`).

    Args:
        request: what to encode.
        folder: made when it is not there.
        manner: how to work.
        planned: told which files will be read, before anything is; what it raises ends the preparation.
        progress: told how far it is, a few times a second.

    Raises:
        UserError: for sources that are missing or broken, a folder that holds something else, an empty split.
    """
    folder = folder.absolute()
    if (manifest := _finished(request, folder)) is not None:
        return manifest
    with _locked(folder):
        # Another process may have come to its end since.
        if (manifest := _finished(request, folder)) is not None:
            return manifest
        with ProgressFile(folder) as file:

            def show(now: Progress) -> None:
                file.update(now)
                progress(now)

            plan = Plan.load(folder / PLAN, request) or Plan.make(request, folder)
            plan = replace(plan, files=with_hashes(plan.files))
            planned(plan)
            return _carry_out(plan, folder, manner, show)


def _finished(request: Request, folder: Path) -> dict[str, Any] | None:
    """The manifest of a folder in which nothing is left to do; None where there is.

    Raises:
        UserError: when the folder holds something else, or its sources have changed since.
    """
    if plan := Plan.load(folder / PLAN, request):
        if not (folder / MANIFEST).exists():
            return None
        refuse_changes(plan, folder)
        return read_manifest(folder)[0]
    with writing(folder):
        if folder.exists() and any(path.name[0] != "." and path.name != PROGRESS for path in folder.iterdir()):
            raise UserError(f"{folder} is not empty; choose another folder or remove it.")
    return None


def _carry_out(plan: Plan, folder: Path, manner: Manner, progress: Callable[[Progress], None]) -> dict[str, Any]:
    request, work = plan.request, folder / "work"
    with writing(folder):
        if not (folder / PLAN).exists():
            plan.save(folder / PLAN)
        work.mkdir(exist_ok=True)
        for leftover in [*folder.glob("*.tmp"), *work.glob("*.tmp")]:
            leftover.unlink()
    meter = Meter(sum(file.bytes for file in plan.files), progress)
    encoding = _Encoding(plan, folder, work, manner, meter)
    encoding.run()
    note_silent(encoding.plan.files, add_up(unit.accounts for unit in encoding.done), encoding.broken)
    blocks = [block for unit in encoding.done for block in unit.blocks]
    try:
        tail = _divide(blocks, encoding, work)
    except UserError:
        shutil.rmtree(work)
        (folder / PLAN).unlink()  # with other sources or settings it may do
        raise
    meter.begin_merge()
    parts, blocks = (work / TAIL, list(tail.blocks)) if tail else (work, blocks)
    with writing(folder):
        merger = Merger(
            folder,
            parts,
            blocks,
            shard_tokens=request.shard_tokens,
            seed=request.seed,
            learn_prompts=request.learn_prompts,
        )
        splits = merger.run(meter.merged)
        manifest = make_manifest(encoding.plan, splits, encoding.done, encoding.sections, encoding.broken, tail)
        write_json(folder / MANIFEST, manifest)
        shutil.rmtree(work)
        if not manner.keep_downloads:
            shutil.rmtree(folder / DOWNLOADS, ignore_errors=True)
    return manifest


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Holds the lock on ``.lock``, which stays: once removed, two could hold it, one of whom had opened it before."""
    try:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / ".lock")
    except LockHeld:
        raise UserError(f"Another process is preparing {folder}; wait for it or stop it.") from None
    try:
        yield
    finally:
        lock.release()


def _divide(blocks: Sequence[Block], encoding: _Encoding, work: Path) -> Tail | None:
    """Makes sure that there is text in both splits: holds the end of it out where documents' hashes chose too few.

    Raises:
        UserError: when there is no text, or none for one of the splits.
    """
    request = encoding.plan.request
    splits = {"train": "training ", "val": "validation "} if request.validation else {"": ""}
    for split, name in splits.items():
        if not any((block.counts(split) if split else block.all).documents for block in blocks):
            raise UserError(f"No {name}text was found. {encoding.broken.sentences()}")
    if request.validation or not request.validation_share or not too_few_chosen(blocks):
        return None
    with writing(work):
        return hold_out(blocks, work, request, encoding.row_blocks())


class _Encoding:
    """The first and longest step: every unit of every section, as its files are here and workers are free.

    Attributes:
        plan: with files that have changed as they were read.
        done: all units in the order of the plan, after `run`.
        sections: all sections.
        broken: what was left out.
    """

    def __init__(self, plan: Plan, folder: Path, work: Path, manner: Manner, meter: Meter) -> None:
        self.plan, self._folder, self._work, self._manner, self._meter = plan, folder, work, manner, meter
        self._ranges = list(plan.sections())
        self._left: dict[int, set[str]] = {}  # units of a section that are not done
        self._done: dict[str, Done] = {}
        self._tasks: deque[Task] = deque()
        self._downloads: Downloads | None = None
        self.sections: dict[int, Section] = {}
        self.broken = Broken(manner.strict)

    @property
    def done(self) -> list[Done]:
        return [self._done[unit.name] for _, section in sorted(self.sections.items()) for unit in section.units]

    def row_blocks(self) -> set[str]:
        """Names of the blocks in which there are only rows of tables and objects of JSON."""
        return {
            block.file
            for section in self.sections.values()
            for unit in section.units
            if all(self.plan.files[span.file].format in ROW_FORMATS for span in unit.spans)
            for block in self._done[unit.name].blocks
        }

    def run(self) -> None:
        """Encodes what is not yet encoded.

        Raises:
            UserError: when a file is broken and that is an error, is gone, cannot be had, or cannot be written.
        """
        waiting = deque(index for index in range(len(self._ranges)) if not self._was_done(index))
        self._meter.show(now=True)
        if not waiting:
            return
        hub = [i for index in waiting for i in self._ranges[index] if self.plan.files[i].hub]
        pool = make_pool(
            1 if self._meter.total <= self.plan.request.unit_bytes else self._manner.workers,
            self.plan.request,
            self._work,
            strict=self._manner.strict,
            report=self._meter.underway,
        )
        try:
            if hub:
                with writing(self._folder):
                    (self._folder / DOWNLOADS).mkdir(exist_ok=True)
                files = [(file, self._path(i)) for i in hub if (file := self.plan.files[i].hub)]
                ahead = len(files) if self._manner.keep_downloads else DOWNLOADS_AHEAD
                self._downloads = Downloads(files, ahead=ahead)
                self._meter.download_total = self._downloads.total
            while waiting or self._tasks or pool.busy:
                self._hand_out(waiting, pool)
                if pool.busy:
                    for done in pool.wait(_WAIT_SECONDS):
                        self._finish(done)
                elif waiting:
                    time.sleep(_WAIT_SECONDS)
                if self._downloads:
                    self._meter.downloaded = self._downloads.arrived
                self._meter.show()
        finally:
            pool.close()
            if self._downloads:
                self._downloads.close()
        self._meter.show(now=True)

    def _was_done(self, index: int) -> bool:
        """Whether an earlier call encoded the section whole; takes over what it did to files that are the same."""
        values = read_json(self._section_path(index))
        if values is None:
            return False
        try:
            section = Section.from_json(values)
        except (KeyError, TypeError, ValueError, AttributeError):  # damaged: it is encoded once more
            return False
        found = [done for unit in section.units if (done := Done.load(self._work, unit.name))]
        if len(found) < len(section.units) and self._look_again(index):
            with writing(self._folder):
                for path in [*self._work.glob(f"{index:05d}-*"), self._section_path(index)]:
                    path.unlink()
            return False
        self._begin(section)
        for done in found:
            self._take(done)
            self._meter.found(done)
        if self._left[index]:
            return False
        self._remove_sources(index)
        return True

    def _look_again(self, index: int) -> bool:
        """Whether a file of the section has changed since it was planned; if so, it is planned as it is now."""
        now = self.plan.with_changes(self._ranges[index])
        if now == self.plan:
            return False
        self._meter.total += sum(file.bytes for file in now.files) - sum(file.bytes for file in self.plan.files)
        now = replace(now, files=with_hashes(now.files))
        self.plan = now
        with writing(self._folder):
            now.save(self._folder / PLAN)
        return True

    def _hand_out(self, waiting: deque[int], pool: Pool) -> None:
        """Gives tasks to the pool as long as it takes them and there are any."""
        while pool.has_room:
            if self._tasks:
                pool.submit(self._tasks.popleft())
            elif waiting and self._are_here(waiting[0]):
                self._open(waiting.popleft())
            else:
                return

    def _are_here(self, index: int) -> bool:
        with writing(self._folder):
            return all(
                self._downloads is not None and self._downloads.is_here(self._path(i))
                for i in self._ranges[index]
                if self.plan.files[i].hub
            )

    def _open(self, index: int) -> None:
        """Cuts a section into units, unless an earlier call has, and makes tasks of those that are not done."""
        files = self._ranges[index]
        paths = {i: self._path(i) for i in files}
        if index not in self.sections:
            self._look_again(index)
            section = Section.make(index, files, self.plan, list(paths.values()), strict=self._manner.strict)
            with writing(self._folder):
                write_json(self._section_path(index), section.to_json())
            self._begin(section)
        left = [unit for unit in self.sections[index].units if unit.name in self._left[index]]
        self._tasks.extend(tasks(left, self.plan.files, paths))
        if not left:
            self._remove_sources(index)

    def _begin(self, section: Section) -> None:
        self.sections[section.index] = section
        self._left[section.index] = {unit.name for unit in section.units}
        self._meter.units_total += len(section.units)
        self.broken.add(section.broken)
        self._meter.broken = self.broken.count
        size = sum(self.plan.files[i].bytes for i in self._ranges[section.index])
        self._meter.skip(size - sum(unit.bytes for unit in section.units))

    def _take(self, done: Done) -> None:
        self._done[done.unit] = done
        self._left[int(done.unit.split("-")[0])].remove(done.unit)
        self.broken.add(done.broken)
        self._meter.broken = self.broken.count

    def _finish(self, done: Done) -> None:
        self._take(done)
        self._meter.add(done)
        index = int(done.unit.split("-")[0])
        if not self._left[index]:
            self._remove_sources(index)

    def _remove_sources(self, index: int) -> None:
        """Removes what a section was read from, as far as wanted: all of it is encoded, synced and read back."""
        for i in self._ranges[index]:
            file = self.plan.files[i]
            if file.hub and self._downloads:
                self._downloads.used_up()
            ours = file.hub is not None and not self._manner.keep_downloads
            asked = file.hub is None and file.format == PARQUET and self._manner.delete_sources
            if ours or asked:
                self._path(i).unlink(missing_ok=True)

    def _path(self, i: int) -> Path:
        file = self.plan.files[i]
        return self._folder / DOWNLOADS / f"{i:05d}-{Path(file.hub.path).name}" if file.hub else Path(file.path)

    def _section_path(self, index: int) -> Path:
        return self._work / f"section-{index:05d}.json"
