"""How much faster several completions are side by side than one after the other, with the same texts.

    python -m benchmarks.side_by_side [--completions N ...] [--tokens N] [--prompt N] [--turns N] [--json OUT]

With GPT-2 124M (random weights) in int8 on a CPU, two threads, and the settings of the window: the preset Balanced, and
ten alternatives of each token. Both ways take turns. Each turn has a prompt of its own, which was read ahead. What one
decode step of that many texts takes, beside a step of one text, is told too: the rest is choosing tokens.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, Final

from benchmarks.machine import cores_of_others, describe_machine, hand_over, report_parser

THREADS: Final = 2
GOAL: Final = 2.5
"""Times as fast, with `GOAL_COMPLETIONS` of them."""

GOAL_COMPLETIONS: Final = 4
_SEED: Final = 1


def measure(engine: Any, count: int, *, tokens: int, prompt: int, turns: int) -> dict[str, list[float]]:
    """Seconds that ``count`` completions take: "together" side by side, "alone" one after the other; the same in
    processor time ("together_cpu", "alone_cpu"); and those of a decode step of so many texts ("steps") and of one
    ("step")."""
    from gptdesk.inference.events import DoneEvent
    from gptdesk.inference.sampling.settings import PRESETS, completion_seed

    end = engine.tokenizer.start_of_text
    settings = replace(
        PRESETS["Balanced"], max_tokens=tokens, seed=_SEED, top_logprobs=10, logit_bias={end: -100.0}
    )  # all of one length

    def texts(ids: list[int], n: int, seed: int) -> list[str]:
        events = engine.generate(ids, replace(settings, n=n, seed=seed))
        return [event.text for event in events if isinstance(event, DoneEvent)]

    names = ("together", "alone", "together_cpu", "alone_cpu", "steps", "step")
    found: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(-1, turns):  # the first one wakes threads and caches
        ids = [(7 * turn + 13 * place) % 50_000 for place in range(prompt)]
        with engine.context_taken() as context:
            context.read(ids, lambda: False)
        began, began_cpu = perf_counter(), process_time()
        together = texts(ids, count, _SEED)
        between, between_cpu = perf_counter(), process_time()
        alone = [text for i in range(count) for text in texts(ids, 1, completion_seed(_SEED, i))]
        ended, ended_cpu = perf_counter(), process_time()
        steps, step = _steps(engine, ids, count, tokens), _steps(engine, ids, 1, tokens)
        assert alone == together
        if turn >= 0:
            cpu = between_cpu - began_cpu, ended_cpu - between_cpu
            for name, seconds in zip(found, (between - began, ended - between, *cpu, steps, step), strict=True):
                found[name].append(seconds)
    return found


def _steps(engine: Any, ids: list[int], count: int, tokens: int) -> float:
    """Seconds of a decode step of ``count`` texts; median."""
    from gptdesk.inference.decode import DecodeInput, decode

    seconds = []
    with engine.context_taken() as context:
        context.read(ids, lambda: False)
        contexts = [context, *(context.copy() for _ in range(count - 1))]
        for number in range(tokens):
            began = perf_counter()
            decode([DecodeInput(each, number + place) for place, each in enumerate(contexts)], engine.decoder.result())
            seconds.append(perf_counter() - began)
        context.read(ids, lambda: False)
    return median(seconds)


def benchmark(model: Path, counts: list[int], *, tokens: int, prompt: int, turns: int) -> dict[str, Any]:
    """Measures, and returns everything that the report holds."""
    from gptdesk.folders import Folders, keep_compiled_code

    keep_compiled_code()
    from gptdesk.inference.engine import Engine

    keep = Folders.of_this_user().quantized
    engine = Engine.load(model, device="cpu", precision="int8", threads=THREADS, keep=keep)
    assert engine.decoder is not None
    assert engine.decoder.result() is not None, "Numba is installed"
    others: list[float] = []
    rows = []
    for count in counts:
        with cores_of_others(others):
            found = measure(engine, count, tokens=tokens, prompt=prompt, turns=turns)
        rows.append({"completions": count, **found})
    return {
        "benchmark": "side_by_side",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine("torch", "numba", "numpy"),
        "cores_of_others": [round(value, 2) for value in others],
        "tokens": tokens,
        "prompt": prompt,
        "rows": rows,
        "must_reach": [
            {
                "what": f"{GOAL_COMPLETIONS} completions side by side against one after the other, int8",
                "aim": f"at least {GOAL:g}x",
                "figure": f"{ratio(row):.2f}x",
                "reached": ratio(row) >= GOAL,
            }
            for row in rows
            if row["completions"] == GOAL_COMPLETIONS
        ],
    }


def ratio(row: dict[str, Any], kind: str = "") -> float:
    """How many times as fast side by side: the median of the turns; "_cpu" for that of processor time."""
    pairs = zip(row[f"alone{kind}"], row[f"together{kind}"], strict=True)
    return median(alone / together for alone, together in pairs)


def as_table(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    shape = f"GPT-2 124M, int8, {THREADS} threads; {report['tokens']} tokens each after a prompt of {report['prompt']}"
    others = f"other programs took {median(report['cores_of_others']):.2f} cores (median)"
    titles = (
        "completions",
        "side by side, tokens/s",
        "one after the other, tokens/s",
        "ratio (turns)",
        "by processor time",
    )
    lines = [
        f"{shape}; {others}",
        "",
        f"| {' | '.join(titles)} | step of all, ms | step of one, ms |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in report["rows"]:
        count = row["completions"]
        rates = [count * report["tokens"] / median(row[name]) for name in ("together", "alone")]
        turns = [alone / together for alone, together in zip(row["alone"], row["together"], strict=True)]
        steps = [1000 * median(row[name]) for name in ("steps", "step")]
        lines.append(
            f"| {count} | {rates[0]:.0f} | {rates[1]:.0f} | **{ratio(row):.2f}** ({min(turns):.2f} to {max(turns):.2f})"
            f" | {ratio(row, '_cpu'):.2f} | {steps[0]:.2f} | {steps[1]:.2f} |"
        )
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark and returns the exit code."""
    parser = report_parser(__doc__)
    parser.add_argument("--completions", type=int, nargs="+", default=[2, 4, 8], help="side by side (2 4 8)")
    parser.add_argument("--tokens", type=int, default=64, help="of each completion (64)")
    parser.add_argument("--prompt", type=int, default=128, help="tokens of the prompt (128)")
    parser.add_argument("--turns", type=int, default=5, help="(5)")
    args = parser.parse_args(argv)
    from gptdesk.devices import set_thread_environment

    set_thread_environment()  # as every command does before torch loads
    from benchmarks.decode import random_model

    report = benchmark(random_model(), args.completions, tokens=args.tokens, prompt=args.prompt, turns=args.turns)
    hand_over(report, as_table(report), args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
