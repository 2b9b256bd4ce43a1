"""Runs comparisons in a background task with engines that it borrows, and keeps votes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Qt, Signal, Slot

from gptdesk.errors import UserError
from gptdesk.files import write_bytes
from gptdesk.folders import Folders, ensure_folder
from gptdesk.ui import number_format
from gptdesk.ui.services.background import Failed, Task, TaskQueue
from gptdesk.ui.services.comparison.lent_engines import LentEngines
from gptdesk.ui.services.comparison.work import Begun, compare
from gptdesk.ui.services.inference import Inference
from gptdesk.ui.throttle import RateLimit

if TYPE_CHECKING:
    from gptdesk.compare.choices import Chosen, Resolved
    from gptdesk.compare.comparison import Event
    from gptdesk.compare.prompt_text import Prompt
    from gptdesk.compare.prompts import PromptList
    from gptdesk.compare.results import Results
    from gptdesk.compare.votes import Tally, Vote
    from gptdesk.gpt2.tokenizer import Tokenizer

_BATCH_MS: Final = 16
"""Between two batches of events: as often as a screen can show them."""


class Comparisons(QObject):
    """One comparison at a time; the results of the last one stay.

    Args:
        folders: returns where models are now, and the votes.
        inference: whose engines columns use.

    Attributes:
        busy: whether a comparison runs.
        results: what was found so far, as far as ``grown`` and ``cell_ready`` told of it; ``None`` before the first.
        seed: of the first prompt.
        written: by index of prompt and column: the text that a column has written so far of a cell to come.
        doing: by index of a column: what it is waiting for, in words.

    Signals:
        changed(): emitted when a comparison began or ended, and when a column waits for something else or failed.
        grown(int, int): emitted when a column has written more of a prompt: indexes of prompt and column.
        cell_ready(int, int): emitted when the results have another cell.
        noticed(str): emitted with a sentence for the person; the comparison continues.
        failed(str): emitted when a comparison ended early, with the reason.
    """

    changed = Signal()
    grown = Signal(int, int)
    cell_ready = Signal(int, int)
    noticed = Signal(str)
    failed = Signal(str)
    _came = Signal()

    def __init__(
        self,
        folders: Callable[[], Folders],
        inference: Inference,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._folders, self._engines = folders, LentEngines(inference, self)
        self._queue, self._files = TaskQueue("comparison", self), TaskQueue("comparison files", self)
        self._task: Task | None = None
        self._lock = threading.Lock()
        self._events: deque[tuple[Task, Begun | Event, dict[int, Tokenizer]]] = deque()
        self._batches = RateLimit(self._take, _BATCH_MS, self)
        self._came.connect(self._on_came, Qt.ConnectionType.QueuedConnection)
        self.results: Results | None = None
        self.seed: int | None = None
        self.written: dict[tuple[int, int], str] = {}
        self.doing: dict[int, str] = {}

    @property
    def busy(self) -> bool:
        return self._task is not None

    def start(self, chosen: Chosen, prompts: Sequence[Prompt], seed: int | None) -> None:
        """Begins a comparison; one that runs is stopped."""
        self.stop()
        folders, room = self._folders(), self._engines.room()
        work = partial(compare, chosen, tuple(prompts), seed, folders, self._engines.load, room, self._post)
        self._task = self._queue.run_task(work, self._on_done, self._on_failed)
        self.changed.emit()

    @Slot()
    def stop(self) -> None:
        """Ends the comparison before its next token; what was found stays."""
        if self._task is not None:
            self._task.cancel()
            self._take()
            self._end()

    def look(self, chosen: Chosen, done: Callable[[Resolved, str], object]) -> None:
        """Finds the models of columns, and says why they would be computed one after the other, if they would."""

        folders, room = self._folders(), self._engines.room()

        def work() -> tuple[Resolved, str]:
            from gptdesk.compare.choices import resolve
            from gptdesk.compare.engines import one_after_the_other

            found = resolve(chosen, folders)
            usable = [column for place, column in enumerate(found.columns) if place not in found.problems]
            return found, one_after_the_other(usable, room) if usable else ""

        self._files.run(work, lambda answer: done(*answer))

    def read_prompts(self, path: Path, chosen: Chosen, done: Callable[[PromptList], object], failed: Failed) -> None:
        """Reads a file of prompts; conversations by the template of the first column's model, if that is there."""
        folders = self._folders()

        def work() -> PromptList:
            from gptdesk.compare.choices import resolve
            from gptdesk.compare.prompts import read_prompts

            found = resolve(chosen, folders)
            return read_prompts(path, model=None if 0 in found.problems else found.columns[0].folder)

        self._files.run(work, done, failed)

    def export(self, path: Path, done: Callable[[], object], failed: Failed) -> None:
        """Writes the results to a file; its suffix says how."""
        results = self.results
        assert results is not None, "something was compared"

        def work() -> None:
            from gptdesk.compare.export.formats import WRITERS

            _write(path, WRITERS[path.suffix.lower()](results))

        self._files.run(work, lambda _: done(), failed)

    def add_vote(self, vote: Vote, done: Callable[[list[Tally]], object], failed: Failed) -> None:
        """Keeps a vote, and tells all wins."""

        def work() -> list[Tally]:
            from gptdesk.compare.votes import add_vote

            add_vote(self._votes_file(), vote)
            return self._tallies()

        self._files.run(work, done, failed)

    def read_tallies(self, done: Callable[[list[Tally]], object], failed: Failed) -> None:
        """Tells all wins."""
        self._files.run(self._tallies, done, failed)

    def export_votes(self, path: Path, done: Callable[[], object], failed: Failed) -> None:
        """Writes all votes to a file, as CSV or JSON."""

        def work() -> None:
            from gptdesk.compare.votes import read_votes, votes_as_csv

            votes = read_votes(self._votes_file())
            if not votes:
                raise UserError("There is no vote yet, so there is nothing to export.")
            is_csv = path.suffix.lower() == ".csv"
            _write(path, "".join(votes_as_csv(votes)).encode() if is_csv else self._votes_file().read_bytes())

        self._files.run(work, lambda _: done(), failed)

    def shut_down(self, milliseconds: int) -> bool:
        """Ends all work; returns whether it ended in time."""
        self.stop()
        ended = self._queue.shut_down(milliseconds)
        return self._files.shut_down(milliseconds) and ended

    def _votes_file(self) -> Path:
        from gptdesk.compare.votes import FILE

        return ensure_folder(self._folders().data) / FILE

    def _tallies(self) -> list[Tally]:
        from gptdesk.compare.votes import read_votes, tallies

        return tallies(read_votes(self._votes_file()))

    def _post(self, task: Task, event: Begun | Event, tokenizers: dict[int, Tokenizer]) -> None:
        """Hands an event over; called in the task's thread."""
        with self._lock:
            self._events.append((task, event, tokenizers))
            first = len(self._events) == 1
        if first:
            self._came.emit()

    @Slot()
    def _on_came(self) -> None:
        self._batches.request()

    def _take(self) -> None:
        """Applies the events that have come."""
        with self._lock:
            events = list(self._events)
            self._events.clear()
        grown: dict[tuple[int, int], None] = {}
        changed = False
        for task, event, tokenizers in events:
            if task is self._task:
                changed = self._apply(event, tokenizers, grown) or changed
        for place in grown:
            self.grown.emit(*place)
        if changed:
            self.changed.emit()

    def _apply(
        self, event: Begun | Event, tokenizers: dict[int, Tokenizer], grown: dict[tuple[int, int], None]
    ) -> bool:
        """Takes an event over; returns whether ``changed`` is due."""
        from gptdesk.compare.comparison import CellReady, ColumnFailed, Loading, Notice, Token, Waiting

        if isinstance(event, Begun):
            self.results, self.seed = event.results, event.seed
            self.written, self.doing = {}, {}
            return True
        results = self.results
        assert results is not None, "it has begun"
        results.tokenizers |= tokenizers
        match event:
            case Token(prompt, column, token):
                self.written[prompt, column] = self.written.get((prompt, column), "") + token.text
                grown[prompt, column] = None
                return self.doing.pop(column, None) is not None
            case CellReady(prompt, column, cell):
                results.cells[prompt, column] = cell
                self.written.pop((prompt, column), None)
                self.doing.pop(column, None)
                grown.pop((prompt, column), None)
                self.cell_ready.emit(prompt, column)
            case ColumnFailed(column, message):
                results.failures[column] = message
                self.doing.pop(column, None)
                return True
            case Notice(message):
                results.notices.append(message)
                self.noticed.emit(message)
            case Loading(column, read, total):
                share = f" {number_format.percent(read / total)}" if total else ""
                self.doing[column] = f"Loading{share}…"
                return True
            case Waiting(column):
                self.doing[column] = "Compiling the code that decodes…"
                return True
        return False

    def _on_done(self, _: None) -> None:
        self._end()

    def _end(self) -> None:
        self._take()
        self._task = None
        self.written.clear()
        self.doing.clear()
        self.changed.emit()

    def _on_failed(self, sentence: str) -> None:
        self._end()
        self.failed.emit(sentence)


def _write(path: Path, data: bytes) -> None:
    try:
        write_bytes(path, data)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror or error}).") from error
