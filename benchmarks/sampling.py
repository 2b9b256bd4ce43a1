"""How long a token takes to be chosen once the model has computed its logits: ours against transformers, taking turns.

    python -m benchmarks.sampling [--turns N] [--tokens N] [--json OUT]

One thread. Measures all work for one token: samplers, the draw, its log-probability, the entropy and the 20 most likely
tokens; not its text. Peer: `transformers`' own processors in the order of its `generate`, torch.multinomial and topk.
Chain and processors are built once. Both get the same logits over 50,257 tokens: those of the bundled model along a
text that it writes, with more beside them because it has fewer tokens, and nearly flat ones, as a worst case. Where
both can do what is asked, it is checked that they leave the same tokens. A figure is the median over the turns of a
turn's median token.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from transformers.generation import logits_process as peer

from benchmarks.machine import describe_machine, hand_over, report_parser
from gptdesk.gpt2.checkpoint import load_model
from gptdesk.gpt2.config import VOCAB_SIZE
from gptdesk.gpt2.tokenizers.loading import load_tokenizer
from gptdesk.inference.context import Context
from gptdesk.inference.in_torch.network import TorchNetwork
from gptdesk.inference.prediction import Prediction
from gptdesk.inference.sampling.chain import SamplerChain
from gptdesk.inference.sampling.choice import argmax, sample
from gptdesk.inference.sampling.random_numbers import RandomNumbers
from gptdesk.inference.sampling.sampler import History
from gptdesk.inference.sampling.settings import PRESETS, DecodingSettings
from gptdesk.resource_files import resource

_PROMPT: Final = "Once upon a time there was a little girl who lived near a forest."
_AIM_MS: Final = 0.4

_HISTORY: Final = 500
"""Tokens before those that are chosen, for the settings that look at them."""

_TOP: Final = 20
_SPREAD: Final = 0.3
"""Standard deviation of the nearly flat logits: 45,000 tokens make up 95 % of their probability."""

_LOWER: Final = 3.0
"""Nats; they make up some hundredths of the probability."""

_PENALTIES: Final = {"repetition_penalty": 1.2, "no_repeat_ngram": 3, "logit_bias": {13: -2.0, 1169: 1.5}}
_FILTERS: Final = {"temperature": 0.8, "top_k": 50, "top_p": 0.95, "min_p": 0.05, "typical_p": 0.9}

SETTINGS: Final = {
    "greedy": DecodingSettings(temperature=0),
    "neutral": DecodingSettings(),
    "temperature 0.8": DecodingSettings(temperature=0.8),
    "top-k 50": DecodingSettings(top_k=50),
    "top-p 0.95": DecodingSettings(top_p=0.95),
    "min-p 0.05": DecodingSettings(min_p=0.05),
    "typical-p 0.9": DecodingSettings(typical_p=0.9),
    'preset "Balanced"': PRESETS["Balanced"],
    "repetition penalty, n-grams, biases": DecodingSettings(**_PENALTIES),
    "all of them": DecodingSettings(**_FILTERS, **_PENALTIES),
    "all, and presence and frequency (ours)": DecodingSettings(
        **_FILTERS, **_PENALTIES, presence_penalty=0.5, frequency_penalty=0.5
    ),
    "top-p 0.99 and typical-p 0.95, temperature 1.5": DecodingSettings(temperature=1.5, top_p=0.99, typical_p=0.95),
}


@dataclass
class Row:
    """One choice of settings and one kind of logits.

    Attributes:
        name: of the settings, logits: "model" or "flat".
        kept: tokens that were left to draw from, at most and in the median.
        ours, theirs: milliseconds a token, of each turn.
    """

    name: str
    logits: str
    kept: list[int]
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)


def choose_ours(logits: np.ndarray, ids: np.ndarray, chain: SamplerChain, numbers: RandomNumbers) -> np.ndarray:
    """What `choose` does for a token, without its text; returns the logits that were drawn from."""
    prediction = Prediction(logits)
    half = len(ids) // 2
    processed = chain.apply(logits, History(ids[:half], ids[half:]))
    id = argmax(processed) if chain.greedy else sample(processed, numbers)
    _ = prediction.entropy, prediction.logprob(id), [prediction.logprob(id) for id in prediction.most_likely(_TOP)]
    return processed


def choose_theirs(
    logits: Tensor, ids: Tensor, processors: peer.LogitsProcessorList, greedy: bool, generator: torch.Generator
) -> Tensor:
    """The same with transformers and torch; ``ids`` (1, T)."""
    logprobs = logits.log_softmax(dim=0)
    entropy = -(logprobs.exp() * logprobs).sum()
    processed = processors(ids, logits[None])
    id = processed.argmax(dim=1) if greedy else processed.softmax(dim=1).multinomial(1, generator=generator)
    top = logprobs.topk(_TOP)
    _ = float(entropy), float(logprobs[int(id)]), top.values.tolist(), top.indices.tolist()
    return processed[0]


def processors(settings: DecodingSettings) -> peer.LogitsProcessorList:
    """Those that transformers' `generate` makes of the same settings (generation/utils.py)."""
    found = peer.LogitsProcessorList()
    if settings.logit_bias:
        found.append(peer.SequenceBiasLogitsProcessor({(id,): bias for id, bias in settings.logit_bias.items()}))
    if settings.repetition_penalty != 1:
        found.append(peer.RepetitionPenaltyLogitsProcessor(settings.repetition_penalty))
    if settings.no_repeat_ngram:
        found.append(peer.NoRepeatNGramLogitsProcessor(settings.no_repeat_ngram))
    if settings.greedy:
        return found
    if settings.temperature != 1:
        found.append(peer.TemperatureLogitsWarper(settings.temperature))
    if settings.top_k:
        found.append(peer.TopKLogitsWarper(settings.top_k))
    if settings.top_p < 1:
        found.append(peer.TopPLogitsWarper(settings.top_p))
    if settings.min_p:
        found.append(peer.MinPLogitsWarper(settings.min_p))
    if settings.typical_p < 1:
        found.append(peer.TypicalLogitsWarper(settings.typical_p))
    return found


