"""``trainer list``, ``info``, ``stop`` and ``ask``: inspect and control runs by their directories."""

from __future__ import annotations

import argparse
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from gptdesk.bounded_read import ContentError, number, parse_json
from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.metrics import METRICS, metric_of
from gptdesk.number_format import metric_value
from trainer.run_directory.events import EventTail, newest_step
from trainer.run_directory.layout import CHECKPOINTS, RUN
from trainer.run_directory.requests import ACTIONS, send_request
from trainer.run_directory.state import describe, find_runs, planned_steps, read_config, read_state

ANSWER_SECONDS = 600.0
"""How long `stop` waits: one step, one evaluation and one checkpoint may stand before the answer."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the four commands."""
    listing = commands.add_parser("list", help="list runs and their states")
    listing.add_argument("folders", nargs="*", type=Path, help="folders to search (default: your runs folder)")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    listing.set_defaults(run=run_list)
    info = commands.add_parser("info", help="show the state and settings of a run")
    info.add_argument("folder", type=Path, help="run directory")
    info.add_argument("--json", action="store_true", help="one JSON object")
    info.set_defaults(run=run_info)
    stop = commands.add_parser("stop", help="save and stop a run, and wait for it")
    stop.add_argument("folder", type=Path, help="run directory")
    stop.add_argument("--abort", action="store_true", help="stop without saving")
    stop.set_defaults(run=run_stop)
    ask = commands.add_parser(
        "ask", help="send a request to a run (checkpoint, evaluation, sample, ...) and wait for the answer"
    )
    ask.add_argument("folder", type=Path, help="run directory")
    ask.add_argument("action", choices=ACTIONS)
    ask.add_argument("arguments", nargs="*", metavar="NAME=VALUE", help="prompt=..., seed=..., name=... value=...")
    ask.set_defaults(run=run_ask)


def summary(folder: Path) -> dict[str, Any]:
    """Facts about a run for one line of a list; of a damaged run those that can be read.

    Raises:
        UserError: when the folder is no run directory.
    """
    if not (folder / RUN).is_file():
        raise UserError(f"{folder} is no run directory: it has no {RUN}.")
    (description, damage), state = describe(folder), read_state(folder)
    try:
        steps = planned_steps(read_config(folder))
    except UserError:
        steps, damage = None, damage or f"its {RUN} holds no configuration"
    damage = "; ".join(filter(None, (damage, state.damage)))
    checkpoints = sorted(path.name for path in (folder / CHECKPOINTS).glob("step-*"))
    status = state.status
    return {
        "folder": str(folder),
        "state": state.state,
        "step": status.get("step", 0),
        "steps": steps,
        "loss": status.get("loss"),
        "best_loss": status.get("best_loss"),
        "best_step": status.get("best_step"),
        "seconds_left": status.get("seconds_left") if state.active else None,
        "started": description.get("t"),
        "pid": status.get("pid") if state.active else None,
        "reason": state.exit.get("reason") or status.get("reason") or "",
        "degraded": status.get("degraded", ""),
        "damaged": damage,
        "checkpoints": checkpoints,
    }


def run_list(args: argparse.Namespace) -> None:
    """Prints one line a run."""
    runs = [summary(folder) for folder in find_runs(args.folders or [Folders.of_this_user().runs])]
    for run in runs:
        print(json.dumps(run) if args.json else _line(run))
    if not runs and not args.json:
        print("No runs were found.")


def run_info(args: argparse.Namespace) -> None:
    """Prints the state, newest metrics and settings of a run."""
    run = summary(args.folder)
    if args.json:
        config = None
        with suppress(UserError):  # it is damaged, and the summary says so
            config = read_config(args.folder)
        print(json.dumps({**run, "metrics": newest_metrics(args.folder), "config": config}))
        return
    for name, value in run.items():
        if value not in (None, "", []):
            print(f"{name:<12}  {', '.join(value) if isinstance(value, list) else value}")
    for key, value in newest_metrics(args.folder).items():
        if key not in run:
            print(f"{key:<12}  {metric_value(metric_of(key).format, value)}")


def newest_metrics(folder: Path) -> dict[str, float]:
    """The finite values of the newest logged step, by key."""
    event = newest_step(folder)
    found = {}
    for each in METRICS:
        values = event.get(each.container, {}) if each.container else event
        for key in each.keys:
            value = number(values.get(key), None) if isinstance(values, dict) else None
            if value is not None:
                found[key] = value
    return found


def run_stop(args: argparse.Namespace) -> None:
    """Asks a run to stop and waits until it has."""
    _require_active(args.folder)
    events = EventTail(args.folder)
    events.skip()
    request = send_request(args.folder, "abort" if args.abort else "stop")
    answered, failure = False, ""
    deadline = time.monotonic() + ANSWER_SECONDS
    while (state := read_state(args.folder)).active:
        for event in events.read():
            answered = answered or event.get("id") == request
            if answered and event.get("ev") in ("checkpoint", "checkpoint_failed"):
                failure = str(event.get("reason", ""))
        if failure and state.state == "paused":
            raise UserError(f"{failure} The run is paused: make room and stop it again, or end it with --abort.")
        if time.monotonic() > deadline:
            raise UserError(f"The run in {args.folder} has not stopped; the request stands.")
        time.sleep(0.1)
    print(_line(summary(args.folder)))


def run_ask(args: argparse.Namespace) -> None:
    """Sends a request and prints its answer."""
    _require_active(args.folder)
    arguments = dict(_argument(text) for text in args.arguments)
    events = EventTail(args.folder)
    events.skip()
    request = send_request(args.folder, args.action, **arguments)
    deadline = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline:
        active = read_state(args.folder).active
        for event in events.read():
            if event.get("ev") == "control" and event.get("id") == request:
                if event.get("refused"):
                    raise UserError(f"Refused: {str(event['refused']).rstrip('.')}.")
                print(f"Done at step {event.get('step', 0):,}.")
                return
        if not active:
            raise UserError(f"The run in {args.folder} ended before it answered.")
        time.sleep(0.1)
    raise UserError(f"The run in {args.folder} has not answered; the request stands.")


def _require_active(folder: Path) -> None:
    if not (folder / RUN).is_file():
        raise UserError(f"{folder} is no run directory: it has no {RUN}.")
    state = read_state(folder)
    if not state.active:
        raise UserError(f"The run in {folder} is not being trained: it is {state.state}.")


def _argument(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UserError(f"{text!r} is no argument; arguments are given as name=value.")
    try:
        return name, parse_json(value)
    except ContentError:
        return name, value


def _line(run: dict[str, Any]) -> str:
    has_best = run["best_loss"] is not None and run["best_step"] is not None
    best = f"  best {run['best_loss']:.4f} at {run['best_step']:,}" if has_best else ""
    loss = f"  loss {run['loss']:.4f}" if run["loss"] is not None else ""
    damaged = f"  damaged: {run['damaged']}" if run["damaged"] else ""
    of = f" of {run['steps']:,}" if run["steps"] else ""
    return f"{run['state']:<10}  {run['folder']}  step {run['step']:,}{of}{loss}{best}{damaged}"
