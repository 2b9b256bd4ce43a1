"""What state a run is in, told from its directory alone. Imports neither torch nor Qt."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gptdesk.gpt2.errors import UserError
from trainer.locking import is_locked
from trainer.rundir import CONFIG, EXIT, FORMAT, LOCK, LOST_AFTER_SECONDS, RUN, STATUS, read_json


@dataclass(frozen=True)
class RunState:
    """A run at one moment.

    Attributes:
        state: ``starting``, ``compiling``, ``running``, ``paused``, ``stopping``, ``finished``, ``stopped``,
            ``crashed`` (it failed, or nobody is at work and nobody said goodbye) or ``lost`` (elsewhere, and silent).
        status: the newest ``status.json``, empty when there is none.
        exit: ``exit.json``, empty when there is none.
    """

    state: str
    status: dict[str, Any]
    exit: dict[str, Any]

    @property
    def active(self) -> bool:
        """Whether a trainer is at work on it."""
        return self.state in ("starting", "compiling", "running", "paused", "stopping")


def read_state(folder: Path) -> RunState:
    """The state of a run.

    A held lock proves that its trainer lives here, and a free one that it does not; clocks and process ids, which jump
    and are given out again, are not asked. A run on another computer, whose locks may not show here, is judged by its
    heartbeat.
    """
    status, ending = read_json(folder / STATUS) or {}, read_json(folder / EXIT) or {}
    here = status.get("host") in (None, socket.gethostname())
    if is_locked(folder / LOCK):
        return RunState(str(status.get("state", "starting")), status, ending)
    if ending:
        return RunState(str(ending.get("state", "stopped")), status, ending)
    if here:
        return RunState("crashed", status, ending)
    fresh = abs(time.time() - float(status.get("heartbeat", 0))) < LOST_AFTER_SECONDS
    return RunState(str(status.get("state")) if fresh else "lost", status, ending)


def read_description(folder: Path) -> dict[str, Any]:
    """The contents of ``run.json``.

    Raises:
        UserError: when the folder is no run directory, or one of a newer format.
    """
    description = read_json(folder / RUN)
    if description is None:
        raise UserError(f"{folder} is no run directory: it has no {RUN} that can be read.")
    if description.get("format", FORMAT) > FORMAT:
        raise UserError(f"The run in {folder} was written by a newer version; update to read it.")
    return description


def read_config(folder: Path) -> dict[str, Any]:
    """The nested values of the configuration in force: that of ``run.json`` with what was changed since.

    Raises:
        UserError: when the folder is no run directory, or one of a newer format.
    """
    first: dict[str, Any] = read_description(folder).get("config", {})
    return read_json(folder / CONFIG) or first


def find_runs(folders: Sequence[Path]) -> Iterator[Path]:
    """The run directories among ``folders`` and their direct subfolders, in name order."""
    for folder in folders:
        if (folder / RUN).is_file():
            yield folder
        elif folder.is_dir():
            yield from sorted(path.parent for path in folder.glob(f"*/{RUN}"))
