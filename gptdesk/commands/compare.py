"""``gptdesk compare``: two to four models, checkpoints or settings side by side."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gptdesk.chat.templates.of_folder import OF_MODEL
from gptdesk.chat.templates.template import OWN_TEMPLATES
from gptdesk.commands.blind_vote import BlindVote, export_votes, print_wins
from gptdesk.commands.interrupts import ended_by_interrupt, interrupts
from gptdesk.commands.progress_bar import ProgressBar
from gptdesk.commands.prompt import add_special_flag, read_text
from gptdesk.devices import DEVICES, PRECISIONS
from gptdesk.errors import UserError
from gptdesk.files import write_bytes
from gptdesk.folders import Folders
from gptdesk.inference.sampling.flags import add_flags, given_settings
from gptdesk.inference.sampling.settings import PRESETS

if TYPE_CHECKING:
    from gptdesk.compare.columns import Column
    from gptdesk.compare.comparison import Comparison
    from gptdesk.compare.prompt_text import Prompt
    from gptdesk.compare.results import Results

_SUFFIXES: Final = (".csv", ".json", ".html")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its flags."""
    parser = commands.add_parser(
        "compare",
        help="compare models, checkpoints or settings",
        description="Completes each prompt by two to four columns with the same random numbers, and prints the texts "
        "with their figures, and where they part. Every column also reads the prompt and the first column's "
        "completion: KL divergence from the first column in nats per token and change of surprisal in bits per token "
        "where the vocabularies are the same, bits per byte in any case. Settings that are given count for all columns "
        "but those that have their own.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "prompt", metavar="PROMPT", nargs="?", help="text to continue; - reads standard input unchanged"
    )
    parser.add_argument(
        "--column",
        metavar="COLUMN",
        action="append",
        default=[],
        help="MODEL,key=value,...: name or folder of a model, then any of label, precision, device, preset and "
        "decoding settings; two to four times",
    )
    parser.add_argument("--run", type=Path, dest="run_folder", metavar="FOLDER", help="checkpoints of a run as columns")
    parser.add_argument(
        "--steps", metavar="STEPS", default="", help="of those: 100,200,best,last (from the first to the last, four)"
    )
    parser.add_argument(
        "--prompts", type=Path, metavar="FILE", help="file of prompts: .jsonl, .json, .csv, .tsv, or one on each line"
    )
    parser.add_argument("--csv-column", metavar="NAME", default="", help="column of the prompts (prompt, else text)")
    parser.add_argument(
        "--template",
        choices=(OF_MODEL, *(template.id for template in OWN_TEMPLATES)),
        default=OF_MODEL,
        help="makes a text of prompts that are messages; by default the first column's own template, if it brings one",
    )
    add_special_flag(parser)
    parser.add_argument(
        "--export",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="write the results to a .csv, .json or .html file too; may be given more than once",
    )
    parser.add_argument(
        "--vote",
        action="store_true",
        help="show the completions of each prompt shuffled and without names, ask for the best one, keep the answer",
    )
    parser.add_argument("--wins", action="store_true", help="print what the votes so far say, and nothing else")
    parser.add_argument(
        "--export-votes", type=Path, metavar="FILE", help="write the votes so far to a .csv or .json file, nothing else"
    )
    parser.add_argument("--no-reading", action="store_true", help="only complete: no divergence, no bits per byte")
    parser.add_argument("--preset", metavar="NAME", help=f"preset to begin with: {', '.join(PRESETS)}")
    add_flags(parser, show_neutral=True, without=("n", "top_logprobs"))
    parser.add_argument("--device", default="auto", help=f"of all columns: {', '.join(DEVICES)}")
    parser.add_argument("--precision", default="auto", help=f"of all columns: {', '.join(PRECISIONS)}")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints the comparison and returns the exit status."""
    if options.wins or options.export_votes is not None:
        return _votes(options)
    _check_exports(options.export, _SUFFIXES)
    if options.vote and options.prompt == "-":
        raise UserError("--vote reads the answers from standard input; give the prompt as an argument or a file.")
    _check_prompts(options)
    columns = _columns(options)
    prompts = _prompts(options, columns[0].folder)
    vote = BlindVote() if options.vote else None
    with ended_by_interrupt():
        from gptdesk.compare.comparison import Comparison
        from gptdesk.compare.engines import loader

    comparison = Comparison(
        columns,
        prompts,
        seed=given_settings(options).get("seed"),
        special=options.special,
        shared=not options.no_reading,
        load=loader(Folders.of_this_user().quantized),
    )
    with interrupts() as interrupted:
        _compute(comparison, interrupted, vote.ask if vote else _print)
        _export(comparison.results, options.export)
        if interrupted():
            raise KeyboardInterrupt
    if vote:
        print_wins()
    return 1 if comparison.results.failures else 0


def _votes(options: argparse.Namespace) -> int:
    """Prints or writes the votes so far."""
    if options.export_votes is not None:
        _check_exports([options.export_votes], _SUFFIXES[:2])
        export_votes(options.export_votes)
    if options.wins:
        print_wins()
    return 0


def _check_prompts(options: argparse.Namespace) -> None:
    if (options.prompt is None) == (options.prompts is None):
        raise UserError("Give one prompt, or a file of prompts with --prompts.")


def _prompts(options: argparse.Namespace, model: Path) -> tuple[Prompt, ...]:
    from gptdesk.compare.prompts import read_prompts

    if options.prompts is None:
        return (read_text(options.prompt),)
    found = read_prompts(options.prompts, column=options.csv_column, template=options.template, model=model)
    if found.left_out:
        print(found.left_out, file=sys.stderr)
    return found.prompts


def _columns(options: argparse.Namespace) -> tuple[Column, ...]:
    from gptdesk.compare.columns import checkpoint_columns, preset_values, read_column, with_own_labels

    values: dict[str, Any] = preset_values(options.preset) if options.preset else {}
    values |= given_settings(options)
    values.pop("seed", None)
    folders = Folders.of_this_user()
    own = {"device": options.device, "precision": options.precision}
    columns = [read_column(text, values, folders, **own) for text in options.column]
    if options.run_folder is not None:
        steps = [step for step in options.steps.split(",") if step.strip()]
        columns += checkpoint_columns(options.run_folder, steps, values, **own)
    return with_own_labels(columns)


def _check_exports(paths: Sequence[Path], suffixes: Sequence[str]) -> None:
    """Refuses, before anything is computed, what could not be written in the end."""
    for path in paths:
        if path.suffix.lower() not in suffixes:
            raise UserError(f"{path.name} must end with {', '.join(suffixes[:-1])} or {suffixes[-1]}.")
        if not path.absolute().parent.is_dir():
            raise UserError(f"The folder {path.absolute().parent} does not exist.")


def _print(results: Results, prompt: int) -> None:
    from gptdesk.compare.export.text import prompt_lines

    sys.stdout.writelines(prompt_lines(results, prompt))
    sys.stdout.flush()


def _compute(comparison: Comparison, interrupted: Callable[[], bool], show: Callable[[Results, int], None]) -> None:
    """Computes the cells and shows those of a prompt as soon as all are there."""
    from gptdesk.compare.comparison import CellReady, ColumnFailed, Loading, Notice, Waiting

    results = comparison.results
    total = len(results.prompts) * len(results.columns)
    bar = ProgressBar("compare")
    printed = 0
    for event in comparison.run(interrupted):
        label = "" if isinstance(event, Notice) else results.columns[event.column].label
        match event:
            case Notice(message):
                bar.end()
                print(message, file=sys.stderr)
            case ColumnFailed(_, message):
                bar.end()
                print(f"{label}: {message}", file=sys.stderr)
            case Loading():
                bar.show(len(results.cells), total, f"{label} is loaded", now=True)
            case Waiting():
                bar.show(len(results.cells), total, "the code that decodes is compiled", now=True)
            case CellReady():
                bar.show(len(results.cells), total, label)
                while printed < len(results.prompts) and results.is_whole(printed):
                    bar.end()
                    show(results, printed)
                    printed += 1
    bar.end()
    for prompt in range(printed, len(results.prompts)):
        if results.row(prompt):
            show(results, prompt)


def _export(results: Results, paths: Sequence[Path]) -> None:
    from gptdesk.compare.export.formats import WRITERS

    for path in paths:
        try:
            write_bytes(path, WRITERS[path.suffix.lower()](results))
        except OSError as error:
            raise UserError(f"{path} cannot be written ({error.strerror or error}).") from error
