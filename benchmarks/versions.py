"""How fast a CPU decodes and reads prompts with this version and with another one, taking turns.

    git worktree add /tmp/other COMMIT
    python -m benchmarks.versions --other /tmp/other [--turns N] [--threads N ...] [--precision NAME ...] [--json OUT]

The other version measures itself by its own `benchmarks.worker`, with GPT-2 124M of random weights. What is measured,
and how, is told in `benchmarks.decode`; that the other version may not keep one thread to one core is its own matter.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.decode import SECONDS, measure_speed, random_model
from benchmarks.decode_report import ratio, turns
from benchmarks.machine import describe_machine, hand_over, report_parser
from benchmarks.peer_files import OTHER_VERSION, Spec
from gptdesk.devices import physical_cores

PRECISIONS: Final = ("float32", "bfloat16", "int8", "int4")
CONTEXTS: Final = (32, 900)


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark and returns the exit code."""
    parser = report_parser(__doc__)
    parser.add_argument("--other", type=Path, required=True, help="folder with the other version")
    parser.add_argument("--turns", type=int, default=15, help="of each version (15)")
    parser.add_argument("--threads", type=int, nargs="+", default=[physical_cores()], help=f"({physical_cores()})")
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=PRECISIONS, help="(all)")
    args = parser.parse_args(argv)
    model, other = random_model(), args.other.absolute()
    report: dict[str, Any] = {
        "benchmark": "versions",
        "machine": describe_machine("numba", "numpy"),
        "other": _commit(other),
        **measure_speed(
            [Spec("ours", name, model, checkout) for name in args.precision for checkout in (None, other)],
            threads=args.threads,
            contexts=list(CONTEXTS),
            turns=args.turns,
            seconds=SECONDS,
            tokens=16,
            from_memory=False,
            say=lambda text: print(text, file=sys.stderr, flush=True),
        ),
    }
    hand_over(report, as_table(report), args.json)
    return 0


def _commit(folder: Path) -> dict[str, str]:
    """Name and day (UTC) of the commit that is checked out."""
    command = ["git", "-C", str(folder), "show", "-s", "--format=%h %as"]
    name, date = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return {"commit": name, "date": date}


def as_table(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    other, others = report["other"], report["cores_of_others"]
    lines = [
        ", ".join(f"{name} {value}" for name, value in report["machine"].items()),
        f"other programs took {min(others)} to {max(others)} cores (median {median(others):.2f})",
        "",
        f"| | threads | {other['commit']} ({other['date']}) | this version | this over that |",
        "| --- | --- | --- | --- | --- |",
    ]
    said = {
        "decode": "decoding, context {}, tokens/s",
        "prefill": "prompt of {}, tokens/s",
        "first token": "prompt of {}, ms",
    }
    for row in report["speed"]:
        name, what, threads, tokens = (row[key] for key in ("name", "what", "threads", "tokens"))
        other_name = name + OTHER_VERSION
        share = ratio(report, name, other_name, what, threads, tokens)
        if share is not None:
            unit = 1000 if what == "first token" else 1
            then, now = (unit * median(turns(report, one, what, threads, tokens)) for one in (other_name, name))
            lines.append(f"| {name}, {said[what].format(tokens)} | {threads} | {then:.1f} | {now:.1f} | {share:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
