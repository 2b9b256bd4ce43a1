"""What reading ahead saves, and what it and the token view cost: the first token, and each key.

    python -m benchmarks.read_ahead [--keys N] [--turns N] [--screen xvfb|offscreen|own] [--json OUT]

With GPT-2 124M (random weights) on a CPU. First the time from Generate to the first token of a prompt of 800 tokens,
read ahead and not, beside a decode step. Then the whole window in a process of its own with a text of 5,000 tokens: by
how much each key comes late on the screen while the text is read after every key, with the token view off and on.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final

from benchmarks.machine import cores_of_others, hand_over, report_parser
from benchmarks.responsiveness import OpenedWindow, percentile
from benchmarks.screen import SCREENS, best_screen
from benchmarks.window import report_head, window_processes

PROMPT: Final = 800
TEXT: Final = 5_000
"""Tokens."""

GOAL_STEPS: Final = 2
"""Decode steps that the first token of a text that was read ahead may take."""

GOAL_KEY_MS: Final = 16.0
"""From a key to its pixels, 95th percentile."""

_BETWEEN_KEYS: Final = 0.25
"""Seconds: longer than the pause after which reading begins, so that every key interrupts it."""

_WORDS_TOKENS: Final = 19
_WORDS: Final = "The old house at the edge of the wood was dark, and nobody knew who lived there. "


def long_paragraph() -> str:
    """A paragraph of `TEXT` tokens."""
    return _WORDS * (TEXT // _WORDS_TOKENS)


def first_tokens(model: str, turns: int) -> dict[str, list[float]]:
    """Milliseconds until the first token of a new prompt, read ahead and not, and those of a decode step."""
    from gptdesk.inference.engine import Engine
    from gptdesk.inference.reader import TextReader
    from gptdesk.inference.sampling.settings import DecodingSettings

    engine = Engine.load(Path(model), device="cpu")
    reader, settings = TextReader(engine), DecodingSettings(max_tokens=20, seed=1)
    found: dict[str, list[float]] = {"not read": [], "read ahead": [], "decode step": []}
    list(engine.generate([0] * 8, settings))  # wakes threads and caches
    for turn in range(2 * turns):
        ids = [(7 * turn + 13 * place) % 50_000 for place in range(PROMPT)]
        if turn % 2:
            reader.read_ahead(ids)
        began = perf_counter()
        events = engine.generate(ids, settings)
        next(events)
        found["read ahead" if turn % 2 else "not read"].append(1000 * (perf_counter() - began))
        began = perf_counter()
        steps = sum(1 for _ in events) - 1
        found["decode step"].append(1000 * (perf_counter() - began) / steps)
    return found


def measure_keys(model: str, keys: int) -> dict[str, list[float]]:
    """Milliseconds from each key to its pixels, with nothing read, while reading ahead, and with the token view."""
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    found: dict[str, list[float]] = {}
    opened = OpenedWindow(model)
    session, view = opened.playground()
    session.edit(0, 0, long_paragraph())
    for name, changes in (
        ("nothing is read", {"read_ahead": False, "token_view": False}),
        ("reading ahead", {"read_ahead": True, "token_view": False}),
        ("reading ahead, token view on", {"read_ahead": True, "token_view": True}),
    ):
        opened.services.settings.update(**changes)
        opened.wait(2)
        found[name] = []
        for _ in range(keys):
            opened.wait(_BETWEEN_KEYS)
            began = perf_counter()
            QTest.keyClick(view.editor, "x")
            QApplication.processEvents()
            found[name].append(1000 * (perf_counter() - began))
    opened.close()
    return found


def benchmark(model: str, *, keys: int, turns: int, screen: str) -> dict[str, Any]:
    """Measures both, and returns everything that the report holds."""
    others: list[float] = []
    with window_processes("read_ahead", screen) as measure:
        with cores_of_others(others):
            first = first_tokens(model, turns)
        with cores_of_others(others):
            late = measure("--keys", keys, "--window", model)
    return {
        **report_head("read_ahead", screen, others),
        "first_token_ms": first,
        "key_ms": late,
    }


def as_table(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    first, late = report["first_token_ms"], report["key_ms"]
    step = median(first["decode step"])
    lines = [
        f"screen: {report['screen']}; other programs took {median(report['cores_of_others']):.2f} cores (median)",
        "",
        f"| first token after a prompt of {PROMPT} tokens, ms | median | aim |",
        "| --- | --- | --- |",
        f"| not read before | {median(first['not read']):.0f} | |",
        f"| read ahead | {median(first['read ahead']):.1f} | at most {GOAL_STEPS * step:.0f}: two decode steps |",
        f"| a decode step | {step:.1f} | |",
        "",
        f"| from a key to its pixels, text of {TEXT:,} tokens, ms | half of them | 95 % | all | aim for 95 % |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, values in late.items():
        figures = (percentile(values, 0.5), percentile(values, 0.95), max(values))
        lines.append(f"| {name} | {' | '.join(f'{value:.1f}' for value in figures)} | {GOAL_KEY_MS:.0f} |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark and returns the exit code."""
    parser = report_parser(__doc__)
    parser.add_argument("--keys", type=int, default=60, help="in each state of the window (60)")
    parser.add_argument("--turns", type=int, default=5, help="of the first token (5)")
    parser.add_argument("--screen", choices=SCREENS, default=best_screen(), help=f"({best_screen()})")
    parser.add_argument("--window", metavar="MODEL", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.window:
        args.json.write_text(json.dumps(measure_keys(args.window, args.keys)))
        return 0
    from gptdesk.devices import set_thread_environment

    set_thread_environment()  # as every command does before torch loads
    from benchmarks.decode import random_model

    report = benchmark(str(random_model()), keys=args.keys, turns=args.turns, screen=args.screen)
    hand_over(report, as_table(report), args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
