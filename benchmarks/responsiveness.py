"""How free the window stays while a model writes: by how many milliseconds a timer of its thread comes late.

    python -m benchmarks.responsiveness [--seconds S] [--turns N] [--screen xvfb|offscreen|own] [--json OUT]

The whole window in a process of its own, with its editor showing what comes, once with the bundled model, whose tokens
come faster than a screen shows, and once with GPT-2 124M (random weights), which takes all cores for each. A timer that
wants to ring every 10 ms notes how late it was. Another program on the computer makes it late, too: how many cores
those took stands beside the figures, and *idle* is the same window while nothing is written. Together the turns of
writing are a minute, of which the worst is told.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any, Final

from benchmarks.machine import cores_of_others, hand_over, report_parser
from benchmarks.screen import SCREENS, best_screen
from benchmarks.window import report_head, window_processes

GOAL_MS: Final = 8.0
"""Of the 95th percentile."""

WORST_MS: Final = 30.0
"""Of a minute: all turns together."""

INTERVAL_MS: Final = 10
_PROMPT: Final = "Once upon a time there was "


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of them lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


class _Ticks:
    """Notes how late a timer of the GUI thread comes."""

    def __init__(self) -> None:
        from PySide6.QtCore import Qt, QTimer

        self.late: list[float] = []
        self._last = 0.0
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        self.late, self._last = [], perf_counter()
        self._timer.start(INTERVAL_MS)

    def stop(self) -> list[float]:
        self._timer.stop()
        return self.late

    def _tick(self) -> None:
        now = perf_counter()
        self.late.append(1000 * (now - self._last) - INTERVAL_MS)
        self._last = now


class OpenedWindow:
    """The whole window in this process.

    Args:
        model: is loaded.

    Attributes:
        services: of the window.
    """

    def __init__(self, model: str) -> None:
        from PySide6.QtCore import QSettings
        from PySide6.QtWidgets import QApplication

        from gptdesk.folders import Folders
        from gptdesk.inference.sampling.settings import DecodingSettings
        from gptdesk.system_memory import share_one_heap
        from gptdesk.ui.number_format import use_readable_locale
        from gptdesk.ui.services.inference_messages import State
        from gptdesk.ui.window.application import make_services, spare_the_collector
        from gptdesk.ui.window.main_window import MainWindow
        from gptdesk.ui.window.process.collector import Collector

        share_one_heap()
        self._app = QApplication([])
        use_readable_locale()
        self._collector = Collector()  # as the program has it: no other thread collects
        folders = Folders.of_this_user()
        self.services = services = make_services(self._app, folders)
        self._failed: list[str] = []
        services.settings.update(model=model)
        self._window = MainWindow(services, QSettings(str(folders.config / "window.ini"), QSettings.Format.IniFormat))
        self._window.painted.connect(self._window.start)
        spare_the_collector(services.inference)
        self._window.show()
        self.wait_until(lambda: services.inference.state is State.READY)
        tokenizer = services.inference.info.tokenizer
        bias = dict.fromkeys(tokenizer.end_ids, -100.0)
        endless = DecodingSettings(max_tokens=100_000, seed=1, logit_bias=bias, logit_bias_tokenizer=tokenizer.sha256)
        services.settings.update(decoding=endless, new_document_decoding=endless)
        self.wait(3)  # what is loaded when nothing is wanted

    def playground(self) -> tuple[Any, Any]:
        """The session and the widgets of the page on which text is generated.

        From then on a completion that fails ends the program: nothing would be measured.
        """
        self._window.show_page("play")
        session = self._window.pages["play"].session
        session.failed.connect(lambda failure: self._failed.append(failure.sentence))
        return session, self._window.stack.views["play"].content

    def wait(self, seconds: float) -> None:
        """Lets the window work."""
        from benchmarks.waiting import wait

        wait(seconds)
        if sentence := next(filter(None, self._failed), ""):  # without a sentence it was only stopped
            raise SystemExit(sentence)

    def wait_until(self, condition: Callable[[], bool], every: float = 0.05) -> None:
        """Lets the window work until the condition holds, which is looked at after so many seconds each time."""
        while not condition():
            self.wait(every)

    def close(self) -> None:
        self._window.leave()
        self.services.end(15_000)
        self._collector.stop()


def measure_window(model: str, seconds: float, turns: int) -> dict[str, Any]:
    """Opens the window in this process and measures it, idle and writing."""
    from gptdesk.store.document import Document

    opened = OpenedWindow(model)
    session, view = opened.playground()
    ticks = _Ticks()
    ticks.start()
    opened.wait(seconds)
    found: dict[str, Any] = {"idle": ticks.stop(), "writing": [], "tokens_per_s": []}
    for _ in range(turns):
        session.open(Document())
        session.edit(0, 0, _PROMPT)
        view.generate.trigger()
        ticks.start()
        opened.wait(seconds)
        found["writing"].append(ticks.stop())
        generation = session.generation
        found["tokens_per_s"].append(generation.handle.speed if generation else 0.0)
        session.stop()
        opened.wait_until(lambda: not session.busy)
    info = opened.services.inference.info
    found["precision"] = info.precision if info else ""
    opened.close()
    return found


def benchmark(models: dict[str, str], *, seconds: float, turns: int, screen: str) -> dict[str, Any]:
    """Measures each model's window in a process of its own, and returns everything that the report holds."""
    rows, others = [], list[float]()
    with window_processes("responsiveness", screen) as measure:
        for name, model in models.items():
            with cores_of_others(others):
                found = measure("--seconds", seconds, "--turns", turns, "--window", model)
            rows.append(
                {
                    "model": name,
                    "precision": found["precision"],
                    "tokens_per_s": [round(speed, 1) for speed in found["tokens_per_s"]],
                    "idle": _summary([found["idle"]]),
                    "writing": _summary(found["writing"]),
                }
            )
    return {
        **report_head("responsiveness", screen, others),
        "interval_ms": INTERVAL_MS,
        "goal_ms": GOAL_MS,
        "worst_goal_ms": WORST_MS,
        "writing_s": seconds * turns,
        "rows": rows,
    }


