"""Runs every test marked `cuda` with pytest alone, without the plugins and the Qt that the other tests need."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.gpu.options import Options, Report

ROOT = Path(__file__).parents[2]

# Its own settings: those of pyproject.toml name plugins, and turn warnings of any other version into failures.
_SETTINGS = (
    "[pytest]\naddopts = --import-mode=importlib\npythonpath = {root}\nmarkers =\n    cuda\n    slow\n    timing\n"
)

_OUTCOME = re.compile(r"^(\S+::.+?) (PASSED|FAILED|ERROR|SKIPPED)\b")


_OUTPUT_KEPT = 40_000
"""Characters of what pytest says of failed tests."""


def marked_files() -> list[str]:
    """Test files in which something is marked, from the root; others may import what is not there."""
    return sorted(
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests").rglob("test_*.py")
        if "mark.cuda" in path.read_text(encoding="utf-8")
    )


def measure(options: Options, report: Report) -> None:
    """Hands over how many tests passed, failed and were skipped, and the names of those that failed."""
    settings = options.out / "tests.ini"
    settings.write_text(_SETTINGS.format(root=ROOT), encoding="utf-8")
    command = [sys.executable, "-u", "-m", "pytest", "-c", str(settings), "--rootdir", str(ROOT), "-m", "cuda", "-v"]
    command += ["-p", "no:cacheprovider", "--tb=short", "--show-capture=no", *marked_files()]
    outcomes: dict[str, str] = {}
    failures: list[str] = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            print(line, end="", flush=True)  # into this section's log
            if failures or "= FAILURES =" in line or "= ERRORS =" in line:
                failures.append(line)
            if match := _OUTCOME.match(line):
                outcomes[match[1]] = match[2].lower()
                report(_summary(outcomes))
    settings.unlink()
    report({**_summary(outcomes), "output": "".join(failures)[:_OUTPUT_KEPT]})
    if process.returncode not in (0, 1) or not outcomes:
        raise SystemExit(f"pytest ended with status {process.returncode}.")


def _summary(outcomes: dict[str, str]) -> dict[str, Any]:
    counts = Counter(outcomes.values())
    failed = [name for name, outcome in outcomes.items() if outcome in ("failed", "error")]
    return {"passed": counts["passed"], "skipped": counts["skipped"], "failed": failed}


def as_table(values: dict[str, Any]) -> str:
    """The counts, and what failed."""
    lines = [f"{values['passed']} passed, {len(values['failed'])} failed, {values['skipped']} skipped"]
    return "\n".join([*lines, *(f"- failed: {name}" for name in values["failed"])])


def must_reach(values: dict[str, Any]) -> list[dict[str, Any]]:
    """That all pass, and that there are some."""
    passed, failed = values["passed"], len(values["failed"])
    figure = f"{passed} passed, {failed} failed"
    return [{"what": "tests on a card", "aim": "all pass", "figure": figure, "reached": bool(passed) and not failed}]