def model_logits(count: int) -> tuple[list[np.ndarray], list[int]]:
    """The bundled model's logits at ``count`` places of a text that it writes, and the ids before them.

    Tokens of GPT-2 that it lacks get logits drawn from its own, `_LOWER` below.
    """
    folder = resource("models", "stories")
    network = load_model(folder)
    context, tokenizer = Context(TorchNetwork(network)), load_tokenizer(folder, network.config)
    ids, numbers, generator = tokenizer.encode(_PROMPT), RandomNumbers(0), np.random.default_rng(0)
    context.read(ids, lambda: False)
    found = []
    for _ in range(count):
        own = np.array(context.logits)
        rest = generator.choice(own, VOCAB_SIZE - len(own)) - np.float32(_LOWER)
        found.append(np.concatenate([own, rest]))
        ids.append(sample(own, numbers))
        context.append(ids[-1])
    return found, ids


def benchmark(*, turns: int, tokens: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Measures all settings with one thread and returns everything that the report holds."""
    with one_thread():
        generator = torch.Generator().manual_seed(0)
        written, text = model_logits(tokens)
        history = np.resize(np.array(text), _HISTORY)
        kinds = {"model": written, "flat": list(_SPREAD * torch.randn(tokens, VOCAB_SIZE, generator=generator).numpy())}
        rows = [
            Row(name, kind, _check(logits, history, settings))
            for kind, logits in kinds.items()
            for name, settings in SETTINGS.items()
        ]
        for turn in range(turns):
            for row in rows:
                _measure(row, kinds[row.logits], history, generator)
            say(f"turn {turn + 1} of {turns}")
    return {
        "benchmark": "sampling",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine("torch", "numpy", "transformers"),
        "threads": 1,
        "tokens": tokens,
        "rows": (results := [_result(row) for row in rows]),
        "must_reach": [_goal(results)],
    }


def _check(logits: list[np.ndarray], history: np.ndarray, settings: DecodingSettings) -> list[int]:
    """Makes sure that both leave the same tokens; returns how many."""
    kept = []
    for one in logits:
        ours = choose_ours(one, history, SamplerChain(settings), RandomNumbers())
        kept.append(1 if settings.greedy else int((ours > -np.inf).sum()))
        if not settings.presence_penalty and not settings.frequency_penalty:
            ids = torch.from_numpy(history)[None]
            theirs = choose_theirs(torch.from_numpy(one), ids, processors(settings), settings.greedy, torch.Generator())
            different = Counter(ours.tolist()) - Counter(theirs.tolist())  # of equal tokens each may keep another
            assert different.total() <= 2  # those at which rounding decides
    return kept


def _measure(row: Row, logits: list[np.ndarray], history: np.ndarray, generator: torch.Generator) -> None:
    settings, ids, numbers = SETTINGS[row.name], torch.from_numpy(history)[None], RandomNumbers(0)
    tensors = list(map(torch.from_numpy, logits))
    theirs, chain = processors(settings), SamplerChain(settings)
    row.ours.append(_median_ms(logits, lambda one: choose_ours(one, history, chain, numbers)))
    row.theirs.append(_median_ms(tensors, lambda one: choose_theirs(one, ids, theirs, settings.greedy, generator)))


def _median_ms(logits: list[Any], choose: Callable[[Any], object]) -> float:
    choose(logits[0])  # wakes caches
    times = []
    for one in logits:
        began = time.perf_counter()
        choose(one)
        times.append(1000 * (time.perf_counter() - began))
    return median(times)


def _result(row: Row) -> dict[str, Any]:
    ratios = [theirs / ours for ours, theirs in zip(row.ours, row.theirs, strict=True)]
    return {
        "name": row.name,
        "logits": row.logits,
        "kept": int(median(row.kept)),
        "most_kept": max(row.kept),
        "ms": round(median(row.ours), 3),
        "turns": [round(value, 3) for value in row.ours],
        "peer_ms": round(median(row.theirs), 3),
        "peer_turns": [round(value, 3) for value in row.theirs],
        "ratio": round(median(ratios), 1),
    }


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch computes with one thread until the end."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _goal(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What was aimed at, and whether the slowest setting reached it."""
    slowest = max(rows, key=lambda row: row["ms"])
    what = "choosing a token with log-probability, entropy and top 20, one thread, slowest setting"
    return {
        "what": f"{what} ({slowest['name']})",
        "aim": f"at most {_AIM_MS:g} ms",
        "figure": f"{slowest['ms']:.2f} ms",
        "reached": slowest["ms"] <= _AIM_MS,
    }


def as_table(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    lines = [
        ", ".join(f"{name} {value}" for name, value in report["machine"].items()),
        "",
        "| settings | logits | tokens left, median | ours, ms (lowest to highest turn) | `transformers`, ms | ratio |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in report["rows"]:
        lines.append(
            f"| {row['name']} | {row['logits']} | {row['kept']:,} "
            f"| {row['ms']:.3f} ({min(row['turns']):.3f} to {max(row['turns']):.3f}) "
            f"| {row['peer_ms']:.3f} | {row['ratio']} |"
        )
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark and returns the exit code."""
    parser = report_parser(__doc__)
    parser.add_argument("--turns", type=int, default=7, help="of each contender (7)")
    parser.add_argument("--tokens", type=int, default=32, help="chosen in a turn (32)")
    parser.add_argument("--quick", action="store_true", help="one turn of few tokens, to see that it works")
    args = parser.parse_args(argv)
    if args.quick:
        args.turns, args.tokens = 1, 4
    report = benchmark(turns=args.turns, tokens=args.tokens, say=lambda text: print(text, file=sys.stderr, flush=True))
    hand_over(report, as_table(report), args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