def _summary(turns: list[list[float]]) -> dict[str, list[float]]:
    """Of each turn."""
    return {
        "p50": [round(percentile(late, 0.5), 2) for late in turns],
        "p95": [round(percentile(late, 0.95), 2) for late in turns],
        "max": [round(max(late), 2) for late in turns],
    }


def as_table(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    head = (
        "late, ms",
        "half, median of turns",
        "95 %, median of turns",
        f"worst of {report['writing_s']:g} s of writing",
    )
    lines = [
        f"screen: {report['screen']}; other programs took {median(report['cores_of_others']):.2f} cores (median)",
        "",
        f"| {' | '.join(head)} | tokens/s | aim for 95 %, worst |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in report["rows"]:
        for what in ("idle", "writing"):
            cells = [f"{median(row[what][figure]):.1f}" for figure in ("p50", "p95")]
            cells.append(f"{max(row[what]['max']):.1f}")
            speed = f"{median(row['tokens_per_s']):,.0f}" if what == "writing" else ""
            goal = f"at most {report['goal_ms']:.0f}, {report['worst_goal_ms']:.0f}" if what == "writing" else ""
            name = f"{row['model']}, {row['precision']}, {what}"
            lines.append(f"| {name} | {' | '.join(cells)} | {speed} | {goal} |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark and returns the exit code."""
    parser = report_parser(__doc__)
    parser.add_argument("--seconds", type=float, default=12, help="in a turn (12)")
    parser.add_argument("--turns", type=int, default=5, help="of writing, each a new text (5)")
    parser.add_argument("--screen", choices=SCREENS, default=best_screen(), help=f"({best_screen()})")
    parser.add_argument("--window", metavar="MODEL", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.window:
        found = measure_window(args.window, args.seconds, args.turns)
        args.json.write_text(json.dumps(found))
        return 0
    from benchmarks.decode import random_model
    from gptdesk.store.settings import Settings

    models = {"bundled model": Settings().model, "GPT-2 124M": str(random_model())}
    report = benchmark(models, seconds=args.seconds, turns=args.turns, screen=args.screen)
    hand_over(report, as_table(report), args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
