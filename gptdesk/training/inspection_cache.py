"""Keeps what was computed of a run's checkpoints, beside the run: one JSON file for each question."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gptdesk.bounded_read import convert
from gptdesk.files import read_json, write_json
from gptdesk.training.checkpoints import CheckpointInfo
from trainer.run_directory.layout import CHECKPOINT_MANIFEST

if TYPE_CHECKING:
    from gptdesk.inference.inspection.rows import Row

FOLDER: Final = "inspection"
"""In the folder of a run."""

_FORMAT: Final = 1
"""Of the files and of what the views compute: raised with a change of either, so that old files count no more."""

_MOST_FILES: Final = 64
"""Questions that are kept; the one that was asked longest ago goes first."""


@dataclass(frozen=True)
class _Kept:
    """Rows of a checkpoint, and SHA-256 of its manifest, which holds those of its files."""

    manifest: str
    rows: list[dict[str, str | int | float | None]]


@dataclass(frozen=True)
class _File:
    format: int
    question: dict[str, Any]
    steps: dict[str, _Kept]


class InspectionCache:
    """Answers to one question. A file that is damaged, of another version or about something else counts as none, and
    so do rows of a checkpoint that has been written anew. What cannot be written is not kept.

    Args:
        run: its folder.
        question: what was asked, as values of JSON; "view" names the view.
    """

    def __init__(self, run: Path, question: Mapping[str, Any]) -> None:
        self._question = dict(question)
        digest = hashlib.sha256(json.dumps(self._question, sort_keys=True).encode()).hexdigest()
        self.path = run / FOLDER / f"{question['view']}-{digest[:16]}.json"
        self._kept = self._read()

    def _read(self) -> dict[str, _Kept]:
        try:
            file: _File = convert(read_json(self.path), _File)
        except msgspec.ValidationError:
            return {}
        return file.steps if (file.format, file.question) == (_FORMAT, self._question) else {}

    def get(self, checkpoint: CheckpointInfo) -> list[Row] | None:
        """The rows of a checkpoint; None where they are not known."""
        kept = self._kept.get(str(checkpoint.step))
        return kept.rows if kept is not None and kept.manifest == manifest_hash(checkpoint) else None

    def put(self, checkpoint: CheckpointInfo, manifest: str, rows: list[Row]) -> None:
        """Keeps the rows of a checkpoint, whose `manifest_hash` was that one before it was read."""
        self._kept[str(checkpoint.step)] = _Kept(manifest, rows)
        file = _File(_FORMAT, self._question, self._kept)
        with suppress(OSError):  # the disk is full or read-only, or the run was deleted
            if not self.path.exists():
                self.path.parent.mkdir(exist_ok=True)
                self._make_room()
            write_json(self.path, asdict(file), sync=False)

    def _make_room(self) -> None:
        files = sorted(self.path.parent.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for path in files[: max(0, len(files) - _MOST_FILES + 1)]:
            path.unlink(missing_ok=True)


def manifest_hash(checkpoint: CheckpointInfo) -> str:
    """SHA-256 of a checkpoint's manifest; "" when it is gone."""
    try:
        return hashlib.sha256((checkpoint.path / CHECKPOINT_MANIFEST).read_bytes()).hexdigest()
    except OSError:
        return ""
