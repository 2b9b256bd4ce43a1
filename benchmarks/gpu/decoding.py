"""Decoding at batch size 1: parity with the CPU, a step's time, tokens/s against `transformers`, eager and compiled.

*Parity* compares logits with the CPU's in float32 and greedy text with what the CPU writes in float32, and asks twice
for one text with a seed. *Speed* is that of the whole engine, text and log-probabilities included, greedy and with the
preset Balanced, against `transformers`' greedy `generate`, both in bfloat16, taking turns; the prompt is not counted.
*Compiled* is `generate` with a static cache, for which `transformers` compiles the model by itself on CUDA. A figure is
the median of the turns. *Bandwidth* is what reading weights, keys and values once a token comes to, beside what a copy
on the device reads and writes in the same run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any, Final

import torch

from benchmarks.gpu.aims import RATIO, SPEED, TIMES, TOKENS_PER_S
from benchmarks.gpu.options import Options, Report, random_prompt
from gptdesk.gpt2.checkpoint import load_model
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.kv_cache import KVCache
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.cuda import ahead
from gptdesk.inference.cuda import sampling as device_sampling
from gptdesk.inference.cuda.decoder import DeviceDecoder
from gptdesk.inference.cuda.fused_step import fused_step
from gptdesk.inference.engine import DoneEvent, Engine, TokenEvent
from gptdesk.inference.in_torch.parity import TOLERANCE, expected_logits, parity_error
from gptdesk.inference.sampling.random_numbers import RandomNumbers
from gptdesk.inference.sampling.settings import PRESETS, DecodingSettings

_GREEDY: Final = DecodingSettings(temperature=0)
_KINDS: Final = {"greedy": _GREEDY, "Balanced": replace(PRESETS["Balanced"], seed=1)}


def measure(options: Options, report: Report) -> None:
    """Hands over parity, times of a step and of a choice, and speeds."""
    fast = options.engine("bfloat16")
    found: dict[str, Any] = {"parity": _check_parity(options, fast)}
    report(found)
    found |= _measure_step(options, fast)
    report(found)
    found["rows"] = _measure_speed(options, fast, {"transformers": _make_peer(options, compiled=False)})
    report(found)


def measure_compiled(options: Options, report: Report) -> None:
    """Hands over speeds against `transformers` compiled."""
    fast = options.engine("bfloat16")
    report({"rows": _measure_speed(options, fast, {"transformers, compiled": _make_peer(options, compiled=True)})})


def measure_overlap(options: Options, report: Report) -> None:
    """Hands over a step's time with kernels that start before the one before them has ended, and without."""
    engine = options.engine("bfloat16")
    found: dict[str, Any] = {}
    logits = []
    for name, overlap in (("step", False), ("step_overlapped", True)):
        step = fused_step(engine.model, overlap=overlap)
        found["fused"] = step is not None
        if step is None:
            raise SystemExit("The fused kernels cannot be made here.")
        decoder = DeviceDecoder(engine.model, graphs=True, fused=step)
        found[f"{name}_us"], one = _time_step(options, decoder, engine)
        logits.append(one)
    report(found | {"same_logits": torch.equal(*logits)})


def write(engine: Engine, prompt: list[int], settings: DecodingSettings, tokens: int) -> tuple[list[int], DoneEvent]:
    """Ids that the engine writes, and how it ended."""
    events = [*engine.generate(prompt, replace(settings, max_tokens=tokens))]
    done = events[-1]
    assert isinstance(done, DoneEvent)
    return [event.id for event in events if isinstance(event, TokenEvent)], done


def _check_parity(options: Options, fast: Engine) -> dict[str, Any]:
    """What the device computes, against the CPU in float32."""
    tokens = 20 if options.tiny else 300
    exact = options.engine("float32")
    cpu = Engine(load_model(options.model_folder()), gpt2_tokenizer())
    prompt = random_prompt(fast.config, 32)
    mine, theirs = (write(engine, prompt, _GREEDY, tokens)[0] for engine in (exact, cpu))
    first = next((place for place, ids in enumerate(zip(mine, theirs, strict=False)) if ids[0] != ids[1]), len(mine))
    seeded = [write(fast, prompt, _KINDS["Balanced"], tokens)[0] for _ in range(2)]
    expected = expected_logits(cpu.model)
    errors = {}
    for engine in (exact, fast):
        assert engine.decoder is not None
        errors[engine.precision] = parity_error(engine.model, expected, decoder=engine.decoder.result())
    return {
        "error": errors,
        "tolerance": {str(dtype).removeprefix("torch."): value for dtype, value in TOLERANCE.items()},
        "greedy_tokens_equal": first,
        "greedy_tokens": len(theirs),
        "same_seed_same_text": seeded[0] == seeded[1],
    }


