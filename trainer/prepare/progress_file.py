"""``progress.json`` in the prepared folder: state and progress for the window and other readers.

It is replaced as a whole, at most twice a second (on a full disk its last state is written over it), and holds

- ``state``: ``planning``, ``vocabulary`` (a tokenizer is made from the text), ``encoding`` or ``merging``; in the end
  ``finished``, ``failed`` or ``stopped``. One that was killed leaves one of the first four behind, and nobody then
  holds the lock on ``.lock`` beside it. Where there is a ``manifest.json``, the preparation is finished, whatever is
  said here.
- ``makes_vocabulary``: whether ``vocabulary`` is one of its states.
- ``units_done``, ``units``: pieces of work that are done, and how many are known so far: files that have yet to be
  downloaded are not cut into units.
- ``bytes_done``, ``bytes``: of the source files while encoding, of the shards while merging; for a bar.
- ``downloaded``, ``download``: bytes from the hub that are here and that are needed; 0 for sources on this computer.
- ``documents``, ``tokens``: encoded so far, those of earlier calls included.
- ``documents_per_s``, ``tokens_per_s``: encoded in this call, from its beginning to the end of encoding.
- ``seconds_left``: until encoding, or merging, ends; null while that is unknown and in the end.
- ``broken``: how many things were left out.
- ``error``: the sentence that a failed preparation ended with; else null.
- ``pid``: of the process, which SIGTERM stops cleanly: what is done is kept, and the same call goes on.
- ``t``: when this was written, seconds since the epoch. It does not move while a shard is written or the hub is asked.

Before there are numbers they are 0. What cannot be written is passed over: that stops no preparation.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from gptdesk.files import write_json
from trainer.prepare.progress import ENCODE, MERGE, VOCABULARY, Progress

PROGRESS: Final = "progress.json"
PLANNING, MAKING_VOCABULARY, ENCODING, MERGING = "planning", "vocabulary", "encoding", "merging"
WORKING: Final = (PLANNING, MAKING_VOCABULARY, ENCODING, MERGING)
FINISHED, FAILED, STOPPED = "finished", "failed", "stopped"
_STATES: Final = {VOCABULARY: MAKING_VOCABULARY, ENCODE: ENCODING, MERGE: MERGING}
"""By phase of `Progress`."""

_EVERY_SECONDS: Final = 0.5


class ProgressFile:
    """Writes `PROGRESS` from planning to the end; used by the process that holds the folder's lock.

    As a context manager it writes how its block ended: with an `Exception` it failed, and with any other
    `BaseException`, such as the interrupt of Ctrl+C, it was stopped.

    Args:
        folder: that is prepared.
        makes_vocabulary: whether the tokenizer is made from the text.
    """

    def __init__(self, folder: Path, *, makes_vocabulary: bool = False) -> None:
        self._path = folder / PROGRESS
        self._written = float("-inf")
        counts = (
            "units_done",
            "units",
            "bytes_done",
            "bytes",
            "downloaded",
            "download",
            "documents",
            "tokens",
            "broken",
        )
        self._values: dict[str, Any] = {
            "state": PLANNING, **dict.fromkeys(counts, 0), "documents_per_s": 0.0, "tokens_per_s": 0.0,
            "seconds_left": None, "error": None, "pid": os.getpid(), "makes_vocabulary": makes_vocabulary,
        }  # fmt: skip

    def __enter__(self) -> ProgressFile:
        self._write()
        return self

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        self._values["seconds_left"] = None
        if error is None:
            self._values["state"] = FINISHED
        elif isinstance(error, Exception):
            self._values |= {"state": FAILED, "error": str(error) or type(error).__name__}
        else:
            self._values["state"] = STOPPED
        self._write()

    def update(self, now: Progress) -> None:
        """Writes how far it is, unless the last time was a moment ago."""
        state = _STATES[now.phase]
        changed = state != self._values["state"]
        self._values |= {
            "state": state,
            "units_done": now.units,
            "units": now.units_total,
            "bytes_done": now.bytes,
            "bytes": now.bytes_total,
            "downloaded": now.downloaded,
            "download": now.download_total,
            "documents": now.documents,
            "tokens": now.tokens,
            "documents_per_s": now.documents_per_s,
            "tokens_per_s": now.tokens_per_s,
            "seconds_left": now.seconds_left,
            "broken": now.broken,
        }
        if changed or time.monotonic() - self._written >= _EVERY_SECONDS:
            self._write()

    def _write(self) -> None:
        self._written = time.monotonic()
        values = self._values | {"t": time.time()}
        try:
            write_json(self._path, values, sync=False)
        except OSError:
            if self._values["state"] in (FINISHED, FAILED, STOPPED):
                self._overwrite(values)

    def _overwrite(self, values: dict[str, Any]) -> None:
        """Writes the end into the file as it is: on a full disk there is no room for another beside it."""
        with suppress(OSError), self._path.open("r+", encoding="utf-8") as file:
            json.dump(values, file, indent=2)
            file.truncate()
