"""Hashes the weights of models that are loaded, in the background."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from gptdesk.errors import UserError
from gptdesk.gpt2.layout import weight_files
from gptdesk.ui.services.background import Task, TaskQueue

_Files = tuple[tuple[str, int, int], ...]
"""Path, bytes and time of the last change of each file."""


class WeightsHasher(QObject):
    """Computes `hash_weights` of one model after the other; the hash of files that did not change is remembered.

    Signals:
        hashed(object, str): emitted with the folder of a model and the hash of its weights; "" if they are gone.
    """

    hashed = Signal(object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue = TaskQueue("weights hash", self)
        self._tasks: dict[Path, Task] = {}
        self._known: dict[_Files, str] = {}

    def hash(self, folder: Path) -> None:
        """Hashes the weights in ``folder``."""
        self.forget(folder)
        work = partial(_hash, folder, dict(self._known))
        done, failed = partial(self._on_hashed, folder), partial(self._on_failed, folder)
        self._tasks[folder] = self._queue.run_task(work, done, failed)

    def forget(self, folder: Path) -> None:
        """Gives up a hash: the model was unloaded."""
        if (task := self._tasks.pop(folder, None)) is not None:
            task.cancel()

    def shut_down(self, milliseconds: int) -> bool:
        """Gives up, and returns whether the thread ended in time."""
        return self._queue.shut_down(milliseconds)

    def _on_hashed(self, folder: Path, found: tuple[_Files, str]) -> None:
        files, weights = found
        self._known[files] = weights
        self._tasks.pop(folder, None)
        self.hashed.emit(folder, weights)

    def _on_failed(self, folder: Path, _: str) -> None:
        self._tasks.pop(folder, None)
        self.hashed.emit(folder, "")


def _hash(folder: Path, known: dict[_Files, str], task: Task) -> tuple[_Files, str]:
    from gptdesk.library.files import hash_weights

    try:
        paths = weight_files(folder)
        states = [path.stat() for path in paths]
        files = tuple((str(path), state.st_size, state.st_mtime_ns) for path, state in zip(paths, states, strict=True))
        total = sum(state.st_size for state in states)
        weights = known.get(files) or hash_weights(paths, lambda done: task.report(done, total))
    except OSError as error:
        raise UserError(f"{folder} cannot be read ({error.strerror}).") from error
    return files, weights
