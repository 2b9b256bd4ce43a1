"""Whether the window's memory stays where it is while it is used for long: completions, branches, other models.

    python -m benchmarks.soak [--minutes M] [--completions N] [--screen xvfb|offscreen|own] [--json OUT]

The whole window in a process of its own. Spread evenly over the time (which a busy machine exceeds), completions of
eight tokens are generated: after a new prompt, again, from the middle of the text, or from another token in place of
one that was generated. A document is left for a new one after 25 completions, and the model for the other one (the
bundled model, and one of random weights with another shape) after 100. It decodes with one thread, which a busy machine
stretches less. The memory of the process is noted every five seconds, with the model that is loaded: the two differ by
a sixth. A level is the median of the second minute, or of the last, with the same model; that of the model whose level
rises more counts.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from time import perf_counter
from typing import Any, Final

from benchmarks.machine import cores_of_others, hand_over, report_parser
from benchmarks.responsiveness import OpenedWindow
from benchmarks.screen import SCREENS, best_screen
from benchmarks.window import report_head, window_processes
from gptdesk.system_memory import resident_memory

GOAL: Final = 0.05
"""Share by which memory may be more at the end than after the first minute."""

MINUTES: Final = 30
COMPLETIONS: Final = 10_000
"""That a whole soak has."""

_TOKENS: Final = 8
_DOCUMENT: Final = 25
"""Completions in a document."""
_MODEL: Final = 100
"""Completions before the other model is loaded."""
_NOTED_S: Final = 5.0
_PAUSE_S: Final = 0.02
"""Between two looks whether the next completion is due."""


class _Use:
    """What a person does in the window, one step after another.

    Attributes:
        model: the one that is loaded.
        steps: how often each kind of step was done.
    """

    def __init__(self, opened: OpenedWindow, models: list[str]) -> None:
        self._opened, self._models, self.model = opened, models, models[0]
        self._session, _ = opened.playground()
        self._random = random.Random(1)
        self.steps = dict.fromkeys(("new prompt", "again", "from the middle", "other token", "model", "document"), 0)

    @property
    def completions(self) -> int:
        return sum(self.steps[name] for name in ("new prompt", "again", "from the middle", "other token"))

    def complete(self) -> None:
        """One completion, with what is due before it."""
        if self.completions % _DOCUMENT == 0:
            self._open_document()
        if self.completions % _MODEL == 0:
            self._load_other_model()
        text = self._session.document.text
        step = self._random.choice(("new prompt", "again", "from the middle", "other token")) if text else "new prompt"
        self.steps[step] += 1
        if step == "new prompt":
            self._session.edit(len(text), len(text), f" Number {self._random.randrange(1000)} was")
            self._session.generate()
        elif step == "again":
            self._session.regenerate()
        elif step == "from the middle":
            self._session.generate(self._random.randrange(1, len(text) + 1))
        else:
            self._session.branch(self._random.randrange(1, len(text) + 1), " but")
        self._opened.wait_until(lambda: not self._session.busy, 0.002)

    def _open_document(self) -> None:
        from gptdesk.store.document import Document

        self._session.open(Document())
        self.steps["document"] += 1

    def _load_other_model(self) -> None:
        from gptdesk.ui.services.inference_messages import State

        services = self._opened.services
        model = self.model = self._models[self.steps["model"] % len(self._models)]
        services.settings.update(model=model, device="cpu", precision="int8", threads=1)  # of all pages
        self._opened.wait_until(lambda: services.inference.state is State.READY and not services.inference.loading)
        self.steps["model"] += 1


def measure_window(models: list[str], minutes: float, completions: int) -> dict[str, Any]:
    """Opens the window in this process and uses it; memory as seconds, bytes and the model that is loaded."""
    opened = OpenedWindow(models[0])
    services = opened.services
    short = replace(services.settings.value.new_document_decoding, max_tokens=_TOKENS, logit_bias={})
    services.settings.update(decoding=short, new_document_decoding=short)
    use = _Use(opened, models)
    noted: list[tuple[float, int, str]] = []
    began = perf_counter()
    while (passed := perf_counter() - began) < 60 * minutes or use.completions < completions:
        if not noted or passed - noted[-1][0] >= _NOTED_S:
            noted.append((passed, resident_memory(), use.model))
        if use.completions <= completions * passed / (60 * minutes):
            use.complete()
        else:
            opened.wait(_PAUSE_S)
    opened.close()
    return {"minutes": round(passed / 60, 1), "memory": noted, "completions": use.completions, "steps": use.steps}


def benchmark(minutes: float, completions: int, screen: str) -> dict[str, Any]:
    """Uses the window for that long, and returns everything that the report holds."""
    from benchmarks.decode import random_model
    from gptdesk.gpt2.config import GPT2Config
    from gptdesk.store.settings import Settings

    other = random_model(GPT2Config(n_layer=4, n_head=4, n_embd=256))
    others: list[float] = []
    with window_processes("soak", screen) as measure, cores_of_others(others):
        found = measure("--minutes", minutes, "--completions", completions, "--window", Settings().model, other)
    return report_head("soak", screen, others) | found


def levels(memory: Sequence[tuple[float, int, str]]) -> tuple[float, float]:
    """Bytes after the first minute and at the end: medians of a minute, or of a third of a shorter measurement.

    Both with the same model, the one that makes the larger difference.

    Args:
        memory: as `measure_window` has it; one model at least is there in both minutes.
    """
    end = memory[-1][0]
    span = min(60.0, end / 3)
    first, last = defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
    for passed, size, model in memory:
        if span <= passed <= 2 * span:
            first[model].append(size)
        if passed >= end - span:
            last[model].append(size)
    pairs = [(median(first[model]), median(last[model])) for model in first if model in last]
    return max(pairs, key=lambda pair: pair[1] / pair[0])


def as_table(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    first, last = levels(report["memory"])
    steps = ", ".join(f"{count:,} × {name}" for name, count in report["steps"].items())
    most = max(size for _, size, _ in report["memory"])
    return "\n".join(
        [
            f"screen: {report['screen']}; other programs took {median(report['cores_of_others']):.2f} cores (median)",
            "",
            f"{report['completions']:,} completions of {_TOKENS} tokens in {report['minutes']:g} minutes ({steps})",
            "",
            "| memory of the process | MB | aim |",
            "| --- | --- | --- |",
            f"| after the first minute | {first / 1e6:,.0f} | |",
            f"| at the end | {last / 1e6:,.0f} ({last / first - 1:+.1%}) | at most {GOAL:+.0%} |",
            f"| at most | {most / 1e6:,.0f} | |",
        ]
    )


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark and returns the exit code."""
    parser = report_parser(__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"({MINUTES})")
    parser.add_argument("--completions", type=int, default=COMPLETIONS, help=f"({COMPLETIONS:,})")
    parser.add_argument("--screen", choices=SCREENS, default=best_screen(), help=f"({best_screen()})")
    parser.add_argument("--window", metavar="MODEL", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.window:
        args.json.write_text(json.dumps(measure_window(args.window, args.minutes, args.completions)))
        return 0
    report = benchmark(args.minutes, args.completions, args.screen)
    hand_over(report, as_table(report), args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
