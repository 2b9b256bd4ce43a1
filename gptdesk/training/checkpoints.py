"""Lists the checkpoints of a run by folder names and manifests."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from gptdesk.bounded_read import whole
from gptdesk.files import read_json
from trainer.run_directory.layout import CHECKPOINT_MANIFEST, CHECKPOINTS, STATUS

_NAME = re.compile(r"step-(\d{1,15})", re.ASCII)


class CheckpointInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A complete checkpoint.

    Attributes:
        path: its folder, a model folder like any other.
        step: at which it was written.
        bytes: on disk.
        t: when, seconds since the epoch.
        best: whether it has the run's lowest validation loss.
    """

    path: Path
    step: int
    bytes: int
    t: float
    best: bool


def checkpoints(folder: Path) -> list[CheckpointInfo]:
    """The complete checkpoints of a run, newest last. Sizes are checked, hashes not: that takes as long as loading."""
    best = whole((read_json(folder / STATUS) or {}).get("best_step"))
    found = []
    try:
        names = [path for path in (folder / CHECKPOINTS).iterdir() if _NAME.fullmatch(path.name)]
    except OSError:  # none yet, or the run is gone
        return []
    for path in names:
        step = int(path.name.removeprefix("step-"))
        try:
            size = _complete_size(path)
            written = (path / CHECKPOINT_MANIFEST).stat().st_mtime
        except (OSError, ValueError):  # just pruned, or damaged
            continue
        found.append(CheckpointInfo(path=path, step=step, bytes=size, t=written, best=step == best))
    return sorted(found, key=lambda checkpoint: checkpoint.step)


def run_of(folder: Path) -> Path | None:
    """The run that a folder is a checkpoint of, by their names; None for other folders."""
    is_checkpoint = folder.parent.name == CHECKPOINTS and _NAME.fullmatch(folder.name)
    return folder.parent.parent if is_checkpoint else None


def _complete_size(path: Path) -> int:
    """Bytes in a checkpoint.

    Raises:
        ValueError: when a file has another size than the manifest says.
        OSError: when one is missing.
    """
    manifest = read_json(path / CHECKPOINT_MANIFEST)
    if not manifest:
        raise ValueError("no manifest")
    total = 0
    for name, entry in manifest.items():
        size = (path / name).stat().st_size
        if not isinstance(entry, dict) or entry.get("bytes") != size:
            raise ValueError(f"{name} is not complete")
        total += size
    return total
