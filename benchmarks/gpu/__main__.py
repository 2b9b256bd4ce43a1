"""Runs and measures everything that needs a GPU, in under nine minutes, most important first.

    python -m benchmarks.gpu [--out FOLDER] [--minutes M] [--only NAME ...] [--train DATA [--section.key value ...]]
                             [--json FILE] [--tiny --device cpu]

Each section is a process of its own that is ended at its limit, so that one that hangs costs only itself; what it had
found by then counts. After each, report.json and report.md in the output folder hold everything so far; NAME.log is
what a section printed that came to no good end. `--train DATA` also trains the bundled model's shape on prepared data,
with settings as the trainer takes them; with the same output folder a second call resumes that. Needed are torch with
CUDA, the packages that gptdesk's command line needs, `transformers`, and for the tests pytest and hypothesis; no Qt.
What is missing is named in the report. `--tiny --device cpu` goes through all of it on a CPU with sizes that mean
nothing.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.gpu.card_tests import ROOT
from benchmarks.gpu.options import Options
from benchmarks.gpu.sections import SECTIONS, Section
from benchmarks.machine import describe_machine, hand_over, report_parser
from gptdesk.files import read_json, write_bytes, write_json

MINUTES: Final = 8.75
_LEAST_SECONDS: Final = 15.0
"""A section that would get less is not begun."""

_LOG_KEPT: Final = 8000
"""Characters from the end of a log that the report holds, where a section came to no good end."""


def run_section(section: Section, options: Options) -> dict[str, Any]:
    """Runs a section in a process of its own.

    Returns:
        ``name``, ``state`` (a sentence, or "done"), ``seconds``, and what it found in ``values``.
    """
    if missing := section.missing():
        return {"name": section.name, "state": f"Left out: {', '.join(missing)} is not installed.", "values": {}}
    log, found = options.out / f"{section.name}.log", options.out / f"{section.name}.part.json"
    found.unlink(missing_ok=True)
    command = [sys.executable, "-m", "benchmarks.gpu", "--run", section.name, "--out", str(options.out)]
    command += ["--device", options.device, "--seconds", str(options.seconds), *(["--tiny"] if options.tiny else [])]
    command += ["--train", str(options.train)] if options.train else []
    began, state = time.monotonic(), "done"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [*command, *options.flags], cwd=ROOT, stdout=output, stderr=output, start_new_session=True
        )
        try:
            if process.wait(options.seconds):
                state = f"Failed with status {process.returncode}: {_last_line(log)}"
        except subprocess.TimeoutExpired:
            state = f"Ended at its limit of {options.seconds:.0f} s."
        finally:
            _end(process)
    values = read_json(found) or {}
    found.unlink(missing_ok=True)
    result = {"name": section.name, "state": state, "seconds": round(time.monotonic() - began, 1), "values": values}
    if state == "done":
        log.unlink()
        return result
    return result | {"log": log.read_text(encoding="utf-8", errors="replace")[-_LOG_KEPT:]}


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a section and whatever it has started."""
    if process.poll() is None:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "it printed nothing."


def as_document(report: dict[str, Any]) -> str:
    """The whole report as Markdown."""
    lines = [f"# GPU, {report['date']}", ", ".join(f"{name} {value}" for name, value in report["machine"].items())]
    if report["tiny"]:
        lines.append("**A tiny run, which only shows that everything works: its figures mean nothing.**")
    if report["must_reach"]:
        table = ["| | aim | figure | |", "| --- | --- | --- | --- |"]
        for goal in report["must_reach"]:
            verdict = "reached" if goal["reached"] else "**missed**"
            table.append(f"| {goal['what']} | {goal['aim']} | {goal['figure']} | {verdict} |")
        lines.append("\n".join(table))
    for found in report["sections"]:
        section = _section(found["name"])
        lines.append(f"## {section.title}")
        if found["state"] != "done":
            lines.append(found["state"])
        if found["values"]:
            lines.append(section.as_table(found["values"]))
    return "\n\n".join(lines) + "\n"


def _section(name: str) -> Section:
    return next(section for section in SECTIONS if section.name == name)


def _write(report: dict[str, Any], out: Path) -> None:
    """Writes both files, whole or not at all."""
    done = [(_section(found["name"]), found["values"]) for found in report["sections"] if found["values"]]
    report["must_reach"] = [goal for section, values in done for goal in section.goals(values)]
    write_json(out / "report.json", report)
    write_bytes(out / "report.md", as_document(report).encode())


def _parse(argv: list[str] | None) -> tuple[argparse.Namespace, list[str]]:
    parser = report_parser(__doc__)
    parser.allow_abbrev = False
    parser.add_argument("--out", type=Path, default=Path("gpu-report"), help="folder of the report (gpu-report)")
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"for everything ({MINUTES:g})")
    names = [section.name for section in SECTIONS]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--train", type=Path, metavar="DATA", help="also train the bundled model on prepared data")
    parser.add_argument("--device", default="cuda", help="(cuda)")
    parser.add_argument("--tiny", action="store_true", help="sizes that mean nothing, to try everything out")
    parser.add_argument("--run", choices=names, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=0.0, help=argparse.SUPPRESS)
    args, flags = parser.parse_known_args(argv)
    if flags and not args.train:
        parser.error(f"unrecognized arguments: {' '.join(flags)}")
    return args, flags


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark and returns the exit code: 1 if a section failed."""
    args, flags = _parse(argv)
    if args.device != "cpu" and not _has_cuda():
        print("There is no CUDA here: this needs an NVIDIA card and a build of torch for it.", file=sys.stderr)
        return 2
    args.out.mkdir(parents=True, exist_ok=True)
    options = Options(args.device, args.tiny, args.out.absolute(), args.seconds, args.train, tuple(flags))
    if args.run:
        part = options.out / f"{args.run}.part.json"
        _section(args.run).measure(options, lambda values: write_json(part, values))
        return 0
    report = {
        "benchmark": "gpu",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine("torch") | {"device": _device_name(args.device)},
        "tiny": args.tiny,
        "sections": [],
    }
    _run_all(report, options, args)
    hand_over(report, as_document(report), args.json)
    return int(any(found["state"] != "done" for found in report["sections"]))


def _run_all(report: dict[str, Any], options: Options, args: argparse.Namespace) -> None:
    """Runs the sections that are asked for, within the time for everything, and writes the report after each."""
    end = time.monotonic() + 60 * args.minutes
    for section in SECTIONS:
        if (args.only and section.name not in args.only) or (section.name == "bundled" and not args.train):
            continue
        left = end - time.monotonic()
        if left < _LEAST_SECONDS:
            found = {"name": section.name, "state": "Not begun: the time was up.", "values": {}}
        else:
            print(f"-- {section.name}", file=sys.stderr, flush=True)
            told = Options(
                options.device, options.tiny, options.out, min(section.seconds, left), options.train, options.flags
            )
            found = run_section(section, told)
        report["sections"].append(found)
        _write(report, options.out)


def _has_cuda() -> bool:
    try:
        import torch
    except ImportError:
        return False
    return torch.cuda.is_available()


def _device_name(device: str) -> str:
    if device == "cpu":
        return "cpu"
    import torch

    return torch.cuda.get_device_name(device)


if __name__ == "__main__":
    sys.exit(main())
