"""What a token costs beyond computing it: in the window that shows it, and for its log-probability and alternatives.

    python -m benchmarks.streaming [--seconds S] [--turns N] [--screen xvfb|offscreen|own] [--json OUT]

With GPT-2 124M (random weights) on a CPU. First the whole window in a process of its own, in which a paragraph of 5,000
tokens grows: the processor time that the GUI thread takes for each token, less what it takes while nothing is
generated, with the token view off and on. Then decoding in int8 with the log-probabilities of ten alternatives of each
token against decoding without; both take turns, after the same prompt.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter, thread_time
from typing import Any, Final

from benchmarks.machine import cores_of_others, hand_over, report_parser
from benchmarks.read_ahead import TEXT, long_paragraph
from benchmarks.responsiveness import OpenedWindow
from benchmarks.screen import SCREENS, best_screen
from benchmarks.window import report_head, window_processes

ALTERNATIVES: Final = 10
THREADS: Final = 2

GOAL_WINDOW_MS: Final = 1.0
"""Of the GUI thread, a token, with the token view on."""

GOAL_SHARE: Final = 0.05
"""Of the time of decoding, for log-probabilities and alternatives."""

_TOKENS: Final = 64
"""Decoded in a turn."""


def measure_window(model: str, seconds: float, turns: int) -> dict[str, list[float]]:
    """Milliseconds of the GUI thread for each token, by turn, with the token view off and on."""
    opened = OpenedWindow(model)
    session, view = opened.playground()
    session.edit(0, 0, long_paragraph())
    found: dict[str, list[float]] = {}
    for name, shown in (("token view off", False), ("token view on", True)):
        opened.services.settings.update(token_view=shown)
        opened.wait(3)  # until the text is read and coloured
        idle = _thread_share(opened, seconds)
        found[name] = []
        for _ in range(turns):
            batches: list[int] = []
            view.generate.trigger()
            session.generation.handle.tokens.connect(lambda events, batches=batches: batches.append(len(events)))
            opened.wait_until(lambda batches=batches: bool(batches))
            batches.clear()
            began, used = perf_counter(), thread_time()
            opened.wait(seconds)
            used, took = thread_time() - used, perf_counter() - began
            found[name].append(1000 * (used - idle * took) / sum(batches))
            session.stop()
            opened.wait_until(lambda: not session.busy)
    opened.close()
    return found


def _thread_share(opened: OpenedWindow, seconds: float) -> float:
    """The share of a core that the GUI thread takes while nothing is generated."""
    began, used = perf_counter(), thread_time()
    opened.wait(seconds)
    return (thread_time() - used) / (perf_counter() - began)


def measure_decoding(model: str, turns: int) -> dict[str, list[float]]:
    """Milliseconds of a decode step, by turn, without and with log-probabilities and alternatives."""
    from gptdesk.folders import Folders
    from gptdesk.inference.engine import Engine
    from gptdesk.inference.sampling.settings import PRESETS

    keep = Folders.of_this_user().quantized
    engine = Engine.load(Path(model), device="cpu", precision="int8", threads=THREADS, keep=keep)
    ids = [(13 * place) % 50_000 for place in range(32)]
    bias = {engine.tokenizer.start_of_text: -100.0}  # all of one length
    settings = replace(PRESETS["Balanced"], max_tokens=_TOKENS + 1, seed=1, logit_bias=bias)
    found: dict[str, list[float]] = {"without": [], "with": []}
    for turn in range(-1, turns):  # the first one wakes threads and caches
        for name, count in (("without", 0), ("with", ALTERNATIVES)):
            events = engine.generate(ids, replace(settings, top_logprobs=count))
            next(events)
            began = perf_counter()
            for _ in range(_TOKENS):
                next(events)
            if turn >= 0:
                found[name].append(1000 * (perf_counter() - began) / _TOKENS)
            events.close()
    return found


def benchmark(model: str, *, seconds: float, turns: int, screen: str) -> dict[str, Any]:
    """Measures both, and returns everything that the report holds."""
    others: list[float] = []
    with window_processes("streaming", screen) as measure, cores_of_others(others):
        window = measure("--seconds", seconds, "--turns", turns, "--window", model)
    with cores_of_others(others):
        decoding = measure_decoding(model, 2 * turns)
    return {
        **report_head("streaming", screen, others),
        "window_ms": window,
        "decoding_ms": decoding,
    }


def as_table(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    lines = [
        f"screen: {report['screen']}; other programs took {median(report['cores_of_others']):.2f} cores (median)",
        "",
        f"| GUI thread, paragraph of {TEXT:,} tokens that grows | ms a token (turns) | aim |",
        "| --- | --- | --- |",
    ]
    for name, values in report["window_ms"].items():
        goal = f"at most {GOAL_WINDOW_MS:g}" if name == "token view on" else ""
        lines.append(f"| {name} | {median(values):.2f} ({min(values):.2f} to {max(values):.2f}) | {goal} |")
    without, told = (report["decoding_ms"][name] for name in ("without", "with"))
    share = median(more / less - 1 for more, less in zip(told, without, strict=True))
    lines += [
        "",
        "| int8 decoding, 2 threads | ms a token | aim |",
        "| --- | --- | --- |",
        f"| without log-probabilities of alternatives | {median(without):.2f} | |",
        f"| with those of {ALTERNATIVES} | {median(told):.2f} ({share:+.1%}) | at most {GOAL_SHARE:+.0%} |",
    ]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark and returns the exit code."""
    parser = report_parser(__doc__)
    parser.add_argument("--seconds", type=float, default=4, help="in a turn of the window (4)")
    parser.add_argument("--turns", type=int, default=5, help="of the window; twice as many of decoding (5)")
    parser.add_argument("--screen", choices=SCREENS, default=best_screen(), help=f"({best_screen()})")
    parser.add_argument("--window", metavar="MODEL", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.window:
        args.json.write_text(json.dumps(measure_window(args.window, args.seconds, args.turns)))
        return 0
    from gptdesk.devices import set_thread_environment

    set_thread_environment()  # as every command does before torch loads
    from benchmarks.decode import random_model

    report = benchmark(str(random_model()), seconds=args.seconds, turns=args.turns, screen=args.screen)
    hand_over(report, as_table(report), args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
