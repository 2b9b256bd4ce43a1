"""Runs `trainer prepare` as a detached process: start, progress, pause, cancel."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from gptdesk.bounded_read import number
from gptdesk.child_process import python_command
from gptdesk.errors import UserError
from gptdesk.files import read_json
from gptdesk.folders import Folders, ensure_folder
from gptdesk.locks import is_locked
from gptdesk.training.data.datasets import (
    DocumentPreview,
    PreparedSet,
    data_folder,
    data_folders,
    new_data_folder,
    prepared_sets,
    preview,
)
from gptdesk.training.data.prepare_options import OPTIONS, RECORD, PrepareOptions, options_of
from gptdesk.training.data.vocabulary import GPT2_VOCABULARY, Vocabulary
from gptdesk.training.detached import lives, note, reap, start_detached
from gptdesk.training.history.samples import ConsoleTail
from gptdesk.training.trainer_json import trainer_json
from trainer.data.manifest import MANIFEST
from trainer.prepare.formats import FORMATS, READABLE_SUFFIXES
from trainer.prepare.plan import PLAN
from trainer.prepare.progress_file import (
    FAILED,
    FINISHED,
    MAKING_VOCABULARY,
    MERGING,
    PLANNING,
    PROGRESS,
    STOPPED,
    WORKING,
)
from trainer.prepare.sources.bundled import BUNDLED_TEXTS, BundledText
from trainer.prepare.sources.names import absolute_source

__all__ = [
    "BUNDLED_TEXTS",
    "READABLE_FORMATS",
    "READABLE_SUFFIXES",
    "RECORD",
    "BundledText",
    "DocumentPreview",
    "Preparation",
    "PreparationState",
    "PrepareOptions",
    "PreparedSet",
    "data_folder",
    "new_data_folder",
    "options_of",
    "plan",
    "preparations",
    "prepared_sets",
    "preview",
]  # fmt: skip

READABLE_FORMATS: Final = tuple(format.label for format in FORMATS.values())
"""What can be prepared, in words."""

# Hidden, because a folder that holds anything else is refused by `trainer prepare`.
CONSOLE: Final = ".console.log"
_LOCK: Final = ".launch.lock"
_TRAINER_LOCK: Final = ".lock"

KILLED: Final = "killed"
PAUSED: Final = "paused"

_VOCABULARY_SHARE: Final = 0.2
_ENCODING_SHARE: Final = 0.95
"""Of the whole work that is done when the tokenizer is made, if one is made, and when all text is encoded; the rest is
merging, which only copies."""

_END_SECONDS: Final = 120.0
"""Seconds within which a preparation stops on request: it finishes a few units and a shard, and the computer may be
busy with a run."""


@dataclass(frozen=True, kw_only=True)
class PreparationState:
    """A preparation at one moment.

    Attributes:
        state: ``planning``, ``vocabulary``, ``encoding``, ``merging``, ``finished``, ``failed``, ``stopped``,
            ``killed`` or ``paused``.
        share: of the work that is done, 0 to 1.
        documents, tokens: encoded so far.
        tokens_per_s: encoded in this go.
        seconds_left: of the current phase; None where unknown.
        downloaded, download: bytes that have come, and that are to come; 0 for sources on this computer.
        error: the sentence that it failed with; else empty.
        broken: things that were left out.
    """

    state: str
    share: float = 0.0
    documents: int = 0
    tokens: int = 0
    tokens_per_s: float = 0.0
    seconds_left: float | None = None
    downloaded: int = 0
    download: int = 0
    error: str = ""
    broken: int = 0

    @property
    def active(self) -> bool:
        return self.state in WORKING


class Preparation:
    """A folder of data that is being prepared, or was.

    Args:
        folder: that holds, or will hold, the prepared data.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def vocabulary(self) -> Vocabulary:
        """That the text is prepared with, as far as is known; else GPT-2's."""
        try:
            return options_of(self.folder).vocabulary
        except UserError:
            return GPT2_VOCABULARY

    def start(self, options: PrepareOptions) -> None:
        """Begins, as a program of its own that outlives this one.

        Raises:
            UserError: when it is under way already, the folder holds something else, or it cannot be started.
        """
        arguments = options.arguments(self.folder)
        is_new = not self.folder.exists()
        ensure_folder(self.folder)
        if not (self.folder / PLAN).exists() and any(_is_foreign(path.name) for path in self.folder.iterdir()):
            raise UserError(f"{self.folder} is not empty; choose another folder.")  # or `cancel` would remove it all
        try:
            self._launch(arguments, asdict(options))
        except UserError:
            if is_new:
                shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def resume(self) -> None:
        """Goes on after a pause, a failure or a kill.

        Raises:
            UserError: when it was not started here, is under way, or cannot be started.
        """
        record = read_json(self.folder / RECORD) or {}
        arguments = record.get("arguments")
        if not isinstance(arguments, list) or "--out" not in arguments:
            raise UserError(f"It is not known what {self.folder} was to be prepared from; start it anew.")
        arguments[arguments.index("--out") + 1] = str(self.folder.absolute())  # it may have been moved
        self._launch([str(argument) for argument in arguments], record.get(OPTIONS))

    def _launch(self, arguments: list[str], options: object) -> None:
        if self._works():
            raise UserError(f"{self.folder} is being prepared already.")
        with suppress(OSError):
            (self.folder / PROGRESS).unlink(missing_ok=True)  # tells of an earlier go
        start_detached(
            python_command("trainer", "prepare", *arguments),
            folder=self.folder.parent,
            output=self.folder / CONSOLE,
            lock=self.folder / _LOCK,
            record=self.folder / RECORD,
            values={"arguments": arguments, "t": time.time()} | ({OPTIONS: options} if options else {}),
        )

    def _works(self) -> bool:
        """Whether a process is preparing it, however it was started; asks the lock."""
        record = read_json(self.folder / RECORD) or {}
        return is_locked(self.folder / _TRAINER_LOCK) or lives(self.folder / _LOCK, record)

    def state(self) -> PreparationState:
        """How far it is. One that has ended without a word was killed."""
        reap()
        works = self._works()
        finished = (self.folder / MANIFEST).exists()
        record, progress = read_json(self.folder / RECORD) or {}, read_json(self.folder / PROGRESS) or {}
        told = progress.get("state")
        error = str(progress.get("error") or "")
        if finished and not works:
            told = FINISHED
        elif works:
            told = told if told in WORKING else PLANNING
        elif not progress:  # it ended before it said anything
            told, error = self._without_a_word(record)
        elif told in (*WORKING, None):
            told = KILLED
        elif told == STOPPED and record.get("paused") is True:
            told = PAUSED
        return PreparationState(
            state=str(told),
            share=_share(str(told), progress),
            documents=int(_number(progress, "documents")),
            tokens=int(_number(progress, "tokens")),
            tokens_per_s=_number(progress, "tokens_per_s"),
            seconds_left=_number(progress, "seconds_left") if progress.get("seconds_left") is not None else None,
            downloaded=int(_number(progress, "downloaded")),
            download=int(_number(progress, "download")),
            error=error if told == FAILED else "",
            broken=int(_number(progress, "broken")),
        )

    def _without_a_word(self, record: dict[str, Any]) -> tuple[str, str]:
        if record.get("paused") is True:
            return PAUSED, ""
        lines = self.output(1)
        if record.get("code") == 2 and lines:
            return FAILED, lines[-1]
        return KILLED, ""

    def output(self, lines: int = 40) -> list[str]:
        """The last lines that it printed."""
        console = ConsoleTail(self.folder, lines, CONSOLE)
        console.update()
        return list(console.lines)

    def pause(self) -> None:
        """Stops it so that `resume` can continue; returns at once.

        Raises:
            UserError: when it was started elsewhere and cannot be reached.
        """
        note(self.folder / RECORD, paused=True)
        try:
            self._terminate()
        except UserError:
            note(self.folder / RECORD, paused=False)
            raise

    def cancel(self) -> None:
        """Stops it, waits for its end and removes its folder; some seconds, so not in the window's own thread.

        Raises:
            UserError: when it does not stop, has come to its end meanwhile, or the folder cannot be removed.
        """
        if not any((self.folder / name).exists() for name in (RECORD, PROGRESS)):
            raise UserError(f"{self.folder} holds no preparation; nothing was removed.")
        deadline = time.monotonic() + _END_SECONDS
        self._terminate()
        while self._works():
            reap()
            if time.monotonic() > deadline:
                raise UserError(f"The preparation in {self.folder} does not stop; try again in a while.")
            time.sleep(0.05)
        if (self.folder / MANIFEST).exists():
            raise UserError(f"The data in {self.folder} is finished already; nothing was removed.")
        try:
            shutil.rmtree(self.folder)
        except OSError as error:
            raise UserError(f"{error.filename or self.folder} cannot be removed ({error.strerror or error}).") from None

    def _terminate(self) -> None:
        """Sends SIGTERM to the process that holds the folder's lock or is about to; its id cannot have been reused."""
        record = read_json(self.folder / RECORD) or {}
        if lives(self.folder / _LOCK, record):
            pid = record.get("pid")
        elif is_locked(self.folder / _TRAINER_LOCK):
            pid = (read_json(self.folder / PROGRESS) or {}).get("pid")
        else:
            return
        if not isinstance(pid, int) or pid <= 1:
            raise UserError(f"The process that prepares {self.folder} is not known; stop it where it was started.")
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            return
        except OSError as error:
            raise UserError(f"The preparation in {self.folder} cannot be stopped ({error.strerror}).") from None


