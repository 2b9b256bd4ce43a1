"""``trainer prepare``: turns text into token shards."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from gptdesk.errors import UserError, brief
from gptdesk.gpt2.chat_template import DEFAULT_TEMPLATE, TEMPLATES
from trainer.commands import CANCELLED, TERMINATED
from trainer.commands.termination import Terminated, raised_at_termination
from trainer.prepare import SHARD_TOKENS, UNIT_BYTES, Estimate, Plan, Request, WorkOptions, estimate, prepare
from trainer.prepare.console import EventReport, TextReport, estimate_sentence
from trainer.prepare.encoding.worker import FEW_DOCUMENTS
from trainer.prepare.estimate import require_room
from trainer.prepare.formats import COMPRESSIONS, FORMATS, formats_text
from trainer.prepare.own_tokenizer import require_possible
from trainer.prepare.plan import DEFAULT_SHARE, PLAN
from trainer.prepare.progress_file import PROGRESS
from trainer.prepare.sections import DOWNLOADS_AHEAD
from trainer.prepare.sources.bundled import BUNDLED_TEXTS
from trainer.prepare.sources.hub import SHORT_NAMES
from trainer.prepare.sources.names import absolute_source
from trainer.prepare.tokenizer_training.train import KINDS, is_learning

_SOURCES = f"""what to read: {formats_text()};
text, JSON, tables and HTML also compressed ({", ".join(COMPRESSIONS)}); folders of these; the text that ships with the
program: {", ".join(BUNDLED_TEXTS)}; or data sets of the Hugging Face hub:
{", ".join(SHORT_NAMES)}, or owner/name[@revision][:subfolder]"""


_BULK = " and ".join(format.label for format in FORMATS.values() if format.bulk)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "prepare",
        help="turn text into token shards",
        description="Turns text into token shards. It can be stopped at any moment; the same command then resumes. "
        f"The file {PROGRESS} in the output folder shows the progress.",
    )
    for add_flags in (_add_text_flags, _add_result_flags, _add_work_flags, _add_report_flags):
        add_flags(parser)
    parser.set_defaults(run=run)


def _add_text_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("text")
    group.add_argument("sources", nargs="+", metavar="SOURCE", help=_SOURCES)
    group.add_argument(
        "--val", nargs="+", default=[], metavar="SOURCE", help="files, folders or data sets for validation (see SOURCE)"
    )
    group.add_argument(
        "--val-share",
        type=float,
        default=DEFAULT_SHARE,
        help=f"without --val: share of the documents to hold out for validation ({DEFAULT_SHARE}); where that "
        f"finds fewer than {FEW_DOCUMENTS}, the last tenth of the text is held out; 0: no validation",
    )
    group.add_argument(
        "--column",
        default="text",
        help='field or column that holds the text ("text"; in tables without one, the obvious choice)',
    )
    group.add_argument(
        "--template",
        choices=TEMPLATES,
        default=DEFAULT_TEMPLATE,
        help="how conversations and instructions become text: "
        + "; ".join(f"{template.name} ({template.label})" for template in TEMPLATES.values())
        + f" ({DEFAULT_TEMPLATE})",
    )
    group.add_argument(
        "--weight",
        action="append",
        default=[],
        metavar="SOURCE=NUMBER",
        help="how often the training text of a source, named as above, is in the result: 2 for twice, 0.5 for a random "
        "half of its documents (1); may be given for several sources",
    )


def _add_result_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("result")
    group.add_argument("--out", type=Path, required=True, help="folder to write")
    group.add_argument(
        "--tokenizer",
        type=Path,
        metavar="FOLDER",
        help="folder with a tokenizer's files, as `trainer tokenizer` writes it, or of a model (GPT-2's tokenizer)",
    )
    group.add_argument(
        "--vocabulary",
        choices=KINDS,
        default="",
        help="make the tokenizer from the text first, as `trainer tokenizer --kind` does",
    )
    group.add_argument("--vocab-size", type=int, default=0, metavar="N", help="with --vocabulary bpe: number of tokens")
    group.add_argument(
        "--learn-prompts",
        action="store_true",
        help="train on all of a record, prompts too, not only on what the model is to write",
    )
    group.add_argument("--seed", type=int, default=0, help="seed of the order of documents (0)")
    group.add_argument("--shard-tokens", type=int, default=SHARD_TOKENS, help=f"tokens in a shard ({SHARD_TOKENS:,})")


def _add_work_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("processing")
    group.add_argument(
        "--workers",
        type=int,
        default=_cores(),
        help=f"number of worker processes ({_cores()}, the cores of this computer)",
    )
    group.add_argument(
        "--strict",
        action="store_true",
        help="stop at broken input, and at text that is not UTF-8, instead of leaving it out",
    )
    group.add_argument("--keep-downloads", action="store_true", help="keep downloaded files once they are encoded")
    group.add_argument(
        "--delete-sources",
        action="store_true",
        help=f"also delete local {_BULK} sources once they are encoded",
    )
    group.add_argument(
        "--unit-bytes", type=int, default=UNIT_BYTES, help=f"text that a worker takes at a time ({UNIT_BYTES:,})"
    )


def _add_report_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("reports")
    group.add_argument("--plan", action="store_true", help="show files, tokens and disk space needed, and do nothing")
    group.add_argument("--json", action="store_true", help="with --plan: as JSON")
    group.add_argument("--events", action="store_true", help="report progress as JSON lines instead of text")


def run(args: argparse.Namespace) -> None:
    """Plans and prepares, as the arguments say.

    Raises:
        UserError: when that cannot be done.
        SystemExit: with 130 or 143 when it was interrupted.
    """
    if args.workers < 1:
        raise UserError(f"--workers must be 1 or more, not {args.workers}.")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files may hold what it cannot show
    report = EventReport() if args.events else TextReport()
    folder = args.out.absolute()
    try:
        with raised_at_termination():
            _prepare(args, folder, report)
    except UserError as error:
        report.failed(error)
        raise
    except (KeyboardInterrupt, Terminated) as stop:
        report.stopped(folder)
        code = TERMINATED if isinstance(stop, Terminated) else CANCELLED
        if is_learning():
            sys.stdout.flush()
            os._exit(code)
        raise SystemExit(code) from None


def _prepare(args: argparse.Namespace, folder: Path, report: EventReport | TextReport) -> None:
    request = _request(args)
    options = WorkOptions(
        workers=args.workers,
        strict=args.strict,
        keep_downloads=args.keep_downloads,
        delete_sources=args.delete_sources,
    )

    def expected(plan: Plan) -> Estimate:
        return estimate(plan, folder, keep_downloads=options.keep_downloads, downloads_ahead=DOWNLOADS_AHEAD)

    def planned(plan: Plan) -> None:
        ahead = expected(plan)
        if not (folder / PLAN).exists():  # else a part of what is needed is on the disk already
            require_room(ahead, folder)
        report.planned(ahead)

    if args.plan:
        plan = Plan.load(folder / PLAN, request) or Plan.make(request, folder)
        _print_plan(plan, expected(plan), as_json=args.json)
    else:
        report.finished(prepare(request, folder, options, planned=planned, progress=report.progress), folder)


def _request(args: argparse.Namespace) -> Request:
    if args.tokenizer and args.vocabulary:
        raise UserError("--tokenizer names a tokenizer and --vocabulary makes one; give one of them.")
    if args.vocab_size and not args.vocabulary:
        raise UserError("--vocab-size goes with --vocabulary bpe.")
    request = Request(
        sources=tuple(map(absolute_source, args.sources)),
        validation=tuple(map(absolute_source, args.val)),
        weights=_weights(args.weight, args.sources),
        tokenizer_folder=str(args.tokenizer.expanduser().absolute()) if args.tokenizer else "",
        vocabulary=args.vocabulary,
        vocab_size=args.vocab_size,
        validation_share=args.val_share,
        seed=args.seed,
        column=args.column,
        template=args.template,
        learn_prompts=args.learn_prompts,
        unit_bytes=args.unit_bytes,
        shard_tokens=args.shard_tokens,
    )
    require_possible(request)
    return request


def _weights(given: Sequence[str], sources: Sequence[str]) -> tuple[float, ...]:
    """The weight of each source; empty where none is given.

    Raises:
        UserError: for a name that is none of the sources, or a weight that is no number.
    """
    weights = dict.fromkeys(sources, 1.0)
    for text in given:
        name, equals, number = text.rpartition("=")
        if not equals:
            raise UserError(f"--weight is given as SOURCE=NUMBER, not {brief(text)}.")
        if name not in weights:
            raise UserError(
                f"--weight names {brief(name)}, which is none of the sources; they are {', '.join(weights)}."
            )
        try:
            weights[name] = float(number)
        except ValueError:
            raise UserError(f"The weight of {name} must be a number, not {brief(number)}.") from None
    return tuple(weights[source] for source in sources) if given else ()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _print_plan(plan: Plan, expected: Estimate, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(expected.to_json() | {"list": [file.for_manifest() for file in plan.files]}))
        return
    for file in plan.files:
        print(f"{file.bytes:>15,}  {file.name}")
    revisions = {(file.hub.repo, file.hub.revision) for file in plan.files if file.hub}
    for repo, revision in sorted(revisions):
        print(f"{repo} at commit {revision}")
    print(estimate_sentence(expected))
