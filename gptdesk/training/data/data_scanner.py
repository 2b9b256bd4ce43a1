"""Scans the folders of prepared data for preparations, in the thread that scans runs."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gptdesk.folders import Folders
from gptdesk.training.pydantic_import import import_pydantic

if TYPE_CHECKING:
    from gptdesk.training.data.preparations import DocumentPreview, PreparationState

_DATA = "datasets"
_OUTPUT_LINES = 200
_DOCUMENTS = 3


class DataEntry(msgspec.Struct, frozen=True):
    """Data in preparation, or that became ready while the window was open.

    Attributes:
        folder: of the data.
    """

    folder: Path
    state: PreparationState

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def active(self) -> bool:
        """Whether a process is preparing it."""
        return self.state.active

    @property
    def ready(self) -> bool:
        return self.state.state == "finished"


class DataView(msgspec.Struct, frozen=True):
    """The selected preparation.

    Attributes:
        output: last lines that its process printed.
        documents: the first ones, once it is ready.
        report: a line on each source, once it is ready.
    """

    entry: DataEntry
    output: tuple[str, ...]
    documents: tuple[DocumentPreview, ...] = ()
    report: tuple[str, ...] = ()


@dataclass
class DataScanner:
    """Keeps the state of the last scan. Not thread-safe: one thread scans.

    Args:
        folders: of this user.
    """

    folders: Folders
    entries: tuple[DataEntry, ...] = ()
    _met: set[Path] | None = None  # folders of preparations at the last scan
    _under_way: set[Path] = field(default_factory=set)
    _states: dict[Path, str] = field(default_factory=dict)
    _seen: dict[Path, tuple[tuple[DocumentPreview, ...], tuple[str, ...]]] = field(default_factory=dict)

    def scan(self) -> list[DataEntry]:
        """Reads all preparations and returns those that have ended since the last scan."""
        if not os.path.isdir(self.folders.data / _DATA):
            self.entries, self._met = (), set()
            return []
        import_pydantic()
        from gptdesk.training.data.datasets import data_folders
        from gptdesk.training.data.preparations import RECORD, Preparation, preparations  # pydantic and numpy, late

        # A folder counts from when its record is there: one that was just made gets it a moment later.
        folders = {path for path in data_folders(self.folders) if (path / RECORD).exists()}
        found = {each.folder: DataEntry(each.folder, each.state()) for each in preparations(self.folders)}
        folders |= found.keys()
        begun = set() if self._met is None else folders - self._met
        self._met = folders
        self._under_way |= begun | found.keys()  # what has begun since may be ready already
        for folder in self._under_way - found.keys():
            # Ready, or about to be: its manifest is written, and its process has not ended yet.
            entry = DataEntry(folder, Preparation(folder).state())
            if entry.ready or entry.active:
                found[folder] = entry
        self._under_way &= found.keys()
        self.entries = tuple(sorted(found.values(), key=lambda entry: (not entry.active, not entry.ready, entry.name)))
        known = self._states.keys() | begun
        ended = [entry for entry in self.entries if entry.folder in known and self._has_ended(entry)]
        self._states = {entry.folder: entry.state.state for entry in self.entries}
        return ended

    def _has_ended(self, entry: DataEntry) -> bool:
        now = entry.state.state
        return now != self._states.get(entry.folder) and now in ("finished", "failed", "killed")

    def expect(self, folder: Path) -> None:
        """Lists the data in that folder when it is ready, even if no scan saw it in preparation."""
        self._under_way.add(folder)

    def leave_out(self, folder: Path) -> None:
        """Stops listing data that is ready."""
        self._under_way.discard(folder)

    def view(self, folder: Path) -> DataView | None:
        """The preparation in that folder as of the last scan, and the output of its process."""
        entry = next((entry for entry in self.entries if entry.folder == folder), None)
        if entry is None:
            return None
        from gptdesk.training.data.preparations import Preparation

        output = tuple(Preparation(folder).output(_OUTPUT_LINES))
        return DataView(entry, output, *(self._preview(folder) if entry.ready else ()))

    def _preview(self, folder: Path) -> tuple[tuple[DocumentPreview, ...], tuple[str, ...]]:
        if folder not in self._seen:
            from gptdesk.errors import UserError
            from gptdesk.training.data.preparations import preview
            from gptdesk.training.data.report import report_or_nothing

            documents: tuple[DocumentPreview, ...] = ()
            with suppress(UserError):
                documents = tuple(preview(folder, _DOCUMENTS))
            self._seen = {folder: (documents, report_or_nothing(folder))}
        return self._seen[folder]
