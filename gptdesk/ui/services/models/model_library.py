"""Qt front end of the model library: list of models, downloads, and jobs such as import and export."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.folders import Folders
from gptdesk.library.entry import LibraryEntry
from gptdesk.library.library import Library, disk_use
from gptdesk.system_memory import free_memory
from gptdesk.ui import number_format
from gptdesk.ui.model_names import entry_key
from gptdesk.ui.services.background import Task, TaskQueue
from gptdesk.ui.services.models.model_downloads import ModelDownloads
from gptdesk.ui.services.models.model_jobs import Jobs

if TYPE_CHECKING:
    from gptdesk.library.import_ import Importable
    from gptdesk.library.verify import Verification


class ModelLibrary(QObject):
    """The models and downloads of this user; never blocks.

    Args:
        folders: of this user.
        watched: returns further folders with runs; called from any thread.

    Attributes:
        entries: models, as of the last scan.
        looked: whether there was a scan yet.
        folders: of this user; the models folder can be changed with `change_folder`.
        downloads: running and unfinished ones.
        jobs: imports, exports and verifications.
        checked: result of the last verification of each model, by the model's key.
        free_disk: free bytes on the disk of the models folder; ``None`` when unknown.
        free_memory: free bytes of memory; ``None`` when unknown.

    Signals:
        changed(): emitted when entries, downloads or jobs change.
        measured(): emitted when ``free_memory`` changes.
        progressed(str): emitted when the item of that key has progressed.
        arrived(str): the model of that name is installed now.
        said(str): something that was asked for is done; the sentence says the result.
        failed(str): something that was asked for failed; the sentence says why.
    """

    changed = Signal()
    measured = Signal()
    progressed = Signal(str)
    arrived = Signal(str)
    said = Signal(str)
    failed = Signal(str)

    def __init__(
        self, folders: Folders, watched: Callable[[], Iterable[Path]] = tuple, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.folders = folders
        self.entries: tuple[LibraryEntry, ...] = ()
        self.looked = False
        self.checked: dict[str, Verification] = {}
        self.free_disk: int | None = None
        self.free_memory: int | None = None
        self._watched = watched
        self._library = Library(folders, watched)
        self.downloads = ModelDownloads(folders, self)
        self._looking = self._again = False
        self._look = TaskQueue("models", self)
        self.jobs = Jobs(self)
        for part in (self._look, self.downloads, self.jobs):
            part.failed.connect(self.failed)
        self.downloads.changed.connect(self.changed)
        self.downloads.progressed.connect(self.progressed)
        self.downloads.ended.connect(self.look)
        self.jobs.changed.connect(self.changed)
        self.jobs.progressed.connect(lambda view: self.progressed.emit(view.about or f"job:{view.number}"))

    # The list

    def entry(self, key: str) -> LibraryEntry | None:
        """The model of that key, if there is one."""
        return next((entry for entry in self.entries if entry_key(entry) == key), None)

    def start(self) -> None:
        """Scans for the first time, and finds downloads of earlier sessions."""
        self.look()
        self.downloads.start()

    @Slot()
    def look(self) -> None:
        """Scans now, or as soon as the running scan has ended."""
        if self._looking:
            self._again = True
            return
        self._looking, self._again = True, False
        self._look.run(self._scan, self._on_scanned, self._on_scan_failed)

    @Slot()
    def measure(self) -> None:
        """Measures free memory in the background: reading a file in the GUI thread gives up the interpreter."""
        self._look.run(free_memory, self._on_measured)

    def shut_down(self, milliseconds: int) -> bool:
        """Pauses downloads, cancels jobs and ends the threads; returns whether they ended in time."""
        ended = self.jobs.shut_down(milliseconds)
        ended = self._look.shut_down(milliseconds) and ended
        return self.downloads.shut_down(milliseconds) and ended

    # Jobs

    def verify(self, entry: LibraryEntry) -> None:
        """Reads a model's files again and compares their hashes."""

        def work(progress: Any) -> Verification:
            from gptdesk.library.verify import verify

            return verify(entry, progress)

        key = entry_key(entry)
        self.jobs.start("verify", entry.name, work, partial(self._on_verified, key), about=key)

    @property
    def taken_names(self) -> set[str]:
        """Case-folded names of models that are, or will be, in the models folder."""
        coming = {status.name for status in self.downloads.statuses} | {
            job.title for job in self.jobs.views if job.kind == "import"
        }
        return {name.casefold() for name in coming | {entry.name for entry in self.entries if entry.changeable}}

    def look_at(self, path: Path, done: Callable[[Importable], object]) -> None:
        """Checks whether a folder or file is a model that can be imported."""
        entries = self.entries if self.looked else None

        def work() -> Importable:
            from gptdesk.library.import_ import look_at

            return look_at(self.folders, path, entries)

        self._look.run(work, done)

    def import_model(self, path: Path, *, name: str = "", link: bool = False, base: LibraryEntry | None = None) -> None:
        """Imports a model into the models folder: copies, converts, merges with its base, or links it."""

        def work(progress: Any) -> LibraryEntry:
            from gptdesk.library.import_ import import_model

            return import_model(self.folders, path, name=name or None, link=link, base=base, progress=progress)

        self.jobs.start("import", name or path.name, work, self._on_imported)

    def export(self, entry: LibraryEntry, target: Path) -> None:
        """Exports a model to a new folder, or to a file that ends in ``.gguf``."""

        def work(progress: Any) -> Path:
            from gptdesk.library.exporting.export import export_folder, export_gguf

            if target.suffix.lower() == ".gguf":
                return export_gguf(entry, target, progress=progress)
            return export_folder(entry, target, progress)

        def done(path: Path) -> None:
            self.said.emit(f"Exported {entry.name} to {path}.")

        self.jobs.start("export", entry.name, work, done, about=entry_key(entry))

    def rename(
        self, entry: LibraryEntry, name: str, done: Callable[[], object], failed: Callable[[str], object]
    ) -> None:
        """Renames a model of the models folder; ``arrived`` names it then."""

        def on_done(_: object) -> None:
            if checked := self.checked.pop(entry_key(entry), None):
                self.checked[entry_key(msgspec.structs.replace(entry, name=name))] = checked
            done()
            self.arrived.emit(name)
            self.look()

        self._look.run(lambda: self._library.rename(entry.name, name), on_done, failed)

    def size(self, entry: LibraryEntry, done: Callable[[int], object]) -> None:
        """Computes the bytes that removing a model frees."""
        self._look.run(lambda: disk_use(self.folders.models / entry.name), done)

    def remove(self, entry: LibraryEntry) -> None:
        """Removes a model from the models folder."""

        def done(freed: int) -> None:
            more = f"; {number_format.memory(freed)} freed" if freed else ""
            self.checked.pop(entry_key(entry), None)
            self.said.emit(f"Removed {entry.name}{more}.")

        self._change(lambda: self._library.remove(entry.name), done)

    def set_defaults(
        self, entry: LibraryEntry, *, precision: str | None = None, decoding: Mapping[str, Any] | None = None
    ) -> None:
        """Stores a model's defaults; what is not given stays."""
        self._change(lambda: self._library.set_defaults(entry, precision=precision, decoding=decoding), lambda _: None)

    def _change(self, work: Callable[[], Any], done: Callable[[Any], object]) -> None:
        def on_done(result: Any) -> None:
            done(result)
            self.look()

        self._look.run(work, on_done)

    def change_folder(
        self, folder: Path, done: Callable[[Mapping[str, str]], object], failed: Callable[[str], object]
    ) -> None:
        """Uses another models folder from now on. Models stay where they are and are linked in the new one.

        Args:
            folder: the new one; made if it is missing.
            done: gets the new names of models whose names are taken there, by old name.
            failed: gets a sentence; nothing is changed then.
        """
        if self.downloads.statuses or self.jobs.views:
            failed("Wait until all downloads and imports have ended, or cancel them; then change the folder.")
            return

        def work(task: Task) -> tuple[Path, dict[str, str]]:
            from gptdesk.library.models_folder import check_models_folder, link_models

            checked = check_models_folder(folder, self.folders.models)
            return checked, link_models(self.folders, checked, task.report)

        def on_done(result: tuple[Path, dict[str, str]]) -> None:
            checked, renamed = result
            self.folders = replace(self.folders, models=checked)
            self._library = Library(self.folders, self._watched)
            self.downloads.use_folders(self.folders)
            done(renamed)
            self.look()

        self._look.run_task(work, on_done, failed)

    def _scan(self) -> tuple[list[LibraryEntry], int | None, int | None]:
        if not self.looked:
            self._library.clean_up()
        entries = self._library.entries()
        place = next((path for path in (self.folders.models, *self.folders.models.parents) if path.is_dir()), None)
        return entries, shutil.disk_usage(place).free if place else None, free_memory()

    @Slot(object)
    def _on_scanned(self, found: tuple[list[LibraryEntry], int | None, int | None]) -> None:
        self._looking, self.looked = False, True
        entries, self.free_disk, free = found
        self._on_measured(free)
        before = self.entries
        self.entries = tuple(entries)
        names = self.downloads.forget_ready()
        if names or self.entries != before:
            self.changed.emit()
        for name in names:
            self.arrived.emit(name)
        if self._again:
            self.look()

    def _on_measured(self, free: int | None) -> None:
        if free != self.free_memory:
            self.free_memory = free
            self.measured.emit()

    def _on_scan_failed(self, sentence: str) -> None:
        self._looking = False
        self.failed.emit(sentence)

    def _on_verified(self, key: str, result: Verification) -> None:
        self.checked[key] = result
        (self.said if result.ok else self.failed).emit(result.sentence)
        self.changed.emit()

    def _on_imported(self, entry: LibraryEntry) -> None:
        self.arrived.emit(entry.name)
        self.look()
