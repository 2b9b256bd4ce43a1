"""Reads how a run was launched, and whether its trainer ever started."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from gptdesk.bounded_read import whole
from gptdesk.files import read_json
from gptdesk.training.detached import lives
from trainer.run_directory.fields import LAUNCH_FIELDS, read_fields
from trainer.run_directory.layout import STATUS
from trainer.run_directory.requests import send_request

RECORD: Final = "launch.json"
LOCK: Final = ".launch.lock"
FORMAT: Final = 1

HERE: Final = "here"
TORCHRUN: Final = "torchrun"
COMMAND: Final = "command"

STARTING: Final = "starting"
FAILED: Final = "failed"


class Launcher(msgspec.Struct, frozen=True, kw_only=True):
    """How the trainer is started.

    Attributes:
        kind: `HERE`, `TORCHRUN` or `COMMAND`.
        processes: under torchrun.
        template: the shell command of `COMMAND`. In it are replaced, quoted for the shell: ``{command}`` (``python -m
            trainer`` with its arguments), ``{arguments}`` (those alone), ``{python}`` (this interpreter), ``{folder}``
            (the run directory) and ``{config}`` (the settings file in it).
    """

    kind: str = HERE
    processes: int = 1
    template: str = ""


PLAIN: Final = Launcher()
"""One process on this computer."""


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """The newest time that a run was launched from the window.

    Attributes:
        t: when, seconds since the epoch.
        name: given to the run; empty when none was.
        launcher: how it was started.
        attempt: number of the run's newest trainer before this launch; -1 for a new run.
        console: size of the output file before this launch, in bytes.
        code: exit code of the started process, if this program saw it end.
        lives: whether that process is running.
    """

    t: float
    name: str
    launcher: Launcher
    attempt: int
    console: int
    code: int | None
    lives: bool


def read_launch(folder: Path) -> Launch | None:
    """How a run was launched; ``None`` if it was not launched from the window."""
    values = read_fields(folder / RECORD, LAUNCH_FIELDS)[0]
    if not values:
        return None
    return Launch(
        t=values.get("t", 0.0),
        name=values.get("name", ""),
        launcher=_launcher(values.get("launcher", {})),
        attempt=values.get("segment", -1),
        console=values.get("console", 0),
        code=values.get("code"),
        lives=lives(folder / LOCK, values),
    )


def phase(launch: Launch | None, newest: int) -> str:
    """`STARTING` or `FAILED` while the launch has not led to a running trainer; empty once it has, or without a launch.

    ``newest`` is the run's `newest_attempt`.

    A launch command that ends with code 0 before a trainer runs has submitted the run elsewhere, such as to a queue:
    the run counts as starting.
    """
    if launch is None or newest > launch.attempt:
        return ""
    handed_on = launch.launcher.kind == COMMAND and launch.code in (None, 0)
    return STARTING if launch.lives or handed_on else FAILED


def ask(folder: Path, action: str, **args: Any) -> str:
    """Sends a request to the trainer of a run, even if that is still starting.

    Raises:
        UserError: when the request cannot be written.
    """
    launch, newest = read_launch(folder), newest_attempt(folder)
    starting = launch is not None and phase(launch, newest) == STARTING
    to = launch.attempt + 1 if launch is not None and starting else newest
    return send_request(folder, action, to=to if to >= 0 else None, **args)


def newest_attempt(folder: Path) -> int:
    """The number of the newest trainer that began on a run, from 0; -1 when none has."""
    return attempt_in(read_json(folder / STATUS) or {})


def attempt_in(status: Mapping[str, Any]) -> int:
    """The number in the contents of ``status.json``; -1 when there is none."""
    segment = whole(status.get("segment"))
    return -1 if segment is None else segment


def _launcher(values: dict[str, Any]) -> Launcher:
    kind = values.get("kind")
    return Launcher(
        kind=kind if kind in (HERE, TORCHRUN, COMMAND) else HERE,
        processes=whole(values.get("processes")) or 1,
        template=template if isinstance(template := values.get("template"), str) else "",
    )
