"""The trainer's command line: one subcommand per module of `trainer.commands`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import trainer
from gptdesk.child_process import own_command
from gptdesk.errors import UserError
from trainer.commands import config, evaluate, prepare, runs, sample, tokenizer, train, transplant


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code: 0, or 2 for a mistake in what was asked."""
    parser = argparse.ArgumentParser(prog=own_command("trainer"), description=trainer.__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (tokenizer, transplant, prepare, train, runs, evaluate, sample, config):
        command.add_parser(commands)
    args, settings = parser.parse_known_args(argv)
    if settings and not getattr(args, "takes_settings", False):
        parser.error(f"unrecognized arguments: {' '.join(settings)}")
    args.settings = settings
    try:
        args.run(args)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0
