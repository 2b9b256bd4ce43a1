"""What must be reached, and whether it was: worked out from what the benchmarks handed over."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from benchmarks.decode import PREFILL
from benchmarks.decode_report import BASELINE, SAME_WIDTH, best_peer, ratio, share_of_bandwidth

THREADS: Final = 2
AUTO: Final = "ours int8"
"""What `auto` decodes with on a CPU."""

_LEAST: Final = {
    # decoding against the peer of the same width: with two threads at both contexts
    "ours int8": 1.15,
    "ours bfloat16": 1.05,
    "ours int4": 1.10,
}
_CONTEXTS: Final = (32, 900)
_BANDWIDTH: Final = 0.75
_TRANSFORMERS: Final = 6.0
_LOADING_S: Final = {"decode": ("GPT-2 124M", 0.3), "loading-xl": ("gpt2-xl", 3.0)}
_OVER_WEIGHTS_MB: Final = 300
_INT8_LOSS: Final = 0.0015
"""Rise of perplexity over float32."""

Reports = dict[str, dict[str, Any]]
"""By benchmark; what was not measured is missing."""


@dataclass(frozen=True)
class Goal:
    """One line of the table.

    Attributes:
        what: was measured.
        aim: in words.
        figure: that was reached, in words; empty when it was not measured.
        reached: whether that is enough.
    """

    what: str
    aim: str
    figure: str = ""
    reached: bool = False


def find_goals(reports: Reports) -> list[Goal]:
    """All of them, also those that were not measured."""
    goals = [*_decoding(reports.get("decode", {})), *_loading(reports)]
    goals += _window(reports.get("startup", {}), reports.get("responsiveness", {}))
    for name in ("sampling", "gpu"):  # these know their own
        goals += [Goal(**goal) for goal in reports.get(name, {}).get("must_reach", [])]
    return goals


def _decoding(report: dict[str, Any]) -> list[Goal]:
    goals = []
    for name, least in _LEAST.items():
        figures = [ratio(report, name, SAME_WIDTH[name], "decode", THREADS, context) for context in _CONTEXTS]
        goals.append(_at_least(f"{name} against {SAME_WIDTH[name]}, context 32, 900", least, figures))
    figures = [ratio(report, AUTO, SAME_WIDTH[AUTO], "decode", 1, context) for context in _CONTEXTS]
    goals.insert(1, _at_least(f"{AUTO} against {SAME_WIDTH[AUTO]}, one thread, context 32, 900", 1.0, figures))
    figures = [ratio(report, AUTO, BASELINE, "decode", THREADS, context) for context in _CONTEXTS]
    goals.append(_at_least(f"{AUTO} against {BASELINE}, context 32, 900", _TRANSFORMERS, figures))
    goals.append(_prefill(report))
    for name in (AUTO, "ours bfloat16"):
        share = share_of_bandwidth(report, name, THREADS, _CONTEXTS[0])
        aim, shown = f"at least {_BANDWIDTH:.0%}", "" if share is None else f"{share:.0%}"
        reached = share is not None and share >= _BANDWIDTH
        goals.append(Goal(f"{name}, of measured read bandwidth, context 32", aim, shown, reached))
    return [*goals, *_quality(report)]


def _quality(report: dict[str, Any]) -> list[Goal]:
    losses: dict[str, float] = {row["name"]: row["loss"] for row in report.get("quality", [])}
    int8, int4 = losses.get(AUTO), losses.get("ours int4")
    peers = {name: losses[name] for name in ("llama.cpp Q4_0", "llama.cpp Q4_K_M") if name in losses}
    theirs = " and ".join(f"{name}'s {loss:.2%}" for name, loss in peers.items())
    return [
        Goal(
            f"perplexity of {AUTO} over float32",
            f"at most {_INT8_LOSS:.2%}",
            "" if int8 is None else f"{int8:+.2%}",
            int8 is not None and int8 <= _INT8_LOSS,
        ),
        Goal(
            "perplexity of ours int4 over float32",
            f"at most {theirs or 'that of Q4_0 and Q4_K_M'}",
            "" if int4 is None else f"{int4:+.2%}",
            int4 is not None and bool(peers) and int4 <= min(peers.values()),
        ),
    ]


def _prefill(report: dict[str, Any]) -> Goal:
    peer = best_peer(report, "prefill", THREADS, PREFILL, ("llama.cpp", "transformers"))
    figure = ratio(report, AUTO, peer, "prefill", THREADS, PREFILL) if peer else None
    return _at_least(f"{AUTO}, prompt of {PREFILL}, against {peer or 'the best peer'}", 1.0, [figure])


def _at_least(what: str, least: float, figures: list[float | None]) -> Goal:
    found = [figure for figure in figures if figure is not None]
    shown = ", ".join(f"{figure:.2f}x" for figure in found)
    return Goal(what, f"at least {least:g}x", shown, bool(found) and min(found) >= least)


def _loading(reports: Reports) -> list[Goal]:
    goals = []
    for benchmark, (model, most) in _LOADING_S.items():
        rows = reports.get(benchmark, {}).get("loading", [])
        row = next((row for row in rows if row["name"] == AUTO), None)
        seconds = median(row["seconds"]) if row else None
        goals.append(_at_most(f"loading {model}, {AUTO}", most, seconds, "s"))
        over = row["over_weights_mb"] if row else None
        goals.append(_at_most(f"memory over the weights meanwhile, {model}", _OVER_WEIGHTS_MB, over, "MB"))
    return goals


def _window(startup: dict[str, Any], responsiveness: dict[str, Any]) -> list[Goal]:
    goals = []
    for stage, what, most in (
        ("painted", "painted window", 0.8),
        ("ready", "ready to generate, bundled model", 3.0),
    ):
        found = startup.get("stages", {}).get(stage)
        goals.append(_at_most(what, most, found["median"] if found else None, "s"))
    rows = responsiveness.get("rows", [])
    for model in ("bundled model", "GPT-2 124M"):
        row = next((row for row in rows if row["model"] == model), None)
        late = median(row["writing"]["p95"]) if row else None
        goals.append(_at_most(f"window late while it writes, 95 %, {model}", 8, late, "ms"))
    return goals


def _at_most(what: str, most: float, figure: float | None, unit: str) -> Goal:
    shown = "" if figure is None else f"{figure:,.3g} {unit}" if figure < 100 else f"{figure:,.0f} {unit}"
    return Goal(what, f"at most {most:g} {unit}", shown, figure is not None and figure <= most)


def as_table(goals: list[Goal]) -> str:
    """The goals as Markdown."""
    lines = ["| with two threads, if it does not say otherwise | aim | figure | |", "| --- | --- | --- | --- |"]
    for goal in goals:
        verdict = ("reached" if goal.reached else "**missed**") if goal.figure else "not measured"
        lines.append(f"| {goal.what} | {goal.aim} | {goal.figure} | {verdict} |")
    return "\n".join(lines)
