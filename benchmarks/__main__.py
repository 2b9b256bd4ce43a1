"""Runs the benchmarks of speed one after the other and writes their figures to benchmarks/RESULTS.md.

    python -m benchmarks [--quick] [--only NAME ...] [--text FILE [--text-tokens N]] [--xl] [--keep FOLDER]
                         [--other FOLDER] [--out FILE]

Each is a process of its own that hands its figures over as JSON. `--quick` measures little: it shows that everything
works, and its figures mean nothing. What is in benchmarks/NOTES.md is taken over at the end as it stands. Half an hour
of use is measured only when it is asked for, before or after the others: `--only soak --keep FOLDER`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.goals import Reports, as_table, find_goals
from benchmarks.machine import describe_machine
from gptdesk.devices import physical_cores

_HERE: Final = Path(__file__).parent
RESULTS: Final = _HERE / "RESULTS.md"
NOTES: Final = _HERE / "NOTES.md"
_HOW_TO_READ: Final = """\
Contenders take turns, and figures are medians. Read the ratios: absolute figures differ from machine to machine and
from hour to hour. Each table says how many cores other programs took meanwhile.
"""


@dataclass(frozen=True)
class Benchmark:
    """One of them.

    Attributes:
        name: for people and files.
        title: of its section.
        module: that is run.
        arguments: for it, always.
        quick: for it when little is to be measured.
        usual: whether it is run when none is asked for by name.
    """

    name: str
    title: str
    module: str
    arguments: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    usual: bool = True

    @property
    def installed(self) -> bool:
        return importlib.util.find_spec(self.module) is not None


BENCHMARKS: Final = (
    Benchmark(
        "decode", "Decoding on a CPU", "benchmarks.decode", quick=("--turns", "1", "--seconds", "0", "--tokens", "4")
    ),
    Benchmark(
        "loading-xl",
        "Loading gpt2-xl",
        "benchmarks.decode",
        ("--xl", "--loading-only", "--only", "ours int8"),
        ("--turns", "1"),
        usual=False,
    ),
    Benchmark("decode-again", "Decoding a second time", "benchmarks.decode_again", quick=("--turns", "1"), usual=False),
    Benchmark("versions", "Beside an earlier version", "benchmarks.versions", quick=("--turns", "1"), usual=False),
    Benchmark("sampling", "Sampling", "benchmarks.sampling", quick=("--quick",)),
    Benchmark("gpu", "GPU", "benchmarks.gpu", quick=("--tiny",)),
    Benchmark("startup", "Start of the window", "benchmarks.startup", quick=("--turns", "2")),
    Benchmark(
        "responsiveness", "The window while a model writes", "benchmarks.responsiveness", quick=("--seconds", "2")
    ),
    Benchmark(
        "soak", "Half an hour of use", "benchmarks.soak", quick=("--minutes", "1", "--completions", "300"), usual=False
    ),
    Benchmark("train", "The training step", "benchmarks.train", quick=("--turns", "1", "--steps", "1")),
)


def measure(benchmark: Benchmark, folder: Path, *, quick: bool, more: list[str]) -> str | None:
    """Runs a benchmark unless its report is in ``folder`` already; returns why it did not come to its end, if so."""
    report, table = folder / f"{benchmark.name}.json", folder / f"{benchmark.name}.md"
    if report.exists():
        return None
    arguments = [*benchmark.arguments, *(benchmark.quick if quick else ()), *more]
    print(f"-- {benchmark.module} {' '.join(arguments)}", file=sys.stderr, flush=True)
    unfinished = report.with_suffix(".part")
    command = [sys.executable, "-m", benchmark.module, *arguments, "--json", str(unfinished)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode or not unfinished.exists():
        return f"It ended with status {done.returncode}."
    shown = [Path(argument).name if os.sep in argument else argument for argument in arguments]
    heading = f"`python -m {benchmark.module} {' '.join(shown)}`".replace(" `", "`")
    table.write_text(f"{heading}\n\n{_fenced(done.stdout.strip())}\n")
    unfinished.replace(report)
    return None


def _fenced(text: str) -> str:
    """Markdown as it is, other text as it was printed."""
    return text if "| --- |" in text else f"```\n{text}\n```"


def as_document(folder: Path, failed: dict[str, str], *, quick: bool) -> str:
    """The whole file, of the reports in ``folder``."""
    reports: Reports = {}
    sections = []
    for benchmark in BENCHMARKS:
        report, table = folder / f"{benchmark.name}.json", folder / f"{benchmark.name}.md"
        if report.exists():
            reports[benchmark.name] = json.loads(report.read_text())
            text = table.read_text().strip() if table.exists() else f"Measured by `python -m {benchmark.module}`."
        elif benchmark.name in failed:
            text = f"Not measured. {failed[benchmark.name]}"
        else:
            continue
        sections.append(f"## {benchmark.title}\n\n{text}\n")
    machine = describe_machine("torch", "numba", "numpy", "PySide6_Essentials")
    about = ", ".join(f"{name} {value}" for name, value in machine.items())
    parts = [
        "# Results\n",
        f"Written by `python -m benchmarks`, {datetime.now(UTC):%Y-%m-%d}.\n\n{about}; {physical_cores()} cores.\n",
    ]
    if quick:
        parts.append("**A quick run, which only shows that everything works: its figures mean nothing.**\n")
    parts += [
        _HOW_TO_READ,
        f"## Must reach\n\n{as_table(find_goals(reports))}\n",
        *sections,
    ]
    if NOTES.exists():
        parts.append(NOTES.read_text().strip() + "\n")
    return "\n".join(parts)


def main(argv: list[str] | None = None) -> int:
    """Runs them and returns the exit code: 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="measure little")
    parser.add_argument("--only", nargs="+", choices=[one.name for one in BENCHMARKS], help="these alone")
    parser.add_argument(
        "--text", type=Path, help="whose perplexity is measured in each precision, with the bundled model"
    )
    parser.add_argument("--text-tokens", type=int, default=16_384, help="of the text that are scored (16,384)")
    parser.add_argument("--xl", action="store_true", help="also load a gpt2-xl (3 GB of disk, 10 GB of memory)")
    parser.add_argument("--other", type=Path, metavar="FOLDER", help="with another version, for `--only versions`")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="for reports; what is there is not measured again")
    parser.add_argument("--out", type=Path, default=RESULTS, help=f"({RESULTS.name} beside the benchmarks)")
    args = parser.parse_args(argv)
    failed = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for benchmark in BENCHMARKS:
            usual = benchmark.usual or (args.xl and benchmark.name == "loading-xl")
            asked_for = benchmark.name in args.only if args.only else usual
            if not asked_for or not benchmark.installed or (benchmark.name == "gpu" and not _has_cuda()):
                continue
            scored = ["--text", str(args.text), "--text-tokens", str(args.text_tokens)]
            more = scored if args.text and benchmark.name == "decode" else []
            if benchmark.name == "decode-again":
                more = ["--first", str(folder / "decode.json")]
            if benchmark.name == "versions" and args.other:
                more = ["--other", str(args.other)]
            problem = measure(benchmark, folder, quick=args.quick, more=more)
            if problem:
                failed[benchmark.name] = problem
        args.out.write_text(as_document(folder, failed, quick=args.quick), encoding="utf-8")
    print(f"Written to {args.out}.")
    return 1 if failed else 0


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


if __name__ == "__main__":
    sys.exit(main())
