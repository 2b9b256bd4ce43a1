"""How fast a CPU decodes: ours at each precision and number of threads against transformers' float32, taking turns.

    python -m benchmarks.decode [--model FOLDER] [--turns N] [--tokens N] [--threads N ...] [--context N ...]
                                [--json OUT]

Without a model folder GPT-2 124M with random weights: what is computed does not depend on them. In each turn every
contender decodes some tokens after each context, greedily and one at a time, sampling and text not included. A figure
is the median over the turns of a turn's median token; a ratio is that to `transformers` with as many threads in the
same turn, and again the median over the turns. Beside them stands the share of the memory's read bandwidth, measured in
the same turns, at which weights and cache of keys and values were read, and how many cores other programs took.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

# As gptdesk does before torch loads. On a busy machine the peer is faster with it too.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import numpy as np
import torch
from numba import njit

from benchmarks.machine import describe_machine
from gptdesk.folders import keep_compiled_code
from gptdesk.gpt2.checkpoint import load_model, save_model
from gptdesk.gpt2.compiling import compile_step
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.cpu_decoder import WEIGHTS, CPUDecoder
from gptdesk.gpt2.devices import physical_cores
from gptdesk.gpt2.model import GPT2, KVCache

PEER: Final = "transformers float32"
_READ: Final = 2**29
"""Bytes read to measure the bandwidth; many times the processor's caches."""


@dataclass
class Row:
    """One contender at one number of threads and one context.

    Attributes:
        name: of the contender, threads: it computes with, context: tokens before those decoded.
        step: decodes one token after that context, or after the last one.
        rewind: goes back to the context.
        read: bytes of weights, keys and values that a token reads, or 0 if that is not reckoned.
        tokens_per_s, bandwidth: of each turn.
    """

    name: str
    threads: int
    context: int
    step: Callable[[], None]
    rewind: Callable[[], None]
    read: int
    tokens_per_s: list[float] = field(default_factory=list)
    bandwidth: list[float] = field(default_factory=list)


def ours(model: GPT2, precision: str, threads: int, contexts: list[int]) -> Iterator[Row]:
    """Rows of a compiled decoder."""
    decoder = CPUDecoder(model, precision, compile_step(precision), threads=threads)
    size = {"float32": 4, "bfloat16": 2, "int8": 1}[precision]
    config = model.config
    matrices = config.n_layer * (4 * config.n_embd + 2 * config.inner_size) * config.n_embd
    weights = size * (matrices + config.vocab_size * config.n_embd)
    for context in contexts:
        cache = KVCache(config, dtype=torch.float32, device=torch.device("cpu"))
        ids = torch.zeros(1, context, dtype=torch.int64)
        with torch.inference_mode():
            model.hidden_states(ids, cache)

        def step(cache: KVCache = cache) -> None:
            logits = decoder.step(cache, step.id)
            step.id = int(logits.numpy().argmax())

        def rewind(cache: KVCache = cache, context: int = context, step: Any = step) -> None:
            cache.length, step.id = context, 0

        step.id = 0
        cached = 2 * 4 * config.n_layer * config.n_embd * context
        yield Row(f"ours {precision}", threads, context, step, rewind, weights + cached)


def peer(folder: Path, threads: int, contexts: list[int]) -> Iterator[Row]:
    """Rows of transformers' model with its own cache."""
    import transformers

    model = transformers.GPT2LMHeadModel.from_pretrained(folder).eval()
    for context in contexts:
        state: dict[str, Any] = {}
        with torch.inference_mode():
            state["cache"] = model(torch.zeros(1, context, dtype=torch.int64), use_cache=True).past_key_values

        def step(state: dict[str, Any] = state) -> None:
            torch.set_num_threads(threads)
            with torch.inference_mode():
                out = model(state["id"], past_key_values=state["cache"], use_cache=True)
                state["id"] = out.logits[:, -1:].argmax(dim=2)

        def rewind(state: dict[str, Any] = state, context: int = context) -> None:
            if read := state["cache"].get_seq_length() - context:
                state["cache"].crop(-read)
            state["id"] = torch.zeros(1, 1, dtype=torch.int64)

        yield Row(PEER, threads, context, step, rewind, 0)


@njit(nogil=True, fastmath=True)
def _total(numbers):
    total = 0
    for i in range(len(numbers)):
        total += numbers[i]
    return total


