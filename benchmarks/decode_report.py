"""The figures of `benchmarks.decode`: ratios of contenders, shares of the bandwidth, and tables of them."""

from __future__ import annotations

from statistics import median
from typing import Any, Final

SAME_WIDTH: Final = {
    "ours float32": "llama.cpp F32",
    "ours bfloat16": "llama.cpp BF16",
    "ours int8": "llama.cpp Q8_0",
    "ours int4": "llama.cpp Q4_0",
}
"""The peer whose weights have as many bits."""

PROMPT_PEERS: Final = {
    "ours int8": ("llama.cpp", "CTranslate2 int8", "transformers"),
    "ours float32": ("llama.cpp F32", "CTranslate2 float32", "transformers float32"),
}
"""Beginnings of the names of contenders that reading a prompt is compared with."""

BASELINE: Final = "transformers float32"

Report = dict[str, Any]


def turns(report: Report, name: str, what: str, threads: int, tokens: int) -> list[float]:
    """What was measured in each turn; nothing where it was not."""
    wanted = (name, what, threads, tokens)
    rows = report.get("speed", [])
    return next(
        (row["turns"] for row in rows if (row["name"], row["what"], row["threads"], row["tokens"]) == wanted), []
    )


def _speeds(report: Report, name: str, what: str, threads: int, tokens: int) -> list[float]:
    """The same as speeds, of which more is better: a first token is told in seconds."""
    found = turns(report, name, what, threads, tokens)
    return [1 / seconds for seconds in found] if what == "first token" else found


def ratio(report: Report, name: str, other: str, what: str, threads: int, tokens: int) -> float | None:
    """How many times as fast as ``other`` a contender is: the median of the ratios within a turn."""
    mine, theirs = (_speeds(report, one, what, threads, tokens) for one in (name, other))
    if not mine or not theirs:
        return None
    return median(a / b for a, b in zip(mine, theirs, strict=True))


def share_of_bandwidth(report: Report, name: str, threads: int, context: int) -> float | None:
    """Of what as many threads read from memory in the same turn."""
    speeds = turns(report, name, "decode", threads, context)
    if not speeds or name not in report["bytes_a_token"]:
        return None
    size, reached = report["bytes_a_token"][name][str(context)], report["read_gb_per_s"][str(threads)]
    return median(size * speed / 1e9 / limit for speed, limit in zip(speeds, reached, strict=True))


def best_peer(report: Report, what: str, threads: int, tokens: int, programs: tuple[str, ...]) -> str | None:
    """The fastest contender whose name begins with one of ``programs``."""
    names = {row["name"] for row in report.get("speed", []) if row["name"].startswith(programs)}
    found = {name: _speeds(report, name, what, threads, tokens) for name in names}
    return max((name for name in found if found[name]), key=lambda name: median(found[name]), default=None)


def compared_ratios(report: Report, numbers: set[int] | None = None) -> dict[str, float]:
    """What a second run must reproduce, by what it says: decoding against the peer of the same width with each number
    of threads (or those in ``numbers`` alone) after each context, and reading long and short prompts against the best
    peer."""
    found: dict[str, float | None] = {}
    rows = [row for row in report["speed"] if numbers is None or row["threads"] in numbers]
    places = sorted({(row["what"], row["threads"], row["tokens"]) for row in rows})
    for what, threads, tokens in places:
        with_threads = f"{threads} thread{'s' if threads > 1 else ''}"
        if what == "decode":
            for name, peer in SAME_WIDTH.items():
                said = f"{name} to {peer}, {with_threads}, context {tokens}"
                found[said] = ratio(report, name, peer, what, threads, tokens)
            continue
        for name, peers in PROMPT_PEERS.items():
            best = best_peer(report, what, threads, tokens, peers)
            found[f"{name} to the best of {', '.join(peers)}, {with_threads}, prompt of {tokens}"] = (
                ratio(report, name, best, what, threads, tokens) if best else None
            )
    return {what: figure for what, figure in found.items() if figure is not None}


