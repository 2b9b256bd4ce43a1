"""How fast a CPU decodes: ours at each precision and number of threads against its peers, taking turns.

    python -m benchmarks.decode [--model FOLDER] [--turns N] [--seconds N] [--tokens N] [--threads N ...]
                                [--context N ...] [--cached] [--text FILE [--scored FOLDER]] [--only WORD ...] [--xl]
                                [--loading-only] [--json OUT]

Peers are transformers, and llama.cpp (llama-cpp-python) and CTranslate2 where they are installed. llama.cpp reads the
GGUF that gptdesk exports, and what its own quantiser makes of that. Each contender is a process of its own, and one of
them works at a time. Without a model folder the model is GPT-2 124M with random weights: what is computed does not
depend on them. In each turn every contender decodes some tokens after each context, greedily and one at a time, and
reads prompts of 512 tokens and of 32, each for a quarter of a second at least; those whose weights have as many bits
follow each other. With one thread all run on the same core: another machine may have the other half of one. Before
each token that is decoded the processor's caches are emptied, unless ``--cached``: the weights of most models do not
fit into most caches, and how many of these are found in a large one that other machines share is chance. A
figure is the median over the turns (of a turn's median token or prompt); a ratio is that of two contenders in the same
turn, and again the median over the turns. Loading is measured in fresh processes.

*Quality* is the perplexity of a text in ours and llama.cpp's at each precision, token by token through the decoder, in
windows of 256 spread evenly over the text.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.bandwidth import ReadBandwidth
from benchmarks.decode_report import as_tables
from benchmarks.machine import cores_of_others, describe_machine, hand_over, report_parser
from benchmarks.peer_files import BYTES, HEAD_BYTES, PACKAGES, PEERS, Spec, list_contenders
from benchmarks.worker import FIRST_PROMPT, Worker
from gptdesk.devices import QUANTIZED, physical_cores
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import read_config
from gptdesk.resource_files import resource

PREFILL: Final = 512
"""Tokens of a long prompt."""

SECONDS: Final = 0.25
"""That each figure of a turn takes at least."""

_REST_S: Final = 0.25
"""Between two contenders: threads of OpenMP (Intel's) wait awake for 0.2 s, and would take a core from the next one."""

_AT_LEAST: Final = 5
"""Short prompts that a contender reads in a turn."""

_SCORED_WINDOW: Final = 256
_XL: Final = GPT2Config(n_layer=48, n_head=25, n_embd=1600)

Say = Callable[[str], None]
Figures = dict[tuple[str, str, int, int], list[float]]
"""Of each turn, by contender, what was measured, threads and tokens before it."""


def measure_speed(
    specs: list[Spec],
    *,
    threads: list[int],
    contexts: list[int],
    turns: int,
    seconds: float,
    tokens: int,
    from_memory: bool,
    say: Say,
) -> dict[str, Any]:
    """Decoding and reading, in turns: the report's ``speed``, ``read_gb_per_s`` and ``cores_of_others``; decoding with
    empty caches before each token if ``from_memory``."""
    figures: Figures = {}
    reached: dict[int, list[float]] = {count: [] for count in threads}
    others: list[float] = []
    bandwidth = ReadBandwidth()
    with ExitStack() as stack:
        workers = []
        for spec in specs:
            workers.append(Worker(spec, max(threads)))
            stack.callback(workers[-1].close)
        for turn in range(turns + 1):  # the first does not count: memory is found and files are read in it
            found: Figures = {}
            with cores_of_others(others, [worker.pid for worker in workers]):
                for count in threads:
                    reached[count].append(bandwidth.measure(count))
                    _measure(workers, count, contexts, seconds, tokens, from_memory, found)
            for key, values in found.items():
                figures.setdefault(key, []).extend(values if turn else [])
            if turn:
                say(f"turn {turn} of {turns}: other programs took {others[-1]:.2f} cores")
    return {
        "cores_of_others": [round(value, 2) for value in others[1:]],
        "read_gb_per_s": {str(count): [round(value, 2) for value in values[1:]] for count, values in reached.items()},
        "speed": [
            {"name": name, "what": what, "threads": count, "tokens": before, "turns": values}
            for (name, what, count, before), values in figures.items()
        ],
    }


def _measure(
    workers: list[Worker],
    threads: int,
    contexts: list[int],
    seconds: float,
    tokens: int,
    from_memory: bool,
    found: Figures,
) -> None:
    """One turn, in which all contenders do the same one right after the other, because a core that another machine
    shares may be half as fast for seconds. Tokens a second, and for the first token seconds."""
    cold = {"from_memory": True} if from_memory else {}  # which `benchmarks.versions`' other version does not know
    for context in contexts:
        for worker in workers:
            ask = partial(worker.ask, "decode", context=context, tokens=tokens, threads=threads, **cold)
            found[worker.spec.name, "decode", threads, context] = [1 / median(chain(*_repeat(ask, seconds)))]
    for worker in workers:
        prefill = median(_repeat(partial(worker.ask, "first_token", prompt=PREFILL, threads=threads), seconds))
        found[worker.spec.name, "prefill", threads, PREFILL] = [PREFILL / prefill]
    for worker in workers:
        ask = partial(worker.ask, "first_token", prompt=FIRST_PROMPT, threads=threads)
        found[worker.spec.name, "first token", threads, FIRST_PROMPT] = [median(_repeat(ask, seconds, _AT_LEAST))]


def _repeat(ask: Callable[[], Any], seconds: float, times: int = 1) -> list[Any]:
    """Answers of at least that many seconds and times: in a few hundredths of a second much may come by."""
    time.sleep(_REST_S)
    began, answers = time.perf_counter(), []
    while len(answers) < times or time.perf_counter() - began < seconds:
        answers.append(ask())
    return answers


def measure_loading(
    specs: list[Spec], config: GPT2Config, *, threads: int, turns: int, say: Say
) -> list[dict[str, Any]]:
    """What loading takes, each time in a fresh process, taking turns; files are in the system's cache."""
    turned: dict[str, list[dict[str, Any]]] = {spec.name: [] for spec in specs}
    for turn in range(turns + 1):
        for spec in specs:
            worker = Worker(spec, threads)
            worker.close()
            if turn:  # at first compiled code and rounded weights may have to be made
                turned[spec.name].append(worker.loading)
        say(f"loading, turn {turn} of {turns}")
    rows = []
    for spec in specs:
        found = turned[spec.name]
        weights = bytes_in_memory(spec, config) if spec.program == "ours" else None
        over = [one["peak_bytes"] - one["before_bytes"] - (weights or 0) for one in found]
        rows.append(
            {
                "name": spec.name,
                "seconds": [round(one["seconds"], 3) for one in found],
                "first_token_s": [round(one["first_token_s"], 3) for one in found],
                "peak_mb": round(median(one["peak_bytes"] - one["before_bytes"] for one in found) / 1e6),
                "peak_first_token_mb": round(
                    median(one["peak_first_token_bytes"] - one["before_bytes"] for one in found) / 1e6
                ),
                "weights_mb": None if weights is None else round(weights / 1e6),
                "over_weights_mb": None if weights is None else round(median(over) / 1e6),
            }
        )
    return rows


def measure_quality(specs: list[Spec], model: Path, text: Path, tokens: int, say: Say) -> list[dict[str, Any]]:
    """Perplexity of each contender for a model on ``tokens`` of a text, and how far it is above ours in float32."""
    from gptdesk.gpt2.layout import read_config
    from gptdesk.gpt2.tokenizers.loading import load_tokenizer

    tokenizer = load_tokenizer(model, read_config(model))
    ids = _spread(tokenizer.encode(text.read_text(encoding="utf-8")), tokens)
    rows: list[dict[str, Any]] = []
    for spec in specs:
        say(f"scoring in {spec.name}")
        worker = Worker(spec, physical_cores())
        scores = worker.ask("score", ids=ids, window=min(_SCORED_WINDOW, len(ids)))
        worker.close()
        perplexity = math.exp(-sum(scores) / len(scores))
        rows.append({"name": spec.name, "tokens": len(scores), "perplexity": perplexity})
    (exact,) = (row["perplexity"] for row in rows if row["name"] == "ours float32")
    return [row | {"loss": row["perplexity"] / exact - 1} for row in rows]


def _spread(ids: list[int], tokens: int) -> list[int]:
    """Whole windows from all parts of a text, ``tokens`` in all or the text itself if it has fewer."""
    windows = min(tokens, len(ids)) // _SCORED_WINDOW
    if windows == 0:
        return ids
    starts = [(len(ids) - _SCORED_WINDOW) * window // max(1, windows - 1) for window in range(windows)]
    return [id for start in starts for id in ids[start : start + _SCORED_WINDOW]]


def bytes_in_memory(spec: Spec, config: GPT2Config) -> int:
    """What the weights of ours take by themselves."""
    if spec.precision in QUANTIZED:
        from gptdesk.inference.cpu.weights import Weights

        return Weights.size(config, spec.precision)
    return round(config.num_parameters() * BYTES[spec.precision])


def bytes_a_token(spec: Spec, config: GPT2Config, context: int) -> float:
    """What a token of ours reads: matrices (without their scales), and float32 keys and values."""
    matrices = config.n_layer * (4 * config.n_embd + 2 * config.inner_size) * config.n_embd
    weights = BYTES[spec.precision] * matrices + HEAD_BYTES[spec.precision] * config.vocab_size * config.n_embd
    return weights + 2 * 4 * config.n_layer * config.n_embd * context


def random_model(config: GPT2Config | None = None) -> Path:
    """A folder with that shape (GPT-2 124M's) and fresh weights; made once and kept among what can be made again."""
    import torch

    from gptdesk.folders import Folders, ensure_folder
    from gptdesk.gpt2.checkpoint import save_model
    from gptdesk.gpt2.model import GPT2

    config = config or GPT2Config()
    name = "gpt2-random" if config == GPT2Config() else f"gpt2-random-{config.n_layer}x{config.n_embd}"
    folder = Folders.of_this_user().cache / "benchmarks" / name
    if not (folder / "config.json").exists():
        with torch.device("meta"):
            model = GPT2(config)
        model = model.to(torch.bfloat16 if config.num_parameters() > 10**9 else torch.float32).to_empty(device="cpu")
        if config.tie_word_embeddings:
            model.lm_head.weight = model.wte.weight
        model.init_weights(torch.Generator().manual_seed(0))
        save_model(model, ensure_folder(folder))
    return folder


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark and returns the exit code."""
    cores = physical_cores()
    parser = report_parser(__doc__)
    parser.add_argument("--model", type=Path, help="model folder (GPT-2 124M with random weights)")
    parser.add_argument("--xl", action="store_true", help="the shape of gpt2-xl instead, random weights in bfloat16")
    parser.add_argument("--turns", type=int, default=15, help="of each contender (15)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"that a figure of a turn takes ({SECONDS})")
    parser.add_argument("--tokens", type=int, default=16, help="decoded after a context before the next time (16)")
    parser.add_argument("--cached", action="store_true", help="leave in the caches what is there of the weights")
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, cores}), help=f"(1 {cores})")
    parser.add_argument(
        "--context", type=int, nargs="+", default=[32, 900], help="tokens before those decoded (32 900)"
    )
    parser.add_argument("--only", nargs="+", metavar="WORD", help="contenders with one of the words in their names")
    parser.add_argument("--loading-only", action="store_true", help="nothing but loading")
    parser.add_argument("--text", type=Path, help="to score for the quality; without it quality is left out")
    parser.add_argument("--text-tokens", type=int, default=16_384, help="of the text that are scored (16,384)")
    parser.add_argument("--scored", type=Path, default=resource("models", "stories"), help="model folder (the bundled)")
    args = parser.parse_args(argv)

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    folder = args.model or random_model(_XL if args.xl else None)
    config = read_config(folder)
    peers = PEERS if not args.only or any("llama" in word or "CTranslate2" in word for word in args.only) else ()
    specs = list_contenders(folder, peers=peers, say=say)
    specs = [spec for spec in specs if not args.only or any(word in spec.name for word in args.only)]
    scored = []
    if args.text:
        peers = [peer for peer in peers if peer != "CTranslate2"]  # which tells no logits
        scored = list_contenders(args.scored, peers=peers, say=say)
        scored = [spec for spec in scored if spec.program != "transformers"]
    packages = sorted({PACKAGES[spec.program] for spec in specs} | {"torch", "numba", "numpy"})
    report: dict[str, Any] = {
        "benchmark": "decode",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(*packages),
        "cores": cores,
        "model": asdict(config),
        "seconds": args.seconds,
        "tokens": args.tokens,
        "from_memory": not args.cached,
    }
    if not args.loading_only:
        report |= measure_speed(
            specs,
            threads=args.threads,
            contexts=args.context,
            turns=args.turns,
            seconds=args.seconds,
            tokens=args.tokens,
            from_memory=not args.cached,
            say=say,
        )
        report["bytes_a_token"] = {
            spec.name: {str(context): bytes_a_token(spec, config, context) for context in args.context}
            for spec in specs
            if spec.program == "ours"
        }
    report["loading"] = measure_loading(specs, config, threads=max(args.threads), turns=min(3, args.turns), say=say)
    if args.text:
        report["quality"] = measure_quality(scored, args.scored, args.text, args.text_tokens, say)
        report["quality_of"] = f"{args.scored.name} on {args.text.name}"
    hand_over(report, as_tables(report), args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
