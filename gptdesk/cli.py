"""gptdesk's command line: the window, or one of the commands in `gptdesk.commands`. Imports neither torch nor Qt."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

import gptdesk
from gptdesk.child_process import is_frozen, own_command
from gptdesk.devices import set_thread_environment
from gptdesk.errors import UserError
from gptdesk.folders import keep_compiled_code
from gptdesk.program.installation import NO_WINDOW, describe_version, has_window

MISTAKE: Final = 2
"""Exit status for wrong arguments and other errors of the caller."""

INTERRUPTED: Final = 130
"""Exit status after Ctrl+C, as shells give it: 128 and the number of the signal."""

_COMMANDS: Final = (
    "complete",
    "score",
    "continuations",
    "compare",
    "inspect",
    "tokenize",
    "models",
    "compile",
    "doctor",
)
"""Modules of `gptdesk.commands`, named as their commands."""

_OF_THE_TRAINER: Final = ("tokenizer", "prepare", "train", "resume", "eval", "sample")
"""Commands of the trainer, a program of its own; they get a hint."""

CLOSED: Final = 141
"""Exit status if the reader of our output has closed the pipe: 128 and the number of SIGPIPE."""


def main(argv: Sequence[str] | None = None) -> int:
    """Opens the window, or runs one command, and returns the exit status.

    Args:
        argv: arguments without the program's name; the process's own when not given.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    set_thread_environment()
    keep_compiled_code()
    if is_frozen() and (arguments[:1] == ["-m"] or arguments[:2] == ["-u", "-m"]):
        return _run_module(arguments[arguments.index("-m") + 1 :])
    if arguments[:1] == ["trainer"]:
        return _run_module(arguments)
    try:
        if not arguments or (arguments[0] not in _COMMANDS and os.path.exists(arguments[0])):
            return _open_window(arguments)
        _prepare_output()
        if arguments[0] in _OF_THE_TRAINER:
            raise UserError(f"{arguments[0]} is a command of the trainer; run: {own_command('trainer')} {arguments[0]}")
        options = make_parser().parse_args(arguments)
        status: int = options.run(options)
        sys.stdout.flush()
        return status
    except UserError as error:
        print(" ".join(str(error).splitlines()), file=sys.stderr)
        return MISTAKE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return CLOSED
    except OSError as error:
        # Our output has no file name (a full disk is behind it, most likely); a library that does not load, no number.
        if error.filename is not None or error.errno is None:
            raise
        _discard_output()
        print(f"The output cannot be written ({error.strerror}).", file=sys.stderr)
        return MISTAKE


def _run_module(arguments: list[str]) -> int:
    """Runs ``MODULE ARGUMENTS`` as ``python -m`` does: a frozen program is also the interpreter of the trainer."""
    import runpy

    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    return 0


class _Parser(argparse.ArgumentParser):
    """Reports errors in one sentence, without the usage."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message[:1].upper()}{message[1:]}; see {self.prog} --help.")


def make_parser() -> argparse.ArgumentParser:
    """Makes the parser of all commands."""
    parser = _Parser(
        prog="gptdesk",
        description=f"{gptdesk.__doc__} Without a command it opens the window, with the files that are named.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"gptdesk {describe_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in _COMMANDS:
        importlib.import_module(f"gptdesk.commands.{name}").add_parser(commands)
    return parser


def _open_window(files: Sequence[str]) -> int:
    if not has_window():
        raise UserError(f"{NO_WINDOW}, or see gptdesk --help for what works without it.")
    from gptdesk.ui.app import main as open_window

    return open_window(files)


def _prepare_output() -> None:
    """Makes the output UTF-8 in any locale; a stream that was closed by the caller discards what is printed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # `print` would take standard output instead
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (as long as we run)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _discard_output() -> None:
    """Discards the rest of the buffer, so that Python does not report an error at exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
