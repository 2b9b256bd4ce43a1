"""Requests to a running trainer: files in ``control/in`` that it answers with events."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from gptdesk.errors import UserError, brief
from gptdesk.files import read_json, write_json
from trainer.run_directory.layout import CONTROL_IN

ACTIONS: Final = ("checkpoint", "stop", "abort", "pause", "resume", "evaluate", "sample", "set")
"""What a running trainer can be asked for."""

SETTABLE: Final = ("log_interval", "eval_interval", "checkpoint_interval", "learning_rate_factor")
"""What the action ``set`` may change."""

LARGEST_REQUEST: Final = 1 << 20
"""Bytes of a request; an answer repeats it."""

_LONGEST_ID: Final = 200


class Request(msgspec.Struct, frozen=True):
    """A request to a running trainer.

    Attributes:
        id: answered under this name.
        action: one of `ACTIONS`.
        args: what it needs, such as the prompt of a sample.
    """

    id: str
    action: str
    args: Mapping[str, Any] = msgspec.field(default_factory=dict)


def send_request(folder: Path, action: str, *, to: int | None = None, **args: Any) -> str:
    """Asks the trainer of a run for something and returns the request's id; an event ``control`` with it is the answer.

    Args:
        folder: run directory.
        action: one of `ACTIONS`.
        to: number of the trainer that is meant, counted from the run's first, for one that is only starting: it does
            not take the request for one that its predecessor left behind.
        **args: what the action needs.

    Raises:
        UserError: for an action that does not exist, or a folder that cannot be written.
    """
    if action not in ACTIONS:
        raise UserError(f"A run cannot be asked for {brief(action)}; it can for {', '.join(ACTIONS)}.")
    request_id = uuid.uuid4().hex
    try:
        (folder / CONTROL_IN).mkdir(parents=True, exist_ok=True)
        name = f"{time.time_ns():020d}-{request_id}.json"
        request = {"id": request_id, "action": action, "args": args, "t": time.time()}
        write_json(folder / CONTROL_IN / name, request if to is None else {**request, "to": to})
    except OSError as error:
        raise UserError(f"The run in {folder} cannot be reached: {error.strerror}.") from None
    return request_id


def withdraw_requests(folder: Path, to: int) -> None:
    """Deletes requests to a trainer that never started, so that the next one of its number does not obey them."""
    with suppress(OSError):
        for path in (folder / CONTROL_IN).glob("*.json"):
            if (read_json(path) or {}).get("to") == to:
                path.unlink(missing_ok=True)


def parse_request(path: Path, values: Mapping[str, Any]) -> tuple[Request, str]:
    """The request in a file, and why it is none; else nothing."""
    id, action, args = values.get("id", path.stem), values.get("action"), values.get("args", {})
    if isinstance(id, str) and isinstance(action, str) and isinstance(args, dict):
        return Request(id[:_LONGEST_ID], action, args), ""
    name = id if isinstance(id, str) else path.stem
    return Request(name[:_LONGEST_ID], brief(action)), "a request has an id and an action (text), and args (an object)"
