"""``trainer train``: starts a run, or goes on with the one found in its directory."""

from __future__ import annotations

import argparse
from pathlib import Path

from gptdesk.gpt2.devices import set_thread_environment
from trainer.config import build_config, merge, parse_flags, preset_names, read_preset, read_toml


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "train",
        help="train a model, or go on with a run",
        description="Every setting can be given as --section.key value; see --preset for where to begin.",
        allow_abbrev=False,
    )
    parser.add_argument("--preset", help=f"settings to begin with: {', '.join(preset_names())}")
    parser.add_argument("--config", type=Path, help="TOML file over the preset")
    parser.add_argument("--data", type=Path, help="prepared folder (data.path)")
    parser.add_argument("--out", type=Path, help="run directory (run.folder); a run found there goes on")
    parser.set_defaults(run=run, takes_settings=True)


def run(args: argparse.Namespace) -> None:
    values = read_preset(args.preset) if args.preset else {}
    if args.config:
        values = merge(values, read_toml(args.config))
    values = merge(values, parse_flags(args.settings))
    if args.data:
        values = merge(values, {"data": {"path": str(args.data)}})
    if args.out:
        values = merge(values, {"run": {"folder": str(args.out)}})
    config = build_config(values)
    set_thread_environment()
    from trainer.loop import Trainer  # torch, late: --help and mistakes answer at once

    Trainer(config).train()
