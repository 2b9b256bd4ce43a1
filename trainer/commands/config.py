"""``trainer config``: the settings as a JSON schema, a reference page, or a TOML file to edit."""

from __future__ import annotations

import argparse
import json
import sys

from gptdesk import metrics
from trainer.config.reference import reference_page, to_toml
from trainer.config.schema import TrainConfig, build_config
from trainer.config.values import parse_flags, preset_names, read_preset
from trainer.planning.defaults import fit_files


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers ``config``."""
    parser = commands.add_parser("config", help="print all settings, or those of a preset as TOML", allow_abbrev=False)
    parser.add_argument("--preset", help=f"settings to begin with: {', '.join(preset_names())}")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json-schema", action="store_true", help="the JSON schema of a configuration")
    form.add_argument("--reference", action="store_true", help="docs/CONFIG.md")
    form.add_argument("--metrics", action="store_true", help="docs/METRICS.md")
    parser.set_defaults(run=run, takes_settings=True)


def run(args: argparse.Namespace) -> None:
    """Prints a schema, a reference page or a TOML file."""
    if args.json_schema:
        print(json.dumps(TrainConfig.model_json_schema(), indent=2))
    elif args.reference:
        print(reference_page(), end="")
    elif args.metrics:
        print(metrics.reference_page(), end="")
    else:
        fitted = fit_files(read_preset(args.preset) if args.preset else {}, parse_flags(args.settings))
        print(to_toml(build_config(fitted.values)), end="")
        for note in fitted.notes:
            print(note, file=sys.stderr)
