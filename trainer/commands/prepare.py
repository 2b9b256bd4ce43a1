"""``trainer prepare``: text in, token shards out."""

from __future__ import annotations

import argparse
from pathlib import Path

from trainer.prepare import Progress, prepare


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("prepare", help="turn text files into token shards")
    parser.add_argument("sources", nargs="+", type=Path, help="text files (plain, .gz, .xz) or folders of them")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--val", nargs="+", type=Path, default=[], help="text files that are the validation split")
    parser.add_argument("--val-share", type=float, default=0.01, help="else: share of documents that are (0.01)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    last = 0.0

    def show(progress: Progress) -> None:
        nonlocal last
        if progress.seconds - last >= 1:
            last = progress.seconds
            speed = progress.tokens / progress.seconds
            print(f"{progress.documents:,} documents, {progress.tokens:,} tokens, {speed:,.0f} tokens/s", flush=True)

    manifest = prepare(args.sources, args.out, validation=args.val, validation_share=args.val_share, progress=show)
    for split, summary in manifest["splits"].items():
        print(f"{split}: {summary['documents']:,} documents, {summary['tokens']:,} tokens")
