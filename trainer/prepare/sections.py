"""Encodes a plan section by section: download, split into units, hand to workers, resume earlier work."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from gptdesk.files import read_json, write_json
from trainer.prepare.broken import Broken
from trainer.prepare.changes import with_hashes
from trainer.prepare.encoding.blocks import EncodedUnit, writing
from trainer.prepare.encoding.pool import Pool, make_pool
from trainer.prepare.encoding.worker import Task, tasks
from trainer.prepare.formats import FORMATS, ROW_FORMATS
from trainer.prepare.plan import PLAN, Plan, Section
from trainer.prepare.progress import Meter
from trainer.prepare.sources.hub import Downloads

DOWNLOADS: Final = "downloads"
"""Where files of the hub wait to be encoded."""

DOWNLOADS_AHEAD: Final = 3
"""Files of the hub that lie on the disk at a time: one that is read, one that waits, one that comes."""

_WAIT_SECONDS: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class WorkOptions:
    """Options of a preparation that its result does not depend on.

    Attributes:
        workers: processes.
        strict: whether broken input is an error.
        keep_downloads: whether files of the hub stay, in `DOWNLOADS`.
        delete_sources: whether files of bulk formats on this computer are removed, too, once they are encoded.
    """

    workers: int = 1
    strict: bool = False
    keep_downloads: bool = False
    delete_sources: bool = False


DEFAULT_OPTIONS: Final = WorkOptions()


class SectionEncoder:
    """The first and longest step: encodes all units of all sections, as files arrive and workers are free.

    Attributes:
        plan: with files that have changed as they were read.
        done: all units in the order of the plan, after `run`.
        sections: all sections.
        broken: what was left out.
    """

    def __init__(self, plan: Plan, folder: Path, work: Path, options: WorkOptions, meter: Meter) -> None:
        self.plan, self._folder, self._work, self._options, self._meter = plan, folder, work, options, meter
        self._ranges = list(plan.sections())
        self._left: dict[int, set[str]] = {}  # units of a section that are not done
        self._done: dict[str, EncodedUnit] = {}
        self._tasks: deque[Task] = deque()
        self._downloads: Downloads | None = None
        self.sections: dict[int, Section] = {}
        self.broken = Broken(options.strict)

    @property
    def done(self) -> list[EncodedUnit]:
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
        """Encodes the units that are not encoded yet.

        Raises:
            UserError: when a file is broken and that is an error, is gone, cannot be had, or cannot be written.
        """
        waiting = deque(index for index in range(len(self._ranges)) if not self._was_done(index))
        self._meter.show(now=True)
        if not waiting:
            return
        hub = [i for index in waiting for i in self._ranges[index] if self.plan.files[i].hub]
        pool = make_pool(
            1 if self._meter.total <= self.plan.request.unit_bytes else self._options.workers,
            self.plan.request,
            self._work,
            strict=self._options.strict,
            report=self._meter.underway,
        )
        try:
            if hub:
                with writing(self._folder):
                    (self._folder / DOWNLOADS).mkdir(exist_ok=True)
                files = [(file, self._path(i)) for i in hub if (file := self.plan.files[i].hub)]
                ahead = len(files) if self._options.keep_downloads else DOWNLOADS_AHEAD
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
        """Whether an earlier call encoded the whole section; units of it are kept where their files are unchanged."""
        values = read_json(self._section_path(index))
        if values is None:
            return False
        try:
            section = Section.from_json(values)
        except (KeyError, TypeError, ValueError, AttributeError):  # damaged: it is encoded once more
            return False
        found = [done for unit in section.units if (done := EncodedUnit.load(self._work, unit.name))]
        if len(found) < len(section.units) and self._refresh_files(index):
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

    def _refresh_files(self, index: int) -> bool:
        """Plans changed files of the section again; returns whether there are any."""
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
        """Submits tasks to the pool while it has room."""
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
        """Splits a section into units, unless an earlier call did, and queues those that are not encoded."""
        files = self._ranges[index]
        paths = {i: self._path(i) for i in files}
        if index not in self.sections:
            self._refresh_files(index)
            section = Section.make(index, files, self.plan, list(paths.values()), strict=self._options.strict)
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

    def _take(self, done: EncodedUnit) -> None:
        self._done[done.unit] = done
        self._left[int(done.unit.split("-")[0])].remove(done.unit)
        self.broken.add(done.broken)
        self._meter.broken = self.broken.count

    def _finish(self, done: EncodedUnit) -> None:
        self._take(done)
        self._meter.add(done)
        index = int(done.unit.split("-")[0])
        if not self._left[index]:
            self._remove_sources(index)

    def _remove_sources(self, index: int) -> None:
        """Removes the sources of a section as the options say: all of it is encoded, synced and read back."""
        for i in self._ranges[index]:
            file = self.plan.files[i]
            if file.hub and self._downloads:
                self._downloads.used_up()
            ours = file.hub is not None and not self._options.keep_downloads
            asked = file.hub is None and FORMATS[file.format].bulk and self._options.delete_sources
            if ours or asked:
                self._path(i).unlink(missing_ok=True)

    def _path(self, i: int) -> Path:
        file = self.plan.files[i]
        return self._folder / DOWNLOADS / f"{i:05d}-{Path(file.hub.path).name}" if file.hub else Path(file.path)

    def _section_path(self, index: int) -> Path:
        return self._work / f"section-{index:05d}.json"
