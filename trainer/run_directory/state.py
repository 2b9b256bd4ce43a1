"""Determines a run's state from its directory. Imports neither torch nor Qt."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from gptdesk.bounded_read import ContentError, whole
from gptdesk.errors import UserError
from gptdesk.files import read_json
from gptdesk.locks import is_locked
from trainer.config.former_names import with_present_names
from trainer.run_directory.fields import EXIT_FIELDS, RUN_FIELDS, STATUS_FIELDS, read_fields
from trainer.run_directory.layout import CONFIG, EXIT, FORMAT, LOCK, LOST_AFTER_SECONDS, RUN, STATUS

STATES: Final = ("starting", "compiling", "running", "paused", "stopping", "finished", "stopped", "crashed", "lost")
"""What a run can be in."""


@cache
def boot_id() -> str:
    """Tells two starts of a computer apart; empty where the system has no such id."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


@cache
def _host() -> str:
    import socket  # the window scans no run before it is painted

    return socket.gethostname()


class RunState(msgspec.Struct, frozen=True):
    """A run at one moment.

    Attributes:
        state: ``starting``, ``compiling``, ``running``, ``paused``, ``stopping``, ``finished``, ``stopped``,
            ``crashed`` (it failed, or ended without ``exit.json``) or ``lost`` (elsewhere, without a heartbeat).
        status: the newest ``status.json``, empty when there is none.
        exit: ``exit.json``, empty when there is none.
        damage: a clause about what of them cannot be used, and was left out; else empty.
    """

    state: str
    status: dict[str, Any]
    exit: dict[str, Any]
    damage: str = ""

    @property
    def active(self) -> bool:
        """Whether a trainer is running."""
        return self.state in ("starting", "compiling", "running", "paused", "stopping")


def read_state(folder: Path) -> RunState:
    """The state of a run.

    A held lock proves that its trainer lives here, and a free one that it does not; clocks and process ids, which jump
    and are given out again, are not asked. A run on another computer, whose locks may not show here, is judged by its
    heartbeat.
    """
    status, odd_status = read_fields(folder / STATUS, STATUS_FIELDS)
    ending, odd_ending = read_fields(folder / EXIT, EXIT_FIELDS)
    damage = "; ".join(filter(None, (odd_status, odd_ending)))
    written = status.get("state")
    here = status.get("host") in (None, _host())
    fresh = abs(time.time() - status.get("heartbeat", 0)) < LOST_AFTER_SECONDS
    if is_locked(folder / LOCK):
        state = written if written in STATES else "running" if damage else "starting"
    elif ending:
        state = ending.get("state") if ending.get("state") in STATES else "stopped"
    elif here:
        state = "crashed"
    else:
        state = written if fresh and written in STATES else "lost"
    return RunState(str(state), status, ending, damage)


def describe(folder: Path) -> tuple[dict[str, Any], str]:
    """The contents of ``run.json`` as far as they can be used, and a clause about why they cannot."""
    description, damage = read_fields(folder / RUN, RUN_FIELDS)
    if description.get("format", FORMAT) > FORMAT:
        return description, "it was written by a newer version of gptdesk; update to read it"
    return description, damage


def read_description(folder: Path) -> dict[str, Any]:
    """The contents of ``run.json``.

    Raises:
        UserError: when the folder is no run directory, one of a newer format, or a damaged one.
    """
    if not (folder / RUN).exists():
        raise UserError(f"{folder} is no run directory: it has no {RUN}.")
    description, damage = describe(folder)
    if damage:
        raise UserError(f"The run in {folder} cannot be used: {damage}.")
    return description


def read_config(folder: Path) -> dict[str, Any]:
    """The nested values of the configuration in force: that of ``run.json`` with what was changed since.

    Settings have their present names, whichever version wrote them.

    Raises:
        UserError: when the folder is no run directory, one of a newer format, or neither file can be used.
    """
    config = read_json(folder / CONFIG)
    if not config or not (folder / RUN).exists() or describe(folder)[0].get("format", FORMAT) > FORMAT:
        config = read_description(folder).get("config")
    if config is None:
        raise UserError(f"The run in {folder} cannot be used: its {RUN} holds no configuration.")
    try:
        return with_present_names(config)
    except ContentError as error:
        raise UserError(f"The run in {folder} cannot be used: {error}.") from None


def planned_steps(config: Mapping[str, Any]) -> int | None:
    """The steps of a whole run by its configuration, where that says."""
    schedule = config.get("schedule")
    return whole(schedule.get("steps")) if isinstance(schedule, dict) else None


def find_runs(folders: Sequence[Path]) -> Iterator[Path]:
    """The run directories among ``folders`` and their direct subfolders, in name order."""
    for folder in folders:
        if (folder / RUN).is_file():
            yield folder
        elif folder.is_dir():
            yield from sorted(path.parent for path in folder.glob(f"*/{RUN}"))
