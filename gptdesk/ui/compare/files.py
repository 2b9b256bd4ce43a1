"""Reads files of prompts, and writes results and votes to files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from gptdesk.ui.compare.session import CompareSession
from gptdesk.ui.services.comparison.service import ComparisonService
from gptdesk.ui.services.page_messages import PageMessages
from gptdesk.ui.services.services import SettingsService

if TYPE_CHECKING:
    from gptdesk.compare.prompts import PromptList

_PROMPTS: Final = "Prompts (*.jsonl *.ndjson *.json *.csv *.tsv *.txt);;All files (*)"
_RESULTS: Final = {".html": "Web page with colours", ".csv": "CSV", ".json": "JSON"}
_VOTES: Final = {".csv": "CSV", ".json": "JSON"}


class CompareFiles(QObject):
    """Asks for files, and has them read and written.

    Args:
        window: parent of dialogs.
    """

    def __init__(
        self,
        service: ComparisonService,
        session: CompareSession,
        settings: SettingsService,
        messages: PageMessages,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._service, self._session, self._settings = service, session, settings
        self._messages, self._window = messages, window

    @property
    def _folder(self) -> str:
        return self._settings.value.folder or str(Path.home())

    @Slot()
    def ask_prompts(self) -> None:
        """Asks for a file of prompts, and reads it."""
        found, _ = QFileDialog.getOpenFileName(self._window, "Open a list of prompts", self._folder, _PROMPTS)
        if found:
            self.read(Path(found))

    def read(self, path: Path) -> None:
        """Uses the prompts in a file; lines that have none are told of."""

        def done(found: PromptList) -> None:
            self._session.set_prompts(found.prompts, path.name)
            if found.left_out:
                self._messages.refuse(found.left_out)

        self._service.read_prompts(path, self._session.chosen, done, self._messages.refuse)

    @Slot()
    def ask_export(self) -> None:
        """Asks for a file and format, and writes the results."""
        if path := self._ask("Export comparison", "comparison.html", _RESULTS):
            self.export(path)

    def export(self, path: Path) -> None:
        """Writes the results; a suffix that is no format of results is refused."""
        if path.suffix.lower() not in _RESULTS:
            self._messages.refuse(f"{path.name} must end in {_endings(_RESULTS)}.")
            return
        self._service.export(path, lambda: self._exported(path), self._messages.refuse)

    @Slot()
    def ask_export_votes(self) -> None:
        """Asks for a file and format, and writes all votes."""
        if path := self._ask("Export votes", "votes.csv", _VOTES):
            self.export_votes(path)

    def export_votes(self, path: Path) -> None:
        """Writes all votes; a suffix that is no format of votes is refused."""
        if path.suffix.lower() not in _VOTES:
            self._messages.refuse(f"{path.name} must end in {_endings(_VOTES)}.")
            return
        self._service.export_votes(path, lambda: self._exported(path), self._messages.refuse)

    def _ask(self, title: str, name: str, formats: dict[str, str]) -> Path | None:
        filters = {f"{label} (*{suffix})": suffix for suffix, label in formats.items()}
        place = str(Path(self._folder, name))
        found, chosen = QFileDialog.getSaveFileName(self._window, title, place, ";;".join(filters))
        if not found:
            return None
        path = Path(found)
        return path if path.suffix else path.with_suffix(filters.get(chosen, next(iter(formats))))

    def _exported(self, path: Path) -> None:
        self._settings.update(folder=str(path.parent))
        self._messages.succeed(f"Exported to {path}.")


def _endings(formats: dict[str, str]) -> str:
    *others, last = formats
    return f"{', '.join(others)} or {last}"
