"""How fast a prompt is read: the time until its last token's logits are known, against `transformers`."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

from benchmarks.gpu.options import Options, Report, random_prompt
from gptdesk.inference.engine import DoneEvent, Engine
from gptdesk.inference.sampling.settings import DecodingSettings


def measure(options: Options, report: Report) -> None:
    """Hands over milliseconds at each length, ours and theirs in turns."""
    engine, peer = options.engine("bfloat16"), options.peer()
    turns, lengths = (1, (20, 100)) if options.tiny else (7, (32, 128, 512, 1000))
    rows: list[dict[str, Any]] = []
    for length in lengths:
        prompt = random_prompt(engine.config, length)
        mine, theirs = [], []
        for turn in range(turns + 1):
            ids = [(id + turn) % 50_000 for id in prompt]  # nothing of it was read before
            seconds = _first_token(engine, ids), _forward(peer, ids, options)
            if turn:  # the first one loads kernels
                mine.append(seconds[0])
                theirs.append(seconds[1])
        rows.append(
            {
                "tokens": length,
                "ms": round(1000 * median(mine), 3),
                "transformers_ms": round(1000 * median(theirs), 3),
                "ratio": round(median(other / own for own, other in zip(mine, theirs, strict=True)), 2),
            }
        )
        report({"rows": rows})


def _first_token(engine: Engine, ids: list[int]) -> float:
    """Seconds until the engine has the first token after ``ids``."""
    *_, done = engine.generate(ids, DecodingSettings(temperature=0, max_tokens=1))
    assert isinstance(done, DoneEvent)
    return done.ttft_ms / 1000


def _forward(peer: Any, ids: list[int], options: Options) -> float:
    """Seconds of one forward pass, and of taking the most likely token."""
    import torch

    options.wait()
    began = time.perf_counter()
    with torch.inference_mode():
        logits = peer(torch.tensor([ids], device=options.device), logits_to_keep=1).logits
        int(logits[0, -1].argmax())
    return time.perf_counter() - began


def as_table(values: dict[str, Any]) -> str:
    """Markdown."""
    lines = [
        "| tokens of the prompt | ours, ms | tokens/s | transformers, ms | ratio |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in values["rows"]:
        speed = row["tokens"] / row["ms"] * 1000
        lines.append(f"| {row['tokens']} | {row['ms']} | {speed:,.0f} | {row['transformers_ms']} | {row['ratio']} |")
    return "\n".join(lines)
