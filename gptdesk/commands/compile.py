"""``gptdesk compile``: compiles the CPU decoder before the first completion needs it."""

from __future__ import annotations

import argparse

from gptdesk.inference.cpu.compiling import can_compile


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describes the command to the command line."""
    parser = commands.add_parser(
        "compile",
        help="compile the CPU decoder now",
        description="Compiles the CPU decoder for this processor, if that was not done yet. Without this command, the "
        "first completion compiles it in the background. Ctrl+C stops waiting; compilation continues.",
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compiles, and returns the exit status."""
    if not can_compile():
        print("Numba is not installed here, so there is nothing to compile: PyTorch decodes.")
        return 0
    from gptdesk.inference.cpu.compile_process import compile_elsewhere, describe_code
    from gptdesk.inference.cpu.compiling import find_step

    if find_step() is None:
        print("Compiling the decoder for this processor; this may take half a minute on a slow computer.", flush=True)
        compile_elsewhere().result()
    print(f"Compiled code: {describe_code()}.")
    return 0