def as_tables(report: Report) -> str:
    """The report as Markdown."""
    lines = [", ".join(f"{name} {value}" for name, value in report["machine"].items())]
    shape = report["model"]
    lines.append(f"{report['cores']} cores; {shape['n_layer']} layers, width {shape['n_embd']}")
    if report.get("speed"):
        others = report["cores_of_others"]
        reads = ", ".join(f"{count}: {median(found):.1f} GB/s" for count, found in report["read_gb_per_s"].items())
        lines.append(f"other programs took {min(others)} to {max(others)} cores (median {median(others):.2f})")
        if report.get("from_memory"):
            lines.append("caches emptied before each token that is decoded")
        lines += [f"read bandwidth by threads: {reads}", "", *_decoding(report), "", *_reading(report)]
    lines += ["", *_loading(report)]
    if report.get("quality"):
        lines += ["", *_quality(report)]
    return "\n".join(lines)


def _decoding(report: Report) -> list[str]:
    lines = [
        f"| decoding | threads | context | tokens/s (turns) | to its peer | to {BASELINE} | of read bandwidth |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    rows = [row for row in report["speed"] if row["what"] == "decode"]
    for row in sorted(rows, key=lambda row: (row["tokens"], row["threads"])):
        place = (row["threads"], row["tokens"])
        width = ratio(report, row["name"], SAME_WIDTH.get(row["name"], ""), "decode", *place)
        base = ratio(report, row["name"], BASELINE, "decode", *place)
        share = share_of_bandwidth(report, row["name"], *place)
        lines.append(
            f"| {row['name']} | {row['threads']} | {row['tokens']} | {_span(row['turns'])} | {_times(width)} "
            f"| {_times(base)} | {'' if share is None else f'{share:.0%}'} |"
        )
    return lines


def _reading(report: Report) -> list[str]:
    """Prompts: long ones in tokens a second, the first token after a short one in milliseconds."""
    rows = [row for row in report["speed"] if row["what"] != "decode"]
    prefills = [row for row in rows if row["what"] == "prefill"]
    if not prefills:
        return []
    long, short = prefills[0]["tokens"], next(row["tokens"] for row in rows if row["what"] == "first token")
    lines = [
        f"| reading | threads | {long} tokens, tokens/s (turns) | to {BASELINE} | {short} tokens, ms (turns) |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in sorted(prefills, key=lambda row: row["threads"]):
        base = ratio(report, row["name"], BASELINE, "prefill", row["threads"], long)
        first = turns(report, row["name"], "first token", row["threads"], short)
        lines.append(
            f"| {row['name']} | {row['threads']} | {_span(row['turns'])} | {_times(base)} "
            f"| {_span([1000 * seconds for seconds in first])} |"
        )
    return lines


def _loading(report: Report) -> list[str]:
    lines = [
        "| loading | seconds | to the first token, s | memory, MB | to the first token, MB | over the weights, MB |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in report["loading"]:
        over = "" if row["over_weights_mb"] is None else f"{row['over_weights_mb']} (weights {row['weights_mb']})"
        lines.append(
            f"| {row['name']} | {median(row['seconds']):.2f} | {median(row['first_token_s']):.2f} "
            f"| {row['peak_mb']} | {row['peak_first_token_mb']} | {over} |"
        )
    return lines


def _quality(report: Report) -> list[str]:
    lines = [f"| {report['quality_of']} | tokens | perplexity | more than float32 |", "| --- | --- | --- | --- |"]
    for row in report["quality"]:
        lines.append(f"| {row['name']} | {row['tokens']:,} | {row['perplexity']:.3f} | {row['loss']:+.2%} |")
    return lines


def _span(values: list[float]) -> str:
    """The median, and the lowest and highest."""
    digits = 0 if median(values) >= 100 else 1
    return f"{median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def _times(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
