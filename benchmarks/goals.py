"""What must be reached, and whether it was: worked out from what the benchmarks handed over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Final

from benchmarks import responsiveness, soak, startup
from benchmarks.decode import PREFILL
from benchmarks.decode_report import (
    BASELINE,
    PROMPT_PEERS,
    SAME_WIDTH,
    best_peer,
    compared_ratios,
    ratio,
    share_of_bandwidth,
)
from benchmarks.gpu import aims as gpu
from benchmarks.peer_files import OTHER_VERSION
from benchmarks.worker import FIRST_PROMPT

THREADS: Final = 2
AUTO: Final = "ours int8"
"""What `auto` decodes with on a CPU."""

_EARLIER: Final = "2026-11-25"
"""Day of the version that decoding must not be slower than."""
_NOT_SLOWER: Final = 0.95
"""Times as fast: medians of the ratios in fifteen turns differ by some hundredths by chance."""

_REPRODUCED: Final = 0.1
"""By how much a ratio may differ in a second run."""

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
    """All of them, also those that were not measured: the latest aims, then earlier ones that still hold."""
    decode, start = reports.get("decode", {}), reports.get("startup", {})
    on_gpu, others_on_gpu = _on_gpu(reports.get("gpu", {}))
    int8_loss, int4_loss = _quality(decode)
    return [
        *_prompts(decode),
        _not_slower(reports.get("versions", {})),
        _reproduced(decode, reports.get("decode-again", {})),
        int8_loss,
        *_shares_of_torch(start),
        _memory(start),
        *_lateness(reports.get("responsiveness", {})),
        *on_gpu,
        _soak(reports.get("soak", {})),
        *_decoding(decode),
        int4_loss,
        *_loading(reports),
        *_start(start),
        *(Goal(**goal) for goal in reports.get("sampling", {}).get("must_reach", [])),
        *others_on_gpu,
    ]


def _prompts(report: dict[str, Any]) -> list[Goal]:
    """Reading, against the best peer: a long prompt by its speed, a short one by the time of its first token.

    Reached only against all peers.
    """
    goals = []
    for name, what, tokens in (
        (AUTO, "prefill", PREFILL),
        (AUTO, "first token", FIRST_PROMPT),
        ("ours float32", "prefill", PREFILL),
    ):
        peers = PROMPT_PEERS[name]
        best = best_peer(report, what, THREADS, tokens, peers)
        figure = ratio(report, name, best, what, THREADS, tokens) if best else None
        among = f"the best of {', '.join(peers)}" + (f": {best}" if best else "")
        goal = _at_least(f"{name}, prompt of {tokens}, against {among}", 1.0, [figure])
        if goal.figure and (
            missing := [peer for peer in peers if not best_peer(report, what, THREADS, tokens, (peer,))]
        ):
            goal = replace(goal, figure=f"{goal.figure}, without {', '.join(missing)}", reached=False)
        goals.append(goal)
    return goals


def _not_slower(report: dict[str, Any]) -> Goal:
    """Of each precision the worse of both contexts; reached only by all of them, beside a version of that day."""
    shares = {}
    for name in SAME_WIDTH:
        found = [ratio(report, name, name + OTHER_VERSION, "decode", THREADS, context) for context in _CONTEXTS]
        if measured := [figure for figure in found if figure is not None]:
            shares[name] = min(measured)
    of_that_day = report.get("other", {}).get("date") == _EARLIER
    return Goal(
        f"decoding, all precisions, not slower than the version of {_EARLIER}, both in turn: the worse of context "
        "32, 900",
        f"at least {_NOT_SLOWER:g}x",
        ", ".join(f"{name} {share:.2f}x" for name, share in shares.items()) if of_that_day else "",
        of_that_day and len(shares) == len(SAME_WIDTH) and min(shares.values()) >= _NOT_SLOWER,
    )


def _reproduced(first: dict[str, Any], again: dict[str, Any]) -> Goal:
    """Whether all ratios of the first run come again, with the numbers of threads that the second was asked for."""
    what, aim = "ratios to peers, in a second run over those in the first", f"within {_REPRODUCED:.0%}"
    if not first or not again:
        return Goal(what, aim)
    threads = {row["threads"] for row in again["speed"]}
    before, after = compared_ratios(first, threads), compared_ratios(again)
    changes = [after.get(key, 0) / figure - 1 for key, figure in before.items()]
    near = sum(abs(change) <= _REPRODUCED for change in changes)
    numbers = " and ".join(str(number) for number in sorted(threads))
    shown = f"{near} of {len(changes)}, threads: {numbers}; {min(changes):+.0%} to {max(changes):+.0%}"
    return Goal(what, aim, shown, near == len(changes) and THREADS in threads)


def _shares_of_torch(report: dict[str, Any]) -> list[Goal]:
    """Starts against `import torch` alone: what counts is the clock, and processor time stands beside it."""
    goals = []
    for stage, what in (
        ("first token", "`gptdesk complete`, bundled model, start to first token, warm"),
        ("ready", "window ready after start, bundled model"),
        ("painted", "window painted after start, not later than before"),
    ):
        most, shown = startup.SHARES[stage], ""
        share, spent = (startup.share_of_torch(report, stage, kind) for kind in ("turns", "processor"))
        if share is not None:
            shown = f"{share:.2f}x" + ("" if spent is None else f" (by processor time {spent:.2f}x)")
        reached = share is not None and share <= most
        goals.append(Goal(f"{what}, against `import torch` alone", f"at most {most:g}x", shown, reached))
    return goals


def _memory(report: dict[str, Any]) -> Goal:
    found = report.get("memory_mb")
    what = "resident memory of the window with the bundled model ready"
    return _at_most(what, startup.MEMORY_MB, median(found) if found else None, "MB")


def _lateness(report: dict[str, Any]) -> list[Goal]:
    """While a model writes: the 95th percentile, median of the turns, and the worst of all turns."""
    goals, most, worst = [], responsiveness.GOAL_MS, responsiveness.WORST_MS
    span = "a minute" if report.get("writing_s", 60) == 60 else f"{report['writing_s']:g} s"
    for model in ("bundled model", "GPT-2 124M"):
        row = next((row for row in report.get("rows", []) if row["model"] == model), None)
        figures = (median(row["writing"]["p95"]), max(row["writing"]["max"])) if row else None
        goals.append(
            Goal(
                f"window late while it writes, 95 %, the worst of {span}, {model}",
                f"at most {most:g} ms, {worst:g} ms",
                f"{figures[0]:.1f} ms, {figures[1]:.1f} ms" if figures else "",
                figures is not None and figures[0] <= most and figures[1] <= worst,
            )
        )
    return goals


def _on_gpu(report: dict[str, Any]) -> tuple[list[Goal], list[Goal]]:
    """Speeds that were aimed at, whether they were measured or not, and what else the report was held against."""
    measured = {goal["what"]: Goal(**goal) for goal in report.get("must_reach", [])}
    aimed_at = [measured.pop(row["what"], Goal(**row)) for row in (gpu.SPEED, gpu.RATIO, gpu.TRAINING)]
    return aimed_at, list(measured.values())


def _soak(report: dict[str, Any]) -> Goal:
    """Reached only by a whole soak."""
    what = (
        f"memory of the window after {soak.MINUTES} minutes and {soak.COMPLETIONS:,} completions, over that after one"
    )
    if not report:
        return Goal(what, f"at most {soak.GOAL:+.0%}")
    first, last = soak.levels(report["memory"])
    minutes, completions = report["minutes"], report["completions"]
    whole = minutes >= soak.MINUTES and completions >= soak.COMPLETIONS
    shown = f"{last / first - 1:+.1%} ({completions:,} completions in {minutes:g} minutes)"
    return Goal(what, f"at most {soak.GOAL:+.0%}", shown, whole and last <= (1 + soak.GOAL) * first)


def _decoding(report: dict[str, Any]) -> list[Goal]:
    goals = []
    for name, least in _LEAST.items():
        figures = [ratio(report, name, SAME_WIDTH[name], "decode", THREADS, context) for context in _CONTEXTS]
        goals.append(_at_least(f"{name} against {SAME_WIDTH[name]}, context 32, 900", least, figures))
    figures = [ratio(report, AUTO, SAME_WIDTH[AUTO], "decode", 1, context) for context in _CONTEXTS]
    goals.insert(1, _at_least(f"{AUTO} against {SAME_WIDTH[AUTO]}, one thread, context 32, 900", 1.0, figures))
    figures = [ratio(report, AUTO, BASELINE, "decode", THREADS, context) for context in _CONTEXTS]
    goals.append(_at_least(f"{AUTO} against {BASELINE}, context 32, 900", _TRANSFORMERS, figures))
    for name in (AUTO, "ours bfloat16"):
        share = share_of_bandwidth(report, name, THREADS, _CONTEXTS[0])
        aim, shown = f"at least {_BANDWIDTH:.0%}", "" if share is None else f"{share:.0%}"
        reached = share is not None and share >= _BANDWIDTH
        goals.append(Goal(f"{name}, of measured read bandwidth, context 32", aim, shown, reached))
    return goals


def _quality(report: dict[str, Any]) -> tuple[Goal, Goal]:
    """Of int8 and int4."""
    losses: dict[str, float] = {row["name"]: row["loss"] for row in report.get("quality", [])}
    scored = next((f"{row['tokens']:,} tokens" for row in report.get("quality", [])), "")
    int8, int4 = losses.get(AUTO), losses.get("ours int4")
    peers = {name: losses[name] for name in ("llama.cpp Q4_0", "llama.cpp Q4_K_M") if name in losses}
    theirs = " and ".join(f"{name}'s {loss:.2%}" for name, loss in peers.items())
    return (
        Goal(
            f"perplexity of {AUTO} over float32",
            f"at most {_INT8_LOSS:.2%}",
            "" if int8 is None else f"{int8:+.2%} ({scored})",
            int8 is not None and int8 <= _INT8_LOSS,
        ),
        Goal(
            "perplexity of ours int4 over float32",
            f"at most {theirs or 'that of Q4_0 and Q4_K_M'}",
            "" if int4 is None else f"{int4:+.2%}",
            int4 is not None and bool(peers) and int4 <= min(peers.values()),
        ),
    )


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


def _start(report: dict[str, Any]) -> list[Goal]:
    goals = []
    for stage, what in (("painted", "painted window"), ("ready", "ready to generate, bundled model")):
        found = report.get("stages", {}).get(stage)
        goals.append(_at_most(what, startup.GOALS[stage], found["median"] if found else None, "s"))
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
