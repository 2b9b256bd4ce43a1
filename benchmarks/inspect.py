"""How long a look into a model takes: lens, attention, attribution and ablation of GPT-2 124M at 256 tokens.

    python -m benchmarks.inspect [--tokens N] [--threads N] [--precision float32|int8] [--turns N] [--json OUT]

With random weights on a CPU: what is computed does not depend on them. Figures are medians over the turns, of
ablations one turn.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

from benchmarks.machine import cores_of_others, describe_machine, hand_over, report_parser

GOALS: Final = {
    "lens and attention of all layers": 1.0,
    "attribution": 0.2,
    "ablation, all tokens: first part": 1.0,
    "ablation, all tokens: 156 parts": 15.0,
}
"""Seconds (issue "Inspect")."""

_VISIBLE: Final = 40
"""Tokens beside each other that a pane shows of the lens."""


def measure(precision: str, tokens: int, turns: int) -> dict[str, float]:
    """Seconds of each view."""
    import torch

    from gptdesk.gpt2.checkpoint import load_model, save_model
    from gptdesk.gpt2.config import OPENAI_SIZES
    from gptdesk.gpt2.model import GPT2
    from gptdesk.inference.in_torch.shared_weights import load_quantized
    from gptdesk.inference.inspection.ablation import ablate
    from gptdesk.inference.inspection.attribution import attribution
    from gptdesk.inference.inspection.forward_pass import forward_pass
    from gptdesk.inference.inspection.lens import lens

    with TemporaryDirectory() as folder:
        model = GPT2(OPENAI_SIZES["gpt2"])
        model.init_weights(torch.Generator().manual_seed(0))
        save_model(model, Path(folder))
        model = load_model(Path(folder)) if precision == "float32" else load_quantized(Path(folder), precision)
    ids = torch.randint(50_000, (tokens,), generator=torch.Generator().manual_seed(1)).tolist()
    last = tokens - 1
    run = forward_pass(model, ids)

    def seconds(call: Callable[[], Any]) -> float:
        return median(_timed(call) for _ in range(turns))

    found = {
        "forward pass": seconds(lambda: forward_pass(model, ids)),
        "lens of all tokens": seconds(lambda: lens(run)),
        f"lens of {_VISIBLE} tokens": seconds(lambda: lens(run, max(0, tokens - _VISIBLE))),
        "attention": seconds(lambda: [run.pattern(layer) for layer in range(run.n_layer)]),
        "attribution": seconds(lambda: attribution(run, last, 11, 13)),
    }
    found["lens and attention of all layers"] = found["forward pass"] + found["lens of all tokens"] + found["attention"]
    for name, since in (("this token", last), ("all tokens", 0)):
        began = perf_counter()
        parts = ablate(run, last, 11, since=since)
        next(parts)
        found[f"ablation, {name}: first part"] = perf_counter() - began
        count = 1 + sum(1 for _ in parts)
        found[f"ablation, {name}: {count} parts"] = perf_counter() - began
    return found


def _timed(call: Callable[[], Any]) -> float:
    began = perf_counter()
    call()
    return perf_counter() - began


def _table(found: dict[str, float]) -> str:
    lines = ["| what | seconds | wanted |", "| --- | ---: | ---: |"]
    for name, seconds in found.items():
        goal = f"{GOALS[name]:g}" if name in GOALS else ""
        lines.append(f"| {name} | {seconds:.2f} | {goal} |")
    return "\n".join(lines)


def main() -> int:
    """Measures and prints the table."""
    parser = report_parser(__doc__)
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", choices=("float32", "int8"), default="float32")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    import torch

    torch.set_num_threads(options.threads)
    others: list[float] = []
    with cores_of_others(others):
        found = measure(options.precision, options.tokens, options.turns)
    report = {"machine": describe_machine("torch"), "seconds": found, "cores taken by others": others[0]}
    hand_over(report, f"{_table(found)}\n\nOther programs took {others[0]:.2f} cores.", options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