class ReadBandwidth:
    """Measures how many GB/s some threads read from memory together."""

    def __init__(self) -> None:
        self._numbers = np.ones(_READ // 8, np.int64)
        self._pool = ThreadPoolExecutor(physical_cores())

    def measure(self, threads: int) -> float:
        parts = np.array_split(self._numbers, threads)
        best = 0.0
        for _ in range(3):
            began = time.perf_counter()
            list(self._pool.map(_total, parts))
            best = max(best, _READ / (time.perf_counter() - began) / 1e9)
        return best


@contextmanager
def cores_of_others(told: list[float]) -> Iterator[None]:
    """Adds to ``told`` how many cores other programs took on average meanwhile; on Linux."""

    def busy() -> float:
        try:
            user, nice, system, _, _, irq, softirq, steal, *_ = map(
                int, Path("/proc/stat").read_text().split("\n")[0].split()[1:]
            )
        except OSError:
            return float("nan")
        return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")

    began, before, own = time.perf_counter(), busy(), time.process_time()
    yield
    seconds = time.perf_counter() - began
    told.append((busy() - before - (time.process_time() - own)) / seconds)


def benchmark(
    folder: Path, *, threads: list[int], contexts: list[int], turns: int, tokens: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Measures all contenders and returns everything that the report holds."""
    rows: list[Row] = []
    models = {dtype: load_model(folder, dtype=dtype) for dtype in set(WEIGHTS.values())}
    for count in threads:
        rows += peer(folder, count, contexts)
        for precision, dtype in WEIGHTS.items():
            rows += ours(models[dtype], precision, count, contexts)
    bandwidth, others = ReadBandwidth(), list[float]()
    reached: dict[int, list[float]] = {count: [] for count in threads}
    for turn in range(turns):
        with cores_of_others(others):
            for count in threads:
                reached[count].append(bandwidth.measure(count))
            for row in rows:
                _measure(row, tokens)
        say(f"turn {turn + 1} of {turns}: other programs took {others[-1]:.2f} cores")
    return {
        "benchmark": "decode",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine("torch", "numba", "transformers", "numpy"),
        "cores": physical_cores(),
        "cores_of_others": [round(value, 2) for value in others],
        "read_gb_per_s": {count: round(median(values), 1) for count, values in reached.items()},
        "model": asdict(models[torch.float32].config),
        "tokens": tokens,
        "rows": [_result(row, rows, reached[row.threads]) for row in rows],
    }


def _measure(row: Row, tokens: int) -> None:
    row.rewind()
    row.step()  # wakes threads and caches
    row.rewind()
    seconds = []
    for _ in range(tokens):
        began = time.perf_counter()
        row.step()
        seconds.append(time.perf_counter() - began)
    row.tokens_per_s.append(1 / median(seconds))


def _result(row: Row, rows: list[Row], reached: list[float]) -> dict[str, Any]:
    (other,) = (r for r in rows if (r.name, r.threads, r.context) == (PEER, row.threads, row.context))
    ratios = [mine / theirs for mine, theirs in zip(row.tokens_per_s, other.tokens_per_s, strict=True)]
    shares = [row.read * speed / 1e9 / limit for speed, limit in zip(row.tokens_per_s, reached, strict=True)]
    return {
        "name": row.name,
        "threads": row.threads,
        "context": row.context,
        "tokens_per_s": round(median(row.tokens_per_s), 1),
        "turns": [round(speed, 1) for speed in row.tokens_per_s],
        "ratio": round(median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
        "share_of_bandwidth": round(median(shares), 3) if row.read else None,
    }


def as_table(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    reads = ", ".join(f"{count}: {value} GB/s" for count, value in report["read_gb_per_s"].items())
    others = report["cores_of_others"]
    lines = [
        ", ".join(f"{name} {value}" for name, value in report["machine"].items()),
        f"{report['cores']} cores; other programs took {min(others)} to {max(others)} (median {median(others)})",
        f"read bandwidth by threads: {reads}",
        "",
        "| contender | threads | context | tokens/s (lowest to highest turn) | ratio (turns) | of read bandwidth |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in sorted(report["rows"], key=lambda row: (row["context"], row["threads"])):
        share = row["share_of_bandwidth"]
        lines.append(
            f"| {row['name']} | {row['threads']} | {row['context']} "
            f"| {row['tokens_per_s']} ({min(row['turns'])} to {max(row['turns'])}) "
            f"| {row['ratio']} ({min(row['ratios'])} to {max(row['ratios'])}) "
            f"| {'' if share is None else f'{100 * share:.0f} %'} |"
        )
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark and returns the exit code."""
    cores = physical_cores()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="model folder (GPT-2 124M with random weights)")
    parser.add_argument("--turns", type=int, default=7, help="of each contender (7)")
    parser.add_argument("--tokens", type=int, default=16, help="decoded in a turn (16)")
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, cores}), help=f"(1 {cores})")
    parser.add_argument(
        "--context", type=int, nargs="+", default=[32, 900], help="tokens before those decoded (32 900)"
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write everything to this file")
    args = parser.parse_args(argv)
    keep_compiled_code()
    report = benchmark(
        args.model or random_model(),
        threads=args.threads,
        contexts=args.context,
        turns=args.turns,
        tokens=args.tokens,
        say=lambda text: print(text, file=sys.stderr, flush=True),
    )
    print(as_table(report))
    if args.json:
        args.json.write_text(json.dumps(report, indent=2))
    return 0


def random_model() -> Path:
    """A folder with GPT-2 124M's shape and fresh weights; made once and kept among what can be made again."""
    from gptdesk.folders import Folders, ensure_folder

    folder = Folders.of_this_user().cache / "benchmarks" / "gpt2-random"
    if not (folder / "config.json").exists():
        model = GPT2(GPT2Config())
        model.init_weights(torch.Generator().manual_seed(0))
        save_model(model, ensure_folder(folder))
    return folder


if __name__ == "__main__":
    sys.exit(main())