def plan(
    sources: Sequence[str],
    *,
    column: str = "text",
    folder: Path | None = None,
    stop: threading.Event | None = None,
) -> dict[str, Any]:
    """What preparing would take: ``files``, ``source_bytes``, ``download_bytes``, ``tokens``, ``result_bytes``,
    ``disk_bytes`` (at most while preparing) and ``free_bytes``. Some seconds, so not in the window's own thread.

    Args:
        sources: as for `Preparation.start`.
        column: the same.
        folder: where it would be prepared; by default among the person's data.
        stop: ends it when set, from any thread.

    Raises:
        UserError: for sources that are missing, cannot be read or cannot be reached.
    """
    out = folder or new_data_folder(Folders.of_this_user(), "plan")
    arguments = [*map(absolute_source, sources), "--out", str(out), "--column", column, "--plan", "--json"]
    return trainer_json("prepare", *arguments, stop=stop)


def preparations(folders: Folders) -> list[Preparation]:
    """What is being prepared, or was begun and is not finished, by name."""
    return [
        Preparation(folder)
        for folder in data_folders(folders)
        if (folder / RECORD).exists() or (folder / PROGRESS).exists()
        if not (folder / MANIFEST).exists()
    ]


def _is_foreign(name: str) -> bool:
    return not name.startswith(".") and name != PROGRESS


def _share(state: str, progress: dict[str, Any]) -> float:
    if state == FINISHED:
        return 1.0
    total = _number(progress, "bytes")
    part = min(1.0, max(0.0, _number(progress, "bytes_done") / total)) if total > 0 else 0.0
    if state == MERGING:
        return _ENCODING_SHARE + (1 - _ENCODING_SHARE) * part
    if state == MAKING_VOCABULARY:
        return _VOCABULARY_SHARE * part
    made = _VOCABULARY_SHARE if progress.get("makes_vocabulary") is True else 0.0
    return made + (_ENCODING_SHARE - made) * part


def _number(values: dict[str, Any], name: str) -> float:
    return number(values.get(name), 0.0)
