"""How soon the window is there: from the start of the process to its first picture, and until the model can write.

    python -m benchmarks.startup [--turns N] [--screen xvfb|offscreen|own] [--model NAME] [--json OUT]

Every start is a process of its own. A first start, which is not counted, warms the disk and compiles all Python code,
even where PYTHONDONTWRITEBYTECODE is set. The times are those that the program writes into its log: *asked*, Qt is up
and no other window is open; *painted*, the main window is on the screen; *ready*, the model can generate.
*Processor* is the processor time of all threads until *painted*; other programs change it little. A last start, which
is not counted either, lists the time that each imported package took by itself.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.machine import cores_of_others, describe_machine, hand_over, report_parser
from benchmarks.screen import SCREENS, best_screen, screen_environment
from gptdesk.folders import HOME_VARIABLE, Folders
from gptdesk.inference.cpu.compiling import FOLDER_VARIABLE
from gptdesk.store.settings import Settings
from gptdesk.store.settings_file import SettingsFile

GOALS: Final = {"painted": 0.8, "ready": 3.0}
"""Seconds."""

_PATIENCE: Final = 120.0
_SIGNS: Final = {
    "asked": r": gptdesk \S+, process \d+$",
    "painted": r": painted after ([\d.]+) s of processor time$",
    "ready": r" is ready, (.*)$",
}
"""What the log says, by stage; in this order."""


class Start:
    """One start of the program, seen through its log.

    Attributes:
        seconds: from the start of the process to each stage; "processor": processor time until it was painted.
        precision: in which the model writes, and where.
    """

    def __init__(self, environment: dict[str, str], options: tuple[str, ...] = (), errors: Path | None = None) -> None:
        self._log = Folders.under(Path(environment[HOME_VARIABLE])).logs / "gptdesk.log"
        self._log.unlink(missing_ok=True)
        self.seconds: dict[str, float] = {}
        self.precision = ""
        with open(errors or os.devnull, "w") as told:
            began = time.time()
            process = subprocess.Popen([sys.executable, *options, "-m", "gptdesk"], env=environment, stderr=told)
            try:
                self._wait(process, began)
            finally:
                process.terminate()
                process.wait()

    def _wait(self, process: subprocess.Popen[bytes], began: float) -> None:
        while not set(_SIGNS) <= set(self.seconds):
            time.sleep(0.02)  # the times come from the log, however often it is looked at
            lines = self._log.read_text().splitlines() if self._log.exists() else []
            for stage, sign in _SIGNS.items():
                found = next((match for line in lines if (match := re.search(sign, line))), None)
                if found and stage not in self.seconds:
                    at = datetime.strptime(found.string[:23], "%Y-%m-%d %H:%M:%S.%f").timestamp()
                    self.seconds[stage] = at - began
                    if stage == "painted":
                        self.seconds["processor"] = float(found[1])
                    if stage == "ready":
                        self.precision = found[1]
            if process.poll() is not None or time.time() - began > _PATIENCE:
                raise SystemExit(f"The window came only as far as {self.seconds}; its log is {self._log}.")


def benchmark(*, model: str, turns: int, screen: str) -> dict[str, Any]:
    """Starts the program again and again, and returns everything that the report holds."""
    with tempfile.TemporaryDirectory() as home, screen_environment(screen) as environment:
        folders = Folders.under(Path(home))
        SettingsFile(folders.config / "settings.json").save(Settings(model=model))
        environment |= {HOME_VARIABLE: home}
        environment.pop(FOLDER_VARIABLE, None)
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment["PYTHONPYCACHEPREFIX"] = str(Path(home, "pycache"))  # not beside the source, which may be read-only
        _warm_up(environment)
        starts, others = [], list[float]()
        for _ in range(turns):
            with cores_of_others(others):
                starts.append(Start(environment))
        told = Path(home, "imports")
        Start(environment, ("-X", "importtime"), told)
        imports = _imports(told.read_text(errors="replace"))
    return {
        "benchmark": "startup",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine("torch", "numba", "PySide6_Essentials"),
        "cores_of_others": [round(value, 2) for value in others],
        "screen": screen,
        "model": model,
        "precision": starts[-1].precision,
        "goals": GOALS,
        "stages": {
            stage: {
                "median": round(median(start.seconds[stage] for start in starts), 3),
                "turns": [round(start.seconds[stage], 3) for start in starts],
            }
            for stage in ("asked", "painted", "processor", "ready")
        },
        "imports_ms": imports,
    }


def _warm_up(environment: dict[str, str]) -> None:
    """Compiles the decode step, which the very first start does in the background, and starts once."""
    code = (
        "from gptdesk.folders import keep_compiled_code; keep_compiled_code()\n"
        "from gptdesk.inference.cpu.compiling import can_compile, compile_step\n"
        "if can_compile(): compile_step()\n"
    )
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    Start(environment)


def _imports(told: str) -> dict[str, float]:
    """Milliseconds by package that its modules took without what they import in turn; the twelve longest."""
    spent: Counter[str] = Counter()
    for microseconds, module in re.findall(r"^import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)$", told, re.MULTILINE):
        package = module.partition(".")[0]
        spent["standard library" if package in sys.stdlib_module_names else package] += int(microseconds)
    return {package: round(value / 1000, 1) for package, value in spent.most_common(12)}


def as_table(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    lines = [
        f"{report['model']}, {report['precision']}; screen: {report['screen']}",
        f"other programs took {median(report['cores_of_others']):.2f} cores (median)",
        "",
        "| from the start of the process | seconds, median | lowest to highest | aim |",
        "| --- | --- | --- | --- |",
    ]
    names = {
        "asked": "Qt is up, no other window",
        "painted": "painted",
        "processor": "processor time until then",
        "ready": "ready to generate",
    }
    for stage, found in report["stages"].items():
        turns, goal = found["turns"], report["goals"].get(stage)
        lines.append(
            f"| {names[stage]} | {found['median']:.2f} | {min(turns):.2f} to {max(turns):.2f} | "
            f"{'' if goal is None else f'at most {goal}'} |"
        )
    imports = ", ".join(f"{package} {ms:.0f}" for package, ms in report["imports_ms"].items())
    return "\n".join([*lines, "", f"Imports until then, ms (slowed by being measured): {imports}"])


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark and returns the exit code."""
    parser = report_parser(__doc__)
    parser.add_argument("--turns", type=int, default=9, help="starts (9)")
    parser.add_argument("--screen", choices=SCREENS, default=best_screen(), help=f"({best_screen()})")
    parser.add_argument("--model", default=Settings().model, help="name or folder (the bundled one)")
    args = parser.parse_args(argv)
    report = benchmark(model=args.model, turns=args.turns, screen=args.screen)
    hand_over(report, as_table(report), args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
