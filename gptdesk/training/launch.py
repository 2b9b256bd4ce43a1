"""Starts a trainer that outlives whoever started it, here, under torchrun or by a command of the person's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HERE: Final = "here"
TORCHRUN: Final = "torchrun"
COMMAND: Final = "command"


@dataclass(frozen=True, kw_only=True)
class Launcher:
    """How the trainer is started.

    Attributes:
        kind: `HERE`, `TORCHRUN` or `COMMAND`.
        processes: under torchrun.
        template: the shell command of `COMMAND`; ``{command}``, ``{folder}`` and ``{config}`` are replaced.
    """

    kind: str = HERE
    processes: int = 1
    template: str = ""


def command_line(folder: Path, launcher: Launcher = Launcher(), *, resume: bool = False) -> list[str]:
    """The arguments that start, or go on with, the run in ``folder``."""
    raise NotImplementedError


def shown_command(folder: Path, launcher: Launcher = Launcher(), *, resume: bool = False) -> str:
    """The same as a person types it into a shell."""
    raise NotImplementedError


def new_run_folder(runs: Path, name: str) -> Path:
    """``<runs>/<yyyymmdd-hhmmss>-<slug of the name>``, which is not there yet."""
    raise NotImplementedError


def start_run(values: Mapping[str, Any], folder: Path, launcher: Launcher = Launcher(), *, name: str = "") -> int:
    """Starts a run and returns the id of the process that was started.

    Raises:
        UserError: when it cannot be.
    """
    raise NotImplementedError


def resume_run(folder: Path, launcher: Launcher | None = None) -> int:
    """Goes on with a run, by the launcher it was started with unless another is given; returns the process's id.

    Raises:
        UserError: when it cannot be.
    """
    raise NotImplementedError


def to_toml(values: Mapping[str, Any]) -> str:
    """A configuration file that holds what differs from the defaults.

    Raises:
        UserError: when the values make no configuration.
    """
    raise NotImplementedError