def _measure_step(options: Options, fast: Engine) -> dict[str, Any]:
    """Microseconds of a step and of choosing a token, each alone and many in a row, and what computed the step."""
    assert fast.decoder is not None
    mine, plain = fast.decoder.result(), DeviceDecoder(fast.model, graphs=options.device != "cpu")
    assert isinstance(mine, DeviceDecoder)
    found: dict[str, Any] = {"fused": mine.fused is not None}
    for name, decoder in (("step", mine), ("step_by_torchs_kernels", plain)):
        found[f"{name}_us"], logits = _time_step(options, decoder, fast)
    for by, chooser in (("", mine.chooser), ("_by_torchs_kernels", None)):
        for name, settings in _KINDS.items():
            ahead.offer(logits, chooser=chooser)
            numbers = RandomNumbers(1)
            device_sampling.choose(logits[0], settings, numbers)
            began = _now(options)
            for row in logits:
                device_sampling.choose(row, settings, numbers)
            found[f"choice_{name.lower()}{by}_us"] = round(1e6 * (_now(options) - began) / len(logits), 1)
    return found


def _time_step(options: Options, decoder: DeviceDecoder, engine: Engine) -> tuple[float, torch.Tensor]:
    """Microseconds of a step, and logits of others."""
    weight = engine.model.wte.weight
    cache = KVCache(engine.config, dtype=weight.dtype, device=weight.device)
    steps = min(50, engine.config.n_positions // 2 - 1)  # twice: all within one graph
    logits = torch.stack([decoder.step(cache, 1) for _ in range(steps)])  # captures it
    began = _now(options)
    for _ in range(steps):
        decoder.step(cache, 1)
    return round(1e6 * (_now(options) - began) / steps, 1), logits


def _now(options: Options) -> float:
    options.wait()
    return time.perf_counter()


def _make_peer(options: Options, *, compiled: bool) -> Callable[[list[int], int], float]:
    """`transformers`: tokens/s that it writes after a prompt."""
    model = options.peer()
    how = {"cache_implementation": "static"} if compiled else {}

    def seconds(prompt: list[int], tokens: int) -> float:
        ids = torch.tensor([prompt], device=options.device)
        limits = {"max_new_tokens": tokens, "min_new_tokens": tokens, "pad_token_id": 0}
        began = time.perf_counter()
        with torch.inference_mode():
            model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, **limits, **how).cpu()
        return time.perf_counter() - began

    # The prompt's time is taken off; two tokens, because a single one compiles no step.
    return lambda prompt, tokens: (tokens - 2) / max(1e-9, seconds(prompt, tokens) - seconds(prompt, 2))


def _measure_bandwidth(options: Options) -> float:
    """GB/s read and written by a copy on the device, of many times the size of its caches."""
    source = torch.zeros(2**20 if options.tiny else 2**30, dtype=torch.uint8, device=options.device)
    target, best = torch.empty_like(source), 0.0
    for _ in range(5):
        began = _now(options)
        target.copy_(source)
        best = max(best, 2 * len(source) / (_now(options) - began) / 1e9)
    return best


def _bytes_a_token(config: GPT2Config, context: int, itemsize: int) -> int:
    """Bytes of matrices, keys and values that one token has to read."""
    matrices = config.n_layer * (4 * config.n_embd + 2 * config.inner_size) * config.n_embd
    return itemsize * (matrices + config.vocab_size * config.n_embd + 2 * config.n_layer * config.n_embd * context)


