"""How long the training page takes to draw a long run: three charts, from a million points to what is seen of them.

    python -m benchmarks.redraw [--steps N] [--turns N] [--size WxH] [--seconds S] [--json OUT]

A run directory is written in the trainer's own format and read as the window reads it. A redraw is all that happens
between a wish and the last pixel: points are chosen, ranges found, ticks placed and everything is painted, with no
screen (Qt's "offscreen", unless QT_QPA_PLATFORM says otherwise). Figures are medians over the turns, of the large
chart alone and of all three. *Following* is the processor time of a process of its own with the whole page on its
screen, reading and painting, while another appends to that run four times a second, as a share of one core.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication, QMenu, QWidget

from benchmarks.machine import describe_machine, hand_over, report_parser
from benchmarks.waiting import wait
from gptdesk.folders import Folders
from gptdesk.training.history.history import RunHistory
from gptdesk.ui.number_format import use_readable_locale
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.charts.chart.chart import Chart
from gptdesk.ui.train.charts.panel import ChartPanel
from gptdesk.ui.train.charts.settings import ChartSettings, PlottedRun
from trainer.run_directory.layout import EVENTS

GOAL_MS: Final = 30.0
GOAL_PERCENT: Final = 2.0
UPDATES_PER_SECOND: Final = 4
_SETTLING_SECONDS: Final = 5
TOKENS_PER_STEP: Final = 32_768
_BEGAN: Final = 1_790_000_000.0
_EVALUATIONS: Final = 1_000


def write_run(folder: Path, first: int, last: int, *, steps: int) -> None:
    """Appends the events of the steps from ``first`` to ``last`` of a run that logs every step of ``steps``."""
    rng = random.Random(first)
    with (folder / EVENTS).open("a", encoding="utf-8") as file:
        if first == 1:
            start = {"steps": steps, "tokens_per_step": TOKENS_PER_STEP, "device": "cpu"}
            file.write(_event("start", 0, 0, **start))
        for step in range(first, last + 1):
            tokens, loss = step * TOKENS_PER_STEP, 3.2 + 7.6 * math.exp(-step / (0.02 * steps)) + rng.gauss(0, 0.08)
            file.write(
                f'{{"v":1,"seq":{step},"seg":0,"t":{_BEGAN + step / 2:.3f},"ev":"step","step":{step},"tokens":{tokens},'
                f'"epoch":{step / 5e5:.4f},"loss":{loss:.6f},"grad_norm":{0.6 + rng.random() / 4:.6f},'
                f'"lr":{6e-4 * (1 - step / steps / 1.1):.9f},"tokens_per_s":{60_000 + 900 * rng.random():.1f},"ms":'
                '{"data":2.1,"forward":160.2,"backward":310.8,"optimizer":61.0},"memory":2065432576,"mfu":0.3791}\n'
            )
            if step % max(1, steps // _EVALUATIONS) == 0:
                file.write(_event("eval", step, step, val_loss=loss + 0.05, tokens=50_000, seconds=1.5, best=True))
                file.write(_event("checkpoint", step, step, folder=f"step-{step:08d}"))


def _event(kind: str, seq: int, step: int, **values: Any) -> str:
    line = {"v": 1, "seq": seq, "seg": 0, "t": _BEGAN + step / 2, "ev": kind, "step": step, **values}
    return json.dumps(line, separators=(",", ":")) + "\n"


def repaint(charts: list[Chart]) -> None:
    """Draws the charts and waits until they are painted."""
    for chart in charts:
        chart.draw()
        chart.viewport().repaint()


def timed(turns: int, act: Callable[[int], object]) -> float:
    """Median milliseconds of ``act``, which is told its turn."""
    times = []
    for turn in range(turns):
        began = time.perf_counter()
        act(turn)
        times.append(1000 * (time.perf_counter() - began))
    return round(median(times), 2)


def chart_panel(theme: Theme, settings: ChartSettings, folder: Path) -> ChartPanel:
    """Charts outside of their page, with their commands; ``folder`` gets the file of the settings."""
    from gptdesk.ui.services.settings import SavedSettings
    from gptdesk.ui.train.charts.commands import chart_commands
    from gptdesk.ui.window.commands.registry import Commands

    window = QWidget()
    commands = Commands(window, SavedSettings(folder / "settings.json", window))
    made: list[ChartPanel] = []
    commands.add(*chart_commands(lambda: made[0] if made else None, lambda: made[0]))
    made.append(ChartPanel(theme, commands, settings))
    return made[0]


def benchmark(steps: int, turns: int, size: tuple[int, int]) -> dict[str, Any]:
    """Measures and returns everything that the report holds."""
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    use_readable_locale()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_run(folder, 1, steps, steps=steps + 1000)
        history = RunHistory(folder)
        history.update()
        panel = chart_panel(Theme(app, "light"), ChartSettings(right="tokens_per_s"), folder)
        panel.resize(*size)
        panel.show()
        app.processEvents()
        results = measure(app, panel, history, folder, steps, turns)
        panel.hide()
    return {
        "version": 1,
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine("numpy", "pyqtgraph", "PySide6-Essentials"),
        "steps": steps,
        "size": list(size),
        "milliseconds": results,
    }


def measure(
    app: QApplication, panel: ChartPanel, history: RunHistory, folder: Path, steps: int, turns: int
) -> dict[str, float]:
    """Median milliseconds of each kind of redraw."""

    def show(_turn: int) -> None:
        panel.show_runs([PlottedRun("a long run", history, steps=steps + 1000, config={"optim": {"grad_clip": 1.0}})])
        repaint(panel.charts())

    def zoom(turn: int) -> None:
        view = panel.charts()[0].view
        view.choose(steps * (0.30 + turn / turns / 10), steps * (0.75 + turn / turns / 10))
        repaint(panel.charts())

    def grow(turn: int) -> None:
        panel.refresh()
        repaint(panel.charts())

    results = {"first": timed(1, show)}
    app.processEvents()
    results["large"] = timed(turns, lambda _turn: repaint(panel.charts()[:1]))
    results["all"] = timed(turns, lambda _turn: repaint(panel.charts()))
    results["zoomed"] = timed(turns, zoom)
    panel.apply(ChartSettings(right="tokens_per_s"))
    panel.fit()
    app.processEvents()
    growth = []
    for turn in range(turns):
        write_run(folder, steps + 1 + turn, steps + 1 + turn, steps=steps + 1000)
        history.update()
        growth.append(timed(1, grow))
    return {**results, "grown": round(median(growth), 2)}


def measure_following(steps: int, seconds: float, size: tuple[int, int]) -> dict[str, float]:
    """Processor time of a process that shows a run that grows, in percent of a core."""
    with tempfile.TemporaryDirectory() as home:
        folder = Folders.under(Path(home)).runs / "run"
        folder.mkdir(parents=True)
        write_run(folder, 1, steps, steps=steps + 1000)
        last = steps + round(UPDATES_PER_SECOND * (seconds + _SETTLING_SECONDS + 15))
        append = ["--append", str(folder), "--first", str(steps + 1), "--last", str(last)]
        append += ["--rate", str(UPDATES_PER_SECOND)]
        watch = ["--watch", home, "--seconds", str(seconds), "--size", f"{size[0]}x{size[1]}"]
        with subprocess.Popen([sys.executable, "-m", "benchmarks.watch", *append]) as writer:
            command = [sys.executable, "-m", "benchmarks.redraw", *watch]
            found = subprocess.run(command, check=True, capture_output=True, text=True)
            writer.terminate()
    return dict(json.loads(found.stdout.splitlines()[-1]))


def watch_page(home: Path, seconds: float, size: tuple[int, int]) -> dict[str, float]:
    """Shows the page, and tells what that took once everything had been read."""
    from gptdesk.ui.services.page_messages import PageMessages
    from gptdesk.ui.train.commands import train_commands
    from gptdesk.ui.train.view import TrainView
    from gptdesk.ui.window.application import make_services
    from gptdesk.ui.window.commands.registry import Commands

    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    use_readable_locale()
    services = make_services(app, Folders.under(home))
    window = QWidget()
    commands = Commands(window, services.settings)
    commands.add(*train_commands(lambda: None, lambda: None, lambda: None))
    page = TrainView(services, PageMessages(services.messages, "train"), commands, QMenu(), lambda: "")
    page.resize(*size)
    page.show()
    services.run_monitor.start()
    services.run_monitor.set_shown(True)
    while not (page.dashboard.charts.runs and services.run_monitor.view and services.run_monitor.view.read):
        wait(0.1)
    wait(_SETTLING_SECONDS)
    began, processor, thread = time.monotonic(), time.process_time(), time.thread_time()
    wait(seconds)
    passed = time.monotonic() - began
    result = {
        "seconds": round(passed, 1),
        "percent": round(100 * (time.process_time() - processor) / passed, 2),
        "window_thread_percent": round(100 * (time.thread_time() - thread) / passed, 2),
    }
    page.close()
    services.end(15_000)
    return result


def format_report(report: dict[str, Any]) -> str:
    """The report as text."""
    machine, found = report["machine"], report["milliseconds"]
    names = {
        "first": "first time, everything worked out",
        "large": "the large chart (loss, its average, validation)",
        "all": "all three charts",
        "zoomed": "all three, another part of the run each time",
        "grown": "all three, one step more each time",
    }
    width, height = report["size"]
    lines = [
        f"{report['steps']:,} logged steps on {width} x {height} pixels",
        f"{machine['processor']}, PySide6 {machine['PySide6-Essentials']}, pyqtgraph {machine['pyqtgraph']}",
        "",
    ]
    lines += [f"{name:50}{found[key]:>9.1f} ms" for key, name in names.items()]
    following = report["following"]
    lines.append(f"{'the whole page, at 4 new steps a second':50}{following['percent']:>9.2f} % of a core")
    lines.append(f"{'  of that the thread of the window':50}{following['window_thread_percent']:>9.2f} %")
    aims = f"The aims are {GOAL_MS:.0f} ms for a redraw and {GOAL_PERCENT:g} % of a core for following."
    return "\n".join([*lines, "", aims])


def main() -> int:
    """Runs the benchmark and returns the exit code."""
    parser = report_parser(__doc__)
    parser.add_argument("--steps", type=int, default=1_000_000, metavar="N", help="logged steps (1,000,000)")
    parser.add_argument("--turns", type=int, default=40, metavar="N", help="redraws of each kind (40)")
    parser.add_argument("--size", default="1500x900", metavar="WxH", help="of the charts together (1500x900)")
    parser.add_argument("--seconds", type=float, default=20, metavar="S", help="how long the page is watched (20)")
    parser.add_argument("--watch", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    if args.watch:
        print(json.dumps(watch_page(args.watch, args.seconds, (width, height))))
        return 0
    report = benchmark(args.steps, args.turns, (width, height))
    report["following"] = measure_following(args.steps, args.seconds, (width, height))
    hand_over(report, format_report(report), args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
