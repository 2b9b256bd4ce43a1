"""Whether a second run of `benchmarks.decode` gives the ratios of the first.

    python -m benchmarks.decode_again --first FILE [--turns N] [--threads N ...] [--json OUT]

The first run's report says which contenders and settings are measured again, with GPT-2 124M of random weights.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.decode import measure_speed, random_model
from benchmarks.decode_report import compared_ratios
from benchmarks.machine import describe_machine, hand_over, report_parser
from benchmarks.peer_files import PEERS, list_contenders


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark and returns the exit code."""
    parser = report_parser(__doc__)
    parser.add_argument("--first", type=Path, required=True, help="report of benchmarks.decode")
    parser.add_argument("--turns", type=int, help="of each contender (as many as in the first run)")
    parser.add_argument("--threads", type=int, nargs="+", help="of the first run's numbers these alone (all)")
    args = parser.parse_args(argv)
    first = json.loads(args.first.read_text())

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    rows = first["speed"]
    names = {row["name"] for row in rows}
    report: dict[str, Any] = {
        "benchmark": "decode-again",
        "machine": describe_machine("numba", "numpy"),
        **measure_speed(
            [spec for spec in list_contenders(random_model(), peers=PEERS, say=say) if spec.name in names],
            threads=sorted({row["threads"] for row in rows if not args.threads or row["threads"] in args.threads}),
            contexts=sorted({row["tokens"] for row in rows if row["what"] == "decode"}),
            turns=args.turns or len(rows[0]["turns"]),
            seconds=first["seconds"],
            tokens=first["tokens"],
            from_memory=first.get("from_memory", False),
            say=say,
        ),
    }
    hand_over(report, as_table(first, report), args.json)
    return 0


def as_table(first: dict[str, Any], again: dict[str, Any]) -> str:
    """The ratios of both runs as Markdown."""
    before, after = compared_ratios(first), compared_ratios(again)
    lines = ["| ratio | first run | second run | difference |", "| --- | --- | --- | --- |"]
    for what, ratio in before.items():
        if what in after:
            lines.append(f"| {what} | {ratio:.2f} | {after[what]:.2f} | {after[what] / ratio - 1:+.0%} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
