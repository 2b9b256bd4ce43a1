"""How fast a CUDA device decodes at batch size 1, and whether it computes what the CPU does.

    python -m benchmarks.cuda [--model FOLDER] [--device NAME] [--turns N] [--tokens N] [--context N ...] [--quick]
                              [--json OUT]

Without a model folder GPT-2 124M with random weights: what is computed does not depend on them. *Parity* compares
logits with the CPU's in float32 and greedy text with what the CPU writes in float32, and asks twice for one text with a
seed. *Speed* is that of the whole engine, text and log-probabilities included, greedy and with the preset Balanced,
against `transformers`' greedy `generate`, both in bfloat16, taking turns; the prompt is not counted. A figure is the
median of the turns. *Bandwidth* is what reading weights, keys and values once a token comes to, beside what a copy on
the device reads and writes in the same run.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

import torch

from benchmarks.machine import describe_machine, hand_over, report_parser
from gptdesk.gpt2.checkpoint import load_model
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.cuda.decoder import DeviceDecoder
from gptdesk.inference.engine import DoneEvent, Engine, TokenEvent
from gptdesk.inference.parity import TOLERANCE, expected_logits, parity_error
from gptdesk.inference.sampling.settings import PRESETS, DecodingSettings

AIM: Final = 20.0
"""Times as fast as `transformers` in the same run."""

_COPIED: Final = 2**30
"""Bytes copied to measure the bandwidth; many times the device's caches."""

_GREEDY: Final = DecodingSettings(temperature=0)
_KINDS: Final = {"greedy": _GREEDY, "Balanced": replace(PRESETS["Balanced"], seed=1)}


def write(engine: Engine, prompt: list[int], settings: DecodingSettings, tokens: int) -> tuple[list[int], DoneEvent]:
    """Ids that the engine writes, and how it ended."""
    events = [*engine.generate(prompt, replace(settings, max_tokens=tokens))]
    done = events[-1]
    assert isinstance(done, DoneEvent)
    return [event.id for event in events if isinstance(event, TokenEvent)], done


def check_parity(folder: Path, fast: Engine, tokens: int) -> dict[str, Any]:
    """What the device computes, against the CPU in float32."""
    exact = Engine.load(folder, device=fast.device, precision="float32")
    cpu = Engine(load_model(folder), gpt2_tokenizer())
    prompt = random_prompt(fast.config, 32)
    mine, theirs = (write(engine, prompt, _GREEDY, tokens)[0] for engine in (exact, cpu))
    first = next((place for place, ids in enumerate(zip(mine, theirs, strict=False)) if ids[0] != ids[1]), len(mine))
    seeded = [write(fast, prompt, _KINDS["Balanced"], tokens)[0] for _ in range(2)]
    expected = expected_logits(cpu.model)
    decoders = [DeviceDecoder(engine.model, graphs=True) for engine in (exact, fast)]
    return {
        "error": {
            decoder.precision: parity_error(engine.model, expected, decoder=decoder)
            for engine, decoder in zip((exact, fast), decoders, strict=True)
        },
        "tolerance": {str(dtype).removeprefix("torch."): value for dtype, value in TOLERANCE.items()},
        "greedy_tokens_equal": first,
        "greedy_tokens": len(theirs),
        "same_seed_same_text": seeded[0] == seeded[1],
    }


def random_prompt(config: GPT2Config, length: int) -> list[int]:
    """So many ids from all over the vocabulary."""
    generator = torch.Generator().manual_seed(length)
    return torch.randint(0, min(config.vocab_size, 50257), (length,), generator=generator).tolist()


def make_peer(folder: Path, device: str) -> Callable[[list[int], int], float]:
    """`transformers`: tokens/s that it writes after a prompt."""
    import transformers

    model = transformers.GPT2LMHeadModel.from_pretrained(folder, dtype=torch.bfloat16).to(device).eval()

    def seconds(prompt: list[int], tokens: int) -> float:
        ids = torch.tensor([prompt], device=device)
        limits = {"max_new_tokens": tokens, "min_new_tokens": tokens, "pad_token_id": 0}
        began = time.perf_counter()
        with torch.inference_mode():
            model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, **limits).cpu()
        return time.perf_counter() - began

    return lambda prompt, tokens: (tokens - 1) / (seconds(prompt, tokens) - seconds(prompt, 1))


