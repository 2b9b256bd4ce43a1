"""``trainer prepare``: turns text into token shards."""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, NoReturn

from gptdesk.errors import UserError
from gptdesk.gpt2.chat_template import DEFAULT_TEMPLATE, TEMPLATES
from gptdesk.number_format import counted, duration, size
from trainer.prepare import SHARD_TOKENS, UNIT_BYTES, Estimate, Manner, Plan, Progress, Request, estimate, prepare
from trainer.prepare.encoding.worker import FEW_DOCUMENTS
from trainer.prepare.estimate import require_room
from trainer.prepare.formats import COMPRESSIONS, formats_text
from trainer.prepare.output.manifest import validation_text
from trainer.prepare.plan import DEFAULT_SHARE, PLAN
from trainer.prepare.progress import MERGE
from trainer.prepare.progress_file import PROGRESS
from trainer.prepare.report import account_lines
from trainer.prepare.sections import DOWNLOADS_AHEAD
from trainer.prepare.sources.bundled import BUNDLED_TEXTS
from trainer.prepare.sources.hub import SHORT_NAMES
from trainer.prepare.sources.names import absolute_source

_MOST_SOURCES: Final = 1_000
"""Files in the event of the end; all are in the manifest."""

_SOURCES = f"""what to read: {formats_text()};
text, JSON, tables and HTML also compressed ({", ".join(COMPRESSIONS)}); folders of these; the text that ships with the
program: {", ".join(BUNDLED_TEXTS)}; or data sets of the Hugging Face hub:
{", ".join(SHORT_NAMES)}, or owner/name[@revision][:subfolder]"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "prepare",
        help="turn text into token shards",
        description="Turns text into token shards. It can be stopped at any moment; the same command then resumes. "
        f"The file {PROGRESS} in the output folder shows the progress.",
    )
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help=_SOURCES)
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument(
        "--val", nargs="+", default=[], metavar="SOURCE", help="files, folders or data sets for validation (see SOURCE)"
    )
    parser.add_argument(
        "--val-share",
        type=float,
        default=DEFAULT_SHARE,
        help=f"without --val: share of the documents to hold out for validation ({DEFAULT_SHARE}); where that "
        f"finds fewer than {FEW_DOCUMENTS}, the last tenth of the text is held out; 0: no validation",
    )
    parser.add_argument(
        "--column",
        default="text",
        help='field or column that holds the text ("text"; in tables without one, the obvious choice)',
    )
    parser.add_argument(
        "--template",
        choices=TEMPLATES,
        default=DEFAULT_TEMPLATE,
        help="how conversations and instructions become text: "
        + "; ".join(f"{template.name} ({template.label})" for template in TEMPLATES.values())
        + f" ({DEFAULT_TEMPLATE})",
    )
    parser.add_argument(
        "--learn-prompts",
        action="store_true",
        help="train on all of a record, prompts too, not only on what the model is to write",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the order of documents (0)")
    parser.add_argument(
        "--workers",
        type=int,
        default=_cores(),
        help=f"number of worker processes ({_cores()}, the cores of this computer)",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="stop at broken input, and at text that is not UTF-8, instead of leaving it out",
    )
    parser.add_argument("--keep-downloads", action="store_true", help="keep downloaded files once they are encoded")
    parser.add_argument(
        "--delete-sources",
        action="store_true",
        help="also delete local Parquet sources once they are encoded",
    )
    parser.add_argument("--shard-tokens", type=int, default=SHARD_TOKENS, help=f"tokens in a shard ({SHARD_TOKENS:,})")
    parser.add_argument(
        "--unit-bytes", type=int, default=UNIT_BYTES, help=f"text that a worker takes at a time ({UNIT_BYTES:,})"
    )
    parser.add_argument("--plan", action="store_true", help="show files, tokens and disk space needed, and do nothing")
    parser.add_argument("--json", action="store_true", help="with --plan: as JSON")
    parser.add_argument("--events", action="store_true", help="report progress as JSON lines instead of text")
    parser.set_defaults(run=run)


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
    report = _Events() if args.events else _Text()
    folder = args.out.absolute()
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        request = Request(
            sources=tuple(map(absolute_source, args.sources)),
            validation=tuple(map(absolute_source, args.val)),
            validation_share=args.val_share,
            seed=args.seed,
            column=args.column,
            template=args.template,
            learn_prompts=args.learn_prompts,
            unit_bytes=args.unit_bytes,
            shard_tokens=args.shard_tokens,
        )
        manner = Manner(
            workers=args.workers,
            strict=args.strict,
            keep_downloads=args.keep_downloads,
            delete_sources=args.delete_sources,
        )

        def expected(plan: Plan) -> Estimate:
            return estimate(plan, folder, keep_downloads=manner.keep_downloads, downloads_ahead=DOWNLOADS_AHEAD)

        def planned(plan: Plan) -> None:
            ahead = expected(plan)
            if not (folder / PLAN).exists():  # else a part of what is needed is on the disk already
                require_room(ahead, folder)
            report.planned(ahead)

        if args.plan:
            plan = Plan.load(folder / PLAN, request) or Plan.make(request, folder)
            _print_plan(plan, expected(plan), as_json=args.json)
        else:
            report.finished(prepare(request, folder, manner, planned=planned, progress=report.progress), folder)
    except UserError as error:
        report.failed(error)
        raise
    except (KeyboardInterrupt, _Terminated) as stop:
        report.stopped(folder)
        raise SystemExit(143 if isinstance(stop, _Terminated) else 130) from None
    finally:
        signal.signal(signal.SIGTERM, before)


class _Terminated(BaseException):
    """SIGTERM came."""


def _terminate(_number: int, _frame: Any) -> NoReturn:
    raise _Terminated


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
    print(_sentence(expected))


def _sentence(expected: Estimate) -> str:
    download = f", {size(expected.download_bytes)} to download" if expected.download_bytes else ""
    return (
        f"{counted(expected.files, 'file')}, {size(expected.source_bytes)}{download}; "
        f"about {counted(expected.tokens, 'token')}, {size(expected.result_bytes)}; "
        f"{size(expected.disk_bytes)} of disk while preparing, {size(expected.free_bytes)} free"
    )


class _Text:
    """For a person: one line that is written over in a terminal, a line now and then elsewhere."""

    _SECONDS_BETWEEN_LINES = 5.0

    def __init__(self) -> None:
        self._begun = False
        self._terminal = sys.stdout.isatty()
        self._last = 0.0
        self._width = 0

    def planned(self, expected: Estimate) -> None:
        self._begun = True
        print(_sentence(expected), flush=True)

    def progress(self, now: Progress) -> None:
        if not self._terminal and now.seconds - self._last < self._SECONDS_BETWEEN_LINES:
            return
        self._last = now.seconds
        share = now.bytes / now.bytes_total if now.bytes_total else 1.0
        left = f", {duration(now.seconds_left)} left" if now.seconds_left is not None else ""
        done = f"{counted(now.documents, 'document')}, {counted(now.tokens, 'token')}"
        speed = f"{now.documents_per_s:,.0f} documents/s, {now.tokens_per_s:,.0f} tokens/s"
        what = "merging" if now.phase == MERGE else f"{done}, {speed}"
        loaded = f", {size(now.downloaded)} of {size(now.download_total)} downloaded" if now.download_total else ""
        broken = f", {now.broken:,} broken" if now.broken else ""
        line = f"{share:6.1%}  {what}{loaded}{broken}{left}"
        if self._terminal:
            print("\r" + line.ljust(self._width), end="", flush=True)
            self._width = len(line)
        else:
            print(line, flush=True)

    def finished(self, manifest: dict[str, Any], folder: Path) -> None:
        self._end_line()
        if not self._begun:
            print(f"{folder} holds these sources already; nothing was left to do.")
        for split, summary in manifest["splits"].items():
            print(f"{split}: {counted(summary['documents'], 'document')}, {counted(summary['tokens'], 'token')}")
        if remark := validation_text(manifest):
            print(remark)
        for line in account_lines(manifest):
            print(line)

    def stopped(self, folder: Path) -> None:
        self._end_line()
        print(f"Stopped. What is done stays in {folder}; the same command goes on from there.", flush=True)

    def failed(self, error: UserError) -> None:
        self._end_line()

    def _end_line(self) -> None:
        if self._width:
            print(flush=True)
            self._width = 0


class _Events:
    """For a program: one JSON object a line."""

    def planned(self, expected: Estimate) -> None:
        self._say("plan", expected.to_json())

    def progress(self, now: Progress) -> None:
        self._say("progress", asdict(now))

    def finished(self, manifest: dict[str, Any], folder: Path) -> None:
        splits = {
            split: {"documents": summary["documents"], "tokens": summary["tokens"]}
            for split, summary in manifest["splits"].items()
        }
        sources = manifest["sources"]
        self._say(
            "finished",
            {
                "folder": str(folder),
                "splits": splits,
                "validation": manifest["settings"]["validation"],
                "broken": manifest["broken"],
                "sources": sources[:_MOST_SOURCES],
                "sources_total": len(sources),
            },
        )

    def stopped(self, folder: Path) -> None:
        self._say("stopped", {"folder": str(folder)})

    def failed(self, error: UserError) -> None:
        self._say("failed", {"message": str(error)})

    def _say(self, event: str, values: dict[str, Any]) -> None:
        print(json.dumps({"event": event} | values), flush=True)