def _measure_speed(
    options: Options, fast: Engine, peers: dict[str, Callable[[list[int], int], float]]
) -> list[dict[str, Any]]:
    """Tokens/s of all after each context, taking turns."""
    # The longest first: `transformers` compiles for it once.
    turns, tokens, contexts = (1, 8, (32,)) if options.tiny else (5, 100, (900, 32))
    rows, limit = [], _measure_bandwidth(options)
    for context in contexts:
        prompt = random_prompt(fast.config, context)
        runs: dict[str, Callable[[], float]] = {
            f"ours, {kind}": lambda prompt=prompt, settings=settings: (
                write(fast, prompt, settings, tokens)[1].tokens_per_s
            )
            for kind, settings in _KINDS.items()
        }
        runs |= {name: lambda prompt=prompt, peer=peer: peer(prompt, tokens) for name, peer in peers.items()}
        speeds: dict[str, list[float]] = {name: [] for name in runs}
        for turn in range(turns + 1):
            for name, run in runs.items():
                speed = run()
                if turn:  # the first one captures graphs, compiles and wakes everything
                    speeds[name].append(speed)
        read = _bytes_a_token(fast.config, context + tokens // 2, fast.model.wte.weight.itemsize)
        theirs = speeds[next(iter(peers))]
        for name, values in speeds.items():
            gb_per_s = median(values) * read / 1e9
            rows.append(
                {
                    "name": name,
                    "context": context,
                    "tokens_per_s": round(median(values), 1),
                    "turns": [round(value, 1) for value in values],
                    "ratio": round(median(own / other for own, other in zip(values, theirs, strict=True)), 2),
                    "gb_per_s": round(gb_per_s, 1),
                    "share_of_bandwidth": round(gb_per_s / limit, 3),
                }
            )
    return rows


def must_reach(values: dict[str, Any]) -> list[dict[str, Any]]:
    """What was aimed at, and whether it was reached."""
    parity, goals = values["parity"], []
    sound = all(error <= parity["tolerance"][name] for name, error in parity["error"].items())
    same = parity["same_seed_same_text"]
    goals.append(
        {
            "what": "CUDA computes what the CPU does, and the same text for the same seed",
            "aim": "both",
            "figure": f"{'yes' if sound else 'no'}, {'yes' if same else 'no'}",
            "reached": sound and same,
        }
    )
    mine = [row for row in values.get("rows", []) if row["name"] == "ours, greedy"]
    if not mine:
        return goals
    least, speed = min(row["ratio"] for row in mine), min(row["tokens_per_s"] for row in mine)
    goals.append(RATIO | {"figure": f"{least:.1f}x", "reached": least >= TIMES})
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    for name, aim in TOKENS_PER_S.items():
        if name in card:
            goals.append(SPEED | {"figure": f"{speed:,.0f} tokens/s ({name})", "reached": speed >= aim})
    return goals


def as_table(values: dict[str, Any]) -> str:
    """Markdown."""
    lines = []
    if parity := values.get("parity"):
        errors = ", ".join(f"{name} {error:.2g}" for name, error in parity["error"].items())
        equal = f"{parity['greedy_tokens_equal']} of {parity['greedy_tokens']}"
        same = "yes" if parity["same_seed_same_text"] else "no"
        lines.append(f"Parity error: {errors}. Greedy text in float32 equals the CPU's for {equal} tokens.")
        lines += [f"Same seed, same text: {same}.", ""]
    alone = {key.removesuffix("_us").replace("_", ", "): value for key, value in values.items() if key.endswith("_us")}
    if alone:
        lines.append(f"Fused kernels: {'yes' if values['fused'] else 'no'}.")
        lines += [f"Same logits: {'yes' if values['same_logits'] else 'NO'}."] if "same_logits" in values else []
        lines += [f"Alone, in microseconds: {', '.join(f'{name} {value:g}' for name, value in alone.items())}.", ""]
    if rows := values.get("rows"):
        lines += [
            "| contender | context | tokens/s (lowest to highest turn) | ratio | GB/s | of a copy's bandwidth |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for row in rows:
            lines.append(
                f"| {row['name']} | {row['context']} | {row['tokens_per_s']} "
                f"({min(row['turns'])} to {max(row['turns'])}) | {row['ratio']} | {row['gb_per_s']} "
                f"| {100 * row['share_of_bandwidth']:.0f} % |"
            )
    return "\n".join(lines)
