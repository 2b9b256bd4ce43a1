"""``trainer tokenizer``: makes a tokenizer from text, or measures which vocabulary would suit it."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from gptdesk.errors import UserError
from gptdesk.gpt2.chat_template import DEFAULT_TEMPLATE, TEMPLATES
from gptdesk.number_format import size
from trainer.commands import CANCELLED, TERMINATED
from trainer.commands.termination import Terminated, raised_at_termination
from trainer.prepare.sources.names import absolute_source
from trainer.prepare.tokenizer_training.measure import Densities, measure
from trainer.prepare.tokenizer_training.train import (
    BPE,
    KINDS,
    LARGEST_TEXT,
    MERGE,
    MadeTokenizer,
    TokenizerProgress,
    TokenizerRequest,
    make_tokenizer,
)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "tokenizer",
        help="make a tokenizer from text",
        description="Makes a tokenizer and writes it as Hugging Face's libraries read it. `trainer prepare "
        "--tokenizer` uses it; a model trained on that data brings it along.",
    )
    parser.add_argument("sources", nargs="*", metavar="SOURCE", help="text to make it from, as for `trainer prepare`")
    parser.add_argument("--out", type=Path, help="folder to write")
    parser.add_argument(
        "--measure",
        action="store_true",
        help="make nothing; show how many bytes of the text's beginning a token of each vocabulary stands for",
    )
    parser.add_argument("--json", action="store_true", help="with --measure: as JSON")
    parser.add_argument(
        "--kind",
        choices=KINDS,
        default=BPE,
        help="; ".join(f"{kind}: {what}" for kind, what in KINDS.items()) + f" ({BPE})",
    )
    parser.add_argument(
        "--vocab-size", type=int, default=0, metavar="N", help="bpe: number of tokens, the end of text among them"
    )
    parser.add_argument(
        "--column", default="text", help='field or column that holds the text ("text"; in tables the obvious choice)'
    )
    parser.add_argument(
        "--template",
        choices=TEMPLATES,
        default=DEFAULT_TEMPLATE,
        help=f"how conversations and instructions become text, as for `trainer prepare` ({DEFAULT_TEMPLATE})",
    )
    parser.add_argument(
        "--largest-text", type=int, default=LARGEST_TEXT, metavar="BYTES", help=f"text to read ({LARGEST_TEXT:,})"
    )
    parser.add_argument("--events", action="store_true", help="report progress as JSON lines instead of text")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Makes the tokenizer; an interruption ends the process with 130 or 143 and leaves nothing.

    Raises:
        UserError: when it cannot be made.
    """
    if args.measure:
        _measure(args)
        return
    if args.out is None:
        raise UserError("Name the folder to write with --out.")
    request = TokenizerRequest(
        sources=tuple(map(absolute_source, args.sources)),
        kind=args.kind,
        vocab_size=args.vocab_size,
        column=args.column,
        template=args.template,
        largest_text=args.largest_text,
    )
    show = _show_event if args.events else _Line()
    with raised_at_termination():
        try:
            made = make_tokenizer(request, args.out.expanduser(), progress=show)
        except (KeyboardInterrupt, Terminated) as stop:
            print(json.dumps({"event": "stopped"}) if args.events else "\nStopped; nothing was written.", flush=True)
            # The library may still be learning in its thread, and Python's orderly end would abort in the middle of it.
            os._exit(TERMINATED if isinstance(stop, Terminated) else CANCELLED)
    if args.events:
        print(json.dumps({"event": "finished"} | asdict(made) | {"folder": str(made.folder)}), flush=True)
        return
    if isinstance(show, _Line):
        show.end()
    print(_sentence(made, request))
    if made.broken:
        print(made.broken)


def _measure(args: argparse.Namespace) -> None:
    if not args.sources:
        raise UserError("Name the text to measure.")
    found = measure([absolute_source(name) for name in args.sources], column=args.column, template=args.template)
    if args.json:
        print(json.dumps(asdict(found)), flush=True)
        return
    print(_measured_on(found))
    for each in found.vocabularies:
        print(f"{each.kind:>12}{each.vocab_size:>9,} tokens{each.bytes_per_token:>7.2f} bytes per token")


def _measured_on(found: Densities) -> str:
    return f"On {'all' if found.whole else 'the first'} {size(found.sample_bytes)} of the text:"


def _sentence(made: MadeTokenizer, request: TokenizerRequest) -> str:
    fewer = f"; the text gives no more than these of {request.vocab_size:,}" if _is_fewer(made, request) else ""
    read = f", from {size(made.text_bytes)} of text, {made.bytes_per_token:.2f} bytes per token"
    return f"{made.folder}: {made.vocab_size:,} tokens{read * bool(made.text_bytes)}{fewer}"


def _is_fewer(made: MadeTokenizer, request: TokenizerRequest) -> bool:
    return request.kind == BPE and made.vocab_size < request.vocab_size


def _show_event(now: TokenizerProgress) -> None:
    print(json.dumps({"event": "progress", **asdict(now)}), flush=True)


class _Line:
    """A progress line, rewritten in place; only in a terminal."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._width = 0

    def __call__(self, now: TokenizerProgress) -> None:
        if not self._terminal:
            return
        share = now.bytes / now.bytes_total if now.bytes_total else 1.0
        what = "learning merges" if now.phase == MERGE else f"reading, {size(now.text_bytes)} of text"
        line = f"{share:6.1%}  {what}"
        print("\r" + line.ljust(self._width), end="", flush=True)
        self._width = len(line)

    def end(self) -> None:
        if self._width:
            print(flush=True)
