"""``trainer train`` and ``trainer resume``: start or resume a run."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

from gptdesk.errors import UserError
from trainer.config.former_names import present_key
from trainer.config.schema import TrainConfig, build_config, with_absolute_paths
from trainer.config.values import merge, parse_flags, preset_names, read_preset, read_toml
from trainer.planning.defaults import fit_files, keys_of
from trainer.run_directory.layout import CHECKPOINTS
from trainer.run_directory.state import read_config, read_description


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers ``train`` and ``resume``."""
    train = commands.add_parser(
        "train",
        help="train a model",
        description="Trains a model in a new run directory. "
        "Every setting of docs/CONFIG.md can be given as --section.key value.",
        allow_abbrev=False,
    )
    train.add_argument("--preset", help=f"settings to begin with: {', '.join(preset_names())}")
    train.add_argument("--config", type=Path, help="TOML file with settings that override the preset")
    train.add_argument("--data", type=Path, help="folder of prepared data (data.path)")
    train.add_argument("--out", type=Path, help="run directory to create (run.folder)")
    train.add_argument(
        "--dry-run", action="store_true", help="show time, memory and disk space needed, and train nothing"
    )
    train.add_argument("--json", action="store_true", help="with --dry-run: as JSON")
    train.set_defaults(run=run_train, takes_settings=True)
    resume = commands.add_parser("resume", help="resume a run from its newest complete checkpoint", allow_abbrev=False)
    resume.add_argument("folder", type=Path, help="run directory")
    resume.set_defaults(run=run_resume, takes_settings=True)


def run_train(args: argparse.Namespace) -> None:
    """Starts a run, or estimates what it would take."""
    base = read_preset(args.preset) if args.preset else {}
    given = _given(args.config, args.settings, data=args.data, out=args.out)
    fitted = fit_files(base, given, processes=_processes())
    config = with_absolute_paths(build_config(fitted.values))
    if args.dry_run:
        from trainer.planning.estimate import estimate_run  # torch, late

        outlook = estimate_run(config, fitted=fitted.notes)
        print(json.dumps(outlook.to_json()) if args.json else outlook)
        return
    if config.run.folder and any((Path(config.run.folder) / CHECKPOINTS).glob("step-*")):
        raise UserError(
            f"{config.run.folder} holds a run already; continue it with `resume`, or choose another folder."
        )
    _start(config, given=keys_of(given), notes=fitted.notes)


def run_resume(args: argparse.Namespace) -> None:
    """Resumes a run with its configuration; settings given now override it, also in later resumes."""
    base = read_config(args.folder)
    given = merge(parse_flags(args.settings), {"run": {"folder": str(args.folder)}})
    before = read_description(args.folder).get("given")
    fixed = {present_key(str(key)) for key in before} if isinstance(before, list) else keys_of(base)
    fixed |= {key for key in keys_of(base) if key.startswith("model.")}  # the shape is that of the weights there are
    fitted = fit_files(base, given, processes=_processes(), fixed=fixed)
    _start(with_absolute_paths(build_config(fitted.values)), given=fixed | keys_of(given), notes=fitted.notes)


def _processes() -> int:
    """Processes that torchrun started for this run; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def _given(file: Path | None, settings: Sequence[str], *, data: Path | None, out: Path | None) -> dict[str, Any]:
    """The nested values that the user gave: those of a file, overridden by flags."""
    values = merge(read_toml(file) if file else {}, parse_flags(settings))
    if data:
        values = merge(values, {"data": {"path": str(data)}})
    if out:
        values = merge(values, {"run": {"folder": str(out)}})
    return values


def _start(config: TrainConfig, *, given: Set[str], notes: Sequence[str]) -> None:
    from trainer.environment import console_log, prepare_environment

    prepare_environment()
    from trainer.hardware import training_device
    from trainer.parallel.distributed import join_processes  # torch, late: --help and mistakes answer at once
    from trainer.session import run_training

    with join_processes(training_device(config.run)) as processes, console_log(config, processes.rank) as log:
        for note in notes if processes.is_main else ():
            log(note)
        state = run_training(config, processes, log=log, more={"given": sorted(given), "fitted": list(notes)})
        log(f"{state.capitalize()}.")
