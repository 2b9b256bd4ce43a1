"""How soon the window and `gptdesk complete` can write, beside `import torch` alone, and what memory the window takes.

    python -m benchmarks.startup [--turns N] [--screen xvfb|offscreen|own] [--model NAME] [--json OUT]

Three programs take turns, each start a process of its own: Python that imports torch and does nothing else, `gptdesk
complete`, and the window. The first two are timed until their first byte comes through a pipe. Python writes it when
torch is imported; until that process has ended, which tears torch down, it takes longer, and is a row of its own. The
times of the window are those that it writes into its log: *asked*, Qt is up and no other window is open; *painted*, the
main window is on the screen; *ready*, the model can generate. A first turn, which is not counted, warms the disk and
compiles all Python code, even where PYTHONDONTWRITEBYTECODE is set. A ratio is that of two times in the same turn, and
the median over the turns. *Processor* is the processor time of all threads until then, on Linux; other programs change
it little.

*Memory* is what the process of the window holds (its resident set) some seconds after it was ready, and how much of
that are pages of files and shared memory, such as code and weights that are mapped: other processes may share those,
and the system can take them back. A last start, which is not counted either, lists the time that each imported package
took by itself.
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

from benchmarks.first_output import time_first_output
from benchmarks.machine import cores_of_others, describe_machine, hand_over, processor_seconds, report_parser
from benchmarks.screen import SCREENS, best_screen, screen_environment
from gptdesk.folders import HOME_VARIABLE, Folders
from gptdesk.inference.cpu.compiling import FOLDER_VARIABLE
from gptdesk.store.settings import Settings
from gptdesk.store.settings_file import SettingsFile

GOALS: Final = {"painted": 0.8, "ready": 3.0}
"""Seconds, by stage."""

SHARES: Final = {"first token": 0.5, "ready": 0.6, "painted": 0.43}
"""Of the time of `import torch` alone, by stage. The last is what it was before torch was left out of the start (1.1 s
beside 2.8 s, on an Intel with VNNI), and the tenth by which two runs differ."""

MEMORY_MB: Final = 220
"""Resident, with the model ready."""

TORCH: Final = "import torch"
TORCH_ENDED: Final = "import torch, ended"
_TORCH_ALONE: Final = "import torch; print(flush=True)"
_PROMPT: Final = "Once upon a time"
_STAGES: Final = {
    TORCH: "`import torch` alone",
    TORCH_ENDED: "until that process has ended",
    "first token": "`gptdesk complete`, first token",
    "asked": "window: Qt is up, no other window",
    "painted": "window: painted",
    "ready": "window: ready to generate",
}
"""In the words of the table."""

_SETTLED_S: Final = 6.0
"""After *ready*, until memory is looked at: what the window loads when nothing is wanted is there."""

_PATIENCE: Final = 120.0
_SIGNS: Final = {
    "asked": r": gptdesk \S+, process \d+$",
    "painted": r": painted after ([\d.]+) s of processor time$",
    "ready": r" is ready, (.*)$",
}
"""What the log says, by stage; in this order."""


class Start:
    """One start of the window, seen through its log.

    Attributes:
        seconds: from the start of the process to each stage.
        processor: seconds of processor time until then, of those stages of which it is known.
        precision: in which the model writes, and where.
        memory_mb: resident at the end.
        files_mb: of that pages of files and shared memory; 0 where the system does not tell.

    Args:
        environment: of the process.
        options: for Python.
        errors: gets what it writes to standard error.
        settle_s: seconds that the window stays open after all stages.
    """

    def __init__(
        self,
        environment: dict[str, str],
        options: tuple[str, ...] = (),
        errors: Path | None = None,
        *,
        settle_s: float = 0.0,
    ) -> None:
        self._log = Folders.under(Path(environment[HOME_VARIABLE])).logs / "gptdesk.log"
        self._log.unlink(missing_ok=True)
        self.seconds: dict[str, float] = {}
        self.processor: dict[str, float] = {}
        self.precision = ""
        with open(errors or os.devnull, "w") as told:
            began = time.time()
            process = subprocess.Popen([sys.executable, *options, "-m", "gptdesk"], env=environment, stderr=told)
            try:
                self._wait(process, began)
                time.sleep(settle_s)
                self.memory_mb, self.files_mb = _memory(process.pid)
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
                        self.processor[stage] = float(found[1])
                    if stage == "ready":
                        self.processor[stage] = processor_seconds(process.pid)  # of up to 0.02 s more
                        self.precision = found[1]
            if process.poll() is not None or time.time() - began > _PATIENCE:
                raise SystemExit(f"The window came only as far as {self.seconds}; its log is {self._log}.")


def _memory(process: int) -> tuple[float, float]:
    """MB that a process holds, and how many of them are pages of files and shared memory."""
    import psutil

    found = psutil.Process(process).memory_info()
    return found.rss / 1e6, getattr(found, "shared", 0) / 1e6


class _Turn:
    """All three programs once.

    Attributes:
        start: of the window.
        seconds: until each stage.
        processor: seconds of processor time until then, of those stages of which it is known.
    """

    def __init__(self, environment: dict[str, str], model: str) -> None:
        complete = ("-m", "gptdesk", "complete", _PROMPT, "--model", model, "--device", "cpu", "--max-tokens", "1")
        torch = time_first_output((sys.executable, "-c", _TORCH_ALONE), environment)
        token = time_first_output((sys.executable, *complete), environment)
        self.start = Start(environment, settle_s=_SETTLED_S)
        self.seconds = {TORCH: torch.seconds, TORCH_ENDED: torch.whole, "first token": token.seconds}
        self.seconds |= self.start.seconds
        self.processor = {TORCH: torch.processor, TORCH_ENDED: torch.whole_processor, "first token": token.processor}
        self.processor |= self.start.processor


def benchmark(*, model: str, turns: int, screen: str) -> dict[str, Any]:
    """Starts the programs again and again, and returns everything that the report holds."""
    with tempfile.TemporaryDirectory() as home, screen_environment(screen) as environment:
        folders = Folders.under(Path(home))
        SettingsFile(folders.config / "settings.json").save(Settings(model=model))
        environment |= {HOME_VARIABLE: home}
        environment.pop(FOLDER_VARIABLE, None)
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment["PYTHONPYCACHEPREFIX"] = str(Path(home, "pycache"))  # not beside the source, which may be read-only
        _compile_step(environment)
        _Turn(environment, model)
        found, others = [], list[float]()
        for _ in range(turns):
            with cores_of_others(others):
                found.append(_Turn(environment, model))
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
        "precision": found[-1].start.precision,
        "goals": GOALS,
        "stages": {stage: _figures(found, stage) for stage in _STAGES},
        "memory_mb": [round(turn.start.memory_mb, 1) for turn in found],
        "files_mb": [round(turn.start.files_mb, 1) for turn in found],
        "imports_ms": imports,
    }


def _figures(turns: list[_Turn], stage: str) -> dict[str, Any]:
    """Seconds until a stage, and of processor time where it is known."""
    return {
        "median": round(median(turn.seconds[stage] for turn in turns), 3),
        "turns": [round(turn.seconds[stage], 3) for turn in turns],
        "processor": [round(turn.processor[stage], 3) for turn in turns if stage in turn.processor],
    }


def share_of_torch(report: dict[str, Any], stage: str, what: str = "turns") -> float | None:
    """A stage's time over that of `import torch` in the same turn, the median over the turns.

    Args:
        report: of this benchmark.
        stage: see `SHARES`.
        what: "turns" for time by the clock, "processor" for processor time.

    Returns:
        ``None`` where it was not measured.
    """
    stages = report.get("stages", {})
    mine, theirs = (stages.get(name, {}).get(what, []) for name in (stage, TORCH))
    shares = [own / other for own, other in zip(mine, theirs, strict=False) if other]
    return median(shares) if shares else None


def _compile_step(environment: dict[str, str]) -> None:
    """Compiles the decode step, which the very first start does in the background."""
    code = (
        "from gptdesk.folders import keep_compiled_code; keep_compiled_code()\n"
        "from gptdesk.inference.cpu.compiling import can_compile, compile_step\n"
        "if can_compile(): compile_step()\n"
    )
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


def _imports(told: str) -> dict[str, float]:
    """Milliseconds by package that its modules took without what they import in turn; the twelve longest."""
    spent: Counter[str] = Counter()
    for microseconds, module in re.findall(r"^import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)$", told, re.MULTILINE):
        package = module.partition(".")[0]
        spent["standard library" if package in sys.stdlib_module_names else package] += int(microseconds)
    return {package: round(value / 1000, 1) for package, value in spent.most_common(12)}


def as_table(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    memory, files = report["memory_mb"], report["files_mb"]
    head = (
        "from the start of the process", "seconds, median", "lowest to highest", "processor time, s",
        "to `import torch`", "by processor time",
    )  # fmt: skip
    lines = [
        f"{report['model']}, {report['precision']}; screen: {report['screen']}",
        f"other programs took {median(report['cores_of_others']):.2f} cores (median)",
        "",
        f"| {' | '.join(head)} | aim |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for stage, found in report["stages"].items():
        turns, spent = found["turns"], found["processor"]
        aims = [f"{report['goals'][stage]} s"] if stage in report["goals"] else []
        aims += [f"{SHARES[stage]:g} of `import torch`"] if stage in SHARES else []
        lines.append(
            f"| {_STAGES[stage]} | {found['median']:.2f} | {min(turns):.2f} to {max(turns):.2f} | "
            f"{f'{median(spent):.2f}' if spent else ''} | {_times(share_of_torch(report, stage))} | "
            f"{_times(share_of_torch(report, stage, 'processor'))} | {'at most ' if aims else ''}{', '.join(aims)} |"
        )
    lines += [
        "",
        f"| window, {_SETTLED_S:g} s after it was ready | MB, median | lowest to highest | aim |",
        "| --- | --- | --- | --- |",
        f"| resident memory | {median(memory):.0f} | {min(memory):.0f} to {max(memory):.0f} | at most {MEMORY_MB} |",
        f"| of that pages of files | {median(files):.0f} | {min(files):.0f} to {max(files):.0f} | |",
    ]
    imports = ", ".join(f"{package} {ms:.0f}" for package, ms in report["imports_ms"].items())
    return "\n".join([*lines, "", f"Imports until then, ms (slowed by being measured): {imports}"])


def _times(share: float | None) -> str:
    return "" if share is None else f"{share:.2f}"


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark and returns the exit code."""
    parser = report_parser(__doc__)
    parser.add_argument("--turns", type=int, default=9, help="of each program (9)")
    parser.add_argument("--screen", choices=SCREENS, default=best_screen(), help=f"({best_screen()})")
    parser.add_argument("--model", default=Settings().model, help="name or folder (the bundled one)")
    args = parser.parse_args(argv)
    report = benchmark(model=args.model, turns=args.turns, screen=args.screen)
    hand_over(report, as_table(report), args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