def measure_bandwidth(device: str) -> float:
    """GB/s read and written by a copy on the device."""
    source = torch.zeros(_COPIED, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    best = 0.0
    for _ in range(5):
        began = time.perf_counter()
        target.copy_(source)
        target[:1].cpu()  # waits
        best = max(best, 2 * _COPIED / (time.perf_counter() - began) / 1e9)
    return best


def bytes_a_token(config: GPT2Config, context: int, itemsize: int) -> int:
    """Bytes of matrices, keys and values that one token has to read."""
    matrices = config.n_layer * (4 * config.n_embd + 2 * config.inner_size) * config.n_embd
    return itemsize * (matrices + config.vocab_size * config.n_embd + 2 * config.n_layer * config.n_embd * context)


def measure_speed(
    fast: Engine, peer: Callable[[list[int], int], float], *, contexts: list[int], turns: int, tokens: int
) -> list[dict[str, Any]]:
    """Tokens/s of both after each context, taking turns."""
    rows = []
    limit = measure_bandwidth(fast.device)
    for context in contexts:
        prompt = random_prompt(fast.config, context)
        runs: dict[str, Callable[[], float]] = {
            f"ours, {kind}": lambda prompt=prompt, settings=settings: (
                write(fast, prompt, settings, tokens)[1].tokens_per_s
            )
            for kind, settings in _KINDS.items()
        }
        runs["transformers"] = lambda prompt=prompt: peer(prompt, tokens)
        speeds: dict[str, list[float]] = {name: [] for name in runs}
        for turn in range(turns + 1):
            for name, run in runs.items():
                speed = run()
                if turn:  # the first one captures graphs and wakes everything
                    speeds[name].append(speed)
        read = bytes_a_token(fast.config, context + tokens // 2, fast.model.wte.weight.itemsize)
        for name, values in speeds.items():
            ratios = [mine / theirs for mine, theirs in zip(values, speeds["transformers"], strict=True)]
            gb_per_s = median(values) * read / 1e9
            rows.append(
                {
                    "name": name,
                    "context": context,
                    "tokens_per_s": round(median(values), 1),
                    "turns": [round(value, 1) for value in values],
                    "ratio": round(median(ratios), 2),
                    "gb_per_s": round(gb_per_s, 1),
                    "share_of_bandwidth": round(gb_per_s / limit, 3),
                }
            )
    return rows


def must_reach(parity: dict[str, Any], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was aimed at, and whether it was reached."""
    least = min(row["ratio"] for row in rows if row["name"] == "ours, greedy")
    sound = all(error <= parity["tolerance"][name] for name, error in parity["error"].items())
    return [
        {
            "what": "CUDA, bfloat16, batch 1, against transformers in the same run",
            "aim": f"at least {AIM:g}x",
            "figure": f"{least:.1f}x",
            "reached": least >= AIM,
        },
        {
            "what": "CUDA computes what the CPU does, and the same text for the same seed",
            "aim": "both",
            "figure": f"{'yes' if sound else 'no'}, {'yes' if parity['same_seed_same_text'] else 'no'}",
            "reached": sound and parity["same_seed_same_text"],
        },
    ]


def as_table(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    parity = report["parity"]
    errors = ", ".join(f"{name} {error:.2g}" for name, error in parity["error"].items())
    equal = f"{parity['greedy_tokens_equal']} of {parity['greedy_tokens']}"
    lines = [
        ", ".join(f"{name} {value}" for name, value in report["machine"].items()),
        f"parity error: {errors}",
        f"greedy text in float32 equals the CPU's for {equal} tokens",
        f"same seed, same text: {'yes' if parity['same_seed_same_text'] else 'no'}",
        "",
        "| contender | context | tokens/s (lowest to highest turn) | ratio | GB/s | of a copy's bandwidth |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in report["rows"]:
        lines.append(
            f"| {row['name']} | {row['context']} | {row['tokens_per_s']} ({min(row['turns'])} to {max(row['turns'])}) "
            f"| {row['ratio']} | {row['gb_per_s']} | {100 * row['share_of_bandwidth']:.0f} % |"
        )
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark and returns the exit code."""
    parser = report_parser(__doc__)
    parser.add_argument("--model", type=Path, help="model folder (GPT-2 124M with random weights)")
    parser.add_argument("--device", default="cuda", help="(cuda)")
    parser.add_argument("--turns", type=int, default=7, help="of each contender (7)")
    parser.add_argument("--tokens", type=int, default=100, help="written in a turn (100)")
    parser.add_argument("--context", type=int, nargs="+", default=[32, 900], help="tokens of the prompt (32 900)")
    parser.add_argument("--quick", action="store_true", help="measure little")
    args = parser.parse_args(argv)
    if not torch.cuda.is_available():
        print(
            "There is no CUDA here: this benchmark needs an NVIDIA card and a build of torch for it.", file=sys.stderr
        )
        return 2
    folder = args.model
    if folder is None:
        from benchmarks.decode import random_model

        folder = random_model()
    turns, tokens = (1, 16) if args.quick else (args.turns, args.tokens)
    fast = Engine.load(folder, device=args.device, precision="bfloat16")
    parity = check_parity(folder, fast, 5 * tokens)
    rows = measure_speed(fast, make_peer(folder, fast.device), contexts=args.context, turns=turns, tokens=tokens)
    report = {
        "benchmark": "cuda",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine("torch", "transformers") | {"card": torch.cuda.get_device_name(fast.device)},
        "tokens": tokens,
        "parity": parity,
        "rows": rows,
        "must_reach": must_reach(parity, rows),
    }
    hand_over(report, as_table(report), args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
