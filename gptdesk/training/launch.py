"""Launches a trainer that outlives this process: locally, under torchrun, or by a command of the user."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from msgspec.structs import asdict

from gptdesk.bounded_read import ContentError, parse_toml
from gptdesk.child_process import python_command
from gptdesk.errors import UserError
from gptdesk.folders import ensure_folder
from gptdesk.training.detached import start_detached
from gptdesk.training.launch_record import (
    COMMAND,
    FORMAT,
    HERE,
    LOCK,
    PLAIN,
    RECORD,
    TORCHRUN,
    Launcher,
    newest_attempt,
    read_launch,
)
from trainer.config.reference import toml_value
from trainer.config.schema import TrainConfig, build_config, with_absolute_paths
from trainer.config.values import merge
from trainer.planning.defaults import settings_to_give
from trainer.planning.plan import plan_run
from trainer.run_directory.layout import CHECKPOINTS, CONSOLE, RUN
from trainer.run_directory.requests import withdraw_requests
from trainer.run_directory.state import read_state

__all__ = ["COMMAND", "HERE", "TORCHRUN", "Launcher", "command_line", "new_run_folder", "resume_run", "shown_command",
           "start_run", "to_toml", "typed_command"]  # fmt: skip

CONFIG_FILE: Final = "config.toml"
"""File in the run directory with the settings that the user chose; the trainer's own files have those in force."""

_LONGEST_SLUG: Final = 40


def command_line(folder: Path, launcher: Launcher = PLAIN, *, resume: bool = False) -> list[str]:
    """The command that starts or resumes the run in ``folder``; for `COMMAND` a line for the system's shell."""
    if launcher.kind == COMMAND:
        line = _filled(launcher.template, folder, _trainer_arguments(folder, resume=resume))
        return ["cmd", "/c", line] if os.name == "nt" else ["/bin/sh", "-c", line]
    return _python_line(launcher, _trainer_arguments(folder, resume=resume))


def shown_command(folder: Path, launcher: Launcher = PLAIN, *, resume: bool = False) -> str:
    """The same as a person types it into a shell."""
    arguments = command_line(folder, launcher, resume=resume)
    return arguments[-1] if launcher.kind == COMMAND else _joined(arguments)


def typed_command(values: Mapping[str, Any], folder: Path, launcher: Launcher = PLAIN) -> str:
    """A command that starts the same run and needs no file: every setting that is not there by default is a flag.

    Raises:
        UserError: when the values make no configuration.
    """
    flags = [
        f"--{section}.{key}={_flag(value)}"
        for section, changed in settings_to_give(build_config(values), processes=_processes(launcher)).items()
        for key, value in changed.items()
    ]
    arguments = ["train", "--out", str(folder), *flags]
    if launcher.kind == COMMAND:
        return _filled(launcher.template, folder, arguments)
    return _joined(_python_line(launcher, arguments))


def new_run_folder(runs: Path, name: str) -> Path:
    """``<runs>/<yyyymmdd-hhmmss>-<slug of the name>``, which is not there yet."""
    slug = re.sub(r"[^\w]+", "-", name.lower()).strip("-_")[:_LONGEST_SLUG].strip("-_") or "run"
    wished = f"{time.strftime('%Y%m%d-%H%M%S')}-{slug}"
    folder, number = runs / wished, 1
    while folder.exists():
        number += 1
        folder = runs / f"{wished}-{number}"
    return folder


def start_run(values: Mapping[str, Any], folder: Path, launcher: Launcher = PLAIN, *, name: str = "") -> int:
    """Starts a run and returns the id of the process that was started.

    Args:
        values: settings, by section; what stands under ``run.folder`` is passed over.
        folder: run directory, made when it is not there.
        launcher: how.
        name: for people.

    Raises:
        UserError: when the settings or the launcher cannot work, the folder holds a run already, or nothing can be
            started.
    """
    _check(launcher)
    config = build_config(merge(values, {"run": {"folder": ""}}))
    if launcher.kind != COMMAND:  # elsewhere, paths are that computer's
        config = with_absolute_paths(config)  # the trainer runs in a folder of its own
        plan_run(config, world_size=_processes(launcher))
    launch = read_launch(folder)
    starting = launch is not None and launch.lives
    if starting or (folder / RUN).exists() or any((folder / CHECKPOINTS).glob("step-*")):
        raise UserError(f"{folder} holds a run already; resume it, or choose another folder.")
    is_new = not folder.exists()
    ensure_folder(folder)
    try:
        write_settings(folder / CONFIG_FILE, _toml(config, _processes(launcher)))
        return _launch(folder, launcher, name, resume=False)
    except UserError:
        if is_new:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def resume_run(folder: Path, launcher: Launcher | None = None) -> int:
    """Goes on with a run from its newest whole checkpoint and returns the id of the process that was started.

    One whose trainer never began is started again.

    Args:
        folder: run directory.
        launcher: how; by default as it was started.

    Raises:
        UserError: when it is running, or nothing can be started.
    """
    before = read_launch(folder)
    launcher = launcher or (before.launcher if before else PLAIN)
    _check(launcher)
    if read_state(folder).active or (before is not None and before.lives):
        raise UserError(f"The run in {folder} is being trained already.")
    has_begun = (folder / RUN).exists()
    if not has_begun and not (folder / CONFIG_FILE).exists():
        raise UserError(f"{folder} is no run directory: it has no {RUN}.")
    return _launch(folder, launcher, before.name if before else "", resume=has_begun)


