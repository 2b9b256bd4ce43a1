"""Runs a command of the trainer that prints JSON, such as a dry run or a plan."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from typing import Any, Final

from gptdesk.child_process import child_environment, python_command
from gptdesk.errors import UserError

_LONGEST_SECONDS: Final = 180
"""Timeout: the trainer loads torch and measures for a second, possibly on a busy machine."""

_CHECK_SECONDS: Final = 0.1
"""Between two checks of ``stop``."""


def trainer_json(*arguments: str, stop: threading.Event | None = None) -> dict[str, Any]:
    """Runs a command of the trainer and returns the JSON on its last line.

    Args:
        arguments: of the trainer's command line.
        stop: kills it when set, from any thread.

    Raises:
        UserError: with the trainer's own message if it refuses, else with the way it failed.
    """
    command = python_command("trainer", *arguments)
    try:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            encoding="utf-8",
            errors="replace",
            env=child_environment(),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise UserError(f"The trainer cannot be started: {error}.") from None
    output, errors = _communicate(process, stop or threading.Event())
    if process.returncode == 0:
        try:
            answer: dict[str, Any] = json.loads(output.splitlines()[-1])
        except (IndexError, ValueError):
            raise UserError("The trainer did not print JSON.") from None
        return answer
    words = [line for line in errors.splitlines() if line.strip()]
    raise UserError(words[-1] if words else f"The trainer ended with code {process.returncode}.")


def _communicate(process: subprocess.Popen[str], stop: threading.Event) -> tuple[str, str]:
    deadline = time.monotonic() + _LONGEST_SECONDS
    while True:
        try:
            return process.communicate(timeout=_CHECK_SECONDS)
        except subprocess.TimeoutExpired:
            if stop.is_set() or time.monotonic() > deadline:
                process.kill()
                process.communicate()
                raise UserError(
                    "The trainer was stopped." if stop.is_set() else "The trainer did not answer."
                ) from None