def to_toml(values: Mapping[str, Any]) -> str:
    """A configuration file that holds what differs from the defaults, and defaults that would give way to that.

    Raises:
        UserError: when the values make no configuration.
    """
    return _toml(build_config(values))


def _processes(launcher: Launcher) -> int:
    return launcher.processes if launcher.kind == TORCHRUN else 1


def _toml(config: TrainConfig, processes: int = 1) -> str:
    parts = []
    for section, changed in settings_to_give(config, processes=processes).items():
        lines = [f"[{section}]", *(f"{key} = {toml_value(value)}" for key, value in changed.items())]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _check(launcher: Launcher) -> None:
    if launcher.kind == TORCHRUN and launcher.processes < 1:
        raise UserError(f"A run needs 1 process or more, not {launcher.processes}.")
    if launcher.kind == COMMAND and not re.search(r"\{(command|arguments)\}", launcher.template):
        raise UserError("The command must hold {command}, which stands for the trainer and its arguments.")


def _launch(folder: Path, launcher: Launcher, name: str, *, resume: bool) -> int:
    attempt = newest_attempt(folder)
    withdraw_requests(folder, attempt + 1)
    values = {
        "format": FORMAT,
        "t": time.time(),
        "name": name,
        "launcher": asdict(launcher),
        "segment": attempt,
    }
    command = command_line(folder, launcher, resume=resume)
    return start_detached(
        command[-1] if launcher.kind == COMMAND else command,
        folder=folder.parent,
        output=folder / CONSOLE,
        lock=folder / LOCK,
        record=folder / RECORD,
        values=values,
    )


def write_settings(path: Path, text: str) -> None:
    """Writes a configuration file.

    Raises:
        UserError: when it cannot be written; then there is none.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except (OSError, UnicodeError) as error:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        reason = error.strerror if isinstance(error, OSError) else "a text in it is no valid Unicode"
        raise UserError(f"The settings cannot be written to {path} ({reason}).") from None


def _trainer_arguments(folder: Path, *, resume: bool) -> list[str]:
    return ["resume", str(folder)] if resume else ["train", "--config", str(folder / CONFIG_FILE), "--out", str(folder)]


def _python_line(launcher: Launcher, arguments: list[str]) -> list[str]:
    if launcher.kind != TORCHRUN:
        return python_command("trainer", *arguments)
    processes = ("--standalone", "--nproc-per-node", str(launcher.processes))
    return python_command("torch.distributed.run", *processes, "-m", "trainer", *arguments)


def _joined(arguments: list[str]) -> str:
    return " ".join(map(quoted_for_cmd, arguments)) if os.name == "nt" else shlex.join(arguments)


def quoted_for_cmd(argument: str) -> str:
    """An argument for a line of the Windows shell, which takes more signs for its own than programs do."""
    quoted = subprocess.list2cmdline([argument])
    if quoted.startswith('"') or not re.search(r"[&|<>^()]", quoted):
        return quoted
    at_end = len(quoted) - len(quoted.rstrip("\\"))  # these stand before a quotation mark now, where each counts half
    return '"' + quoted + "\\" * at_end + '"'


def _flag(value: Any) -> str:
    """A value so that the trainer's command line reads it as it is: bare text stays bare where it is nothing else."""
    if isinstance(value, str) and value:
        try:
            parse_toml(f"value = {value}")
        except ContentError:
            return value
    return toml_value(value)


def _filled(template: str, folder: Path, arguments: list[str]) -> str:
    """The template with its places filled; what stands inside quotation marks is quoted for those, too."""
    places = {
        "command": _joined(["python", "-m", "trainer", *arguments]),
        "arguments": _joined(arguments),
        "python": _joined(python_command("")[:1]),
        "folder": _joined([str(folder)]),
        "config": _joined([str(folder / CONFIG_FILE)]),
    }
    filled, inside = "", ""
    for part in re.split(r"(\\.|['\"]|\{\w+\})", template, flags=re.DOTALL):
        if part[:1] == "{" and part[1:-1] in places:
            filled += _inside(inside, places[part[1:-1]])
            continue
        filled += part
        mark = part[-1:] if inside == "'" else part  # a backslash is nothing special there
        if mark in ("'", '"') and inside in ("", mark):
            inside = "" if inside else mark
    return filled


def _inside(mark: str, text: str) -> str:
    """A text that is quoted for a shell as it stands inside quotation marks of another that runs that shell."""
    if os.name == "nt" or not mark:
        return text
    return text.replace("'", "'\\''") if mark == "'" else re.sub(r'([\\"$`])', r"\\\1", text)
