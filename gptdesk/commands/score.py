"""``gptdesk score``: how probable a model finds each token of a text."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from gptdesk.commands.engine import add_device_flags, add_model_flag, load_engine
from gptdesk.commands.interrupts import interrupts
from gptdesk.commands.prompt import add_special_flag, read_text
from gptdesk.commands.tokenize import quoted
from gptdesk.errors import UserError

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer
    from gptdesk.inference.engine import Engine
    from gptdesk.inference.scoring.scores import Summary, TextScores
    from gptdesk.inference.scoring.table import ScoredToken

_MOST_ALTERNATIVES: Final = 100


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its flags."""
    parser = commands.add_parser(
        "score",
        help="show how probable each token of a text is",
        description="Prints one line for each token: its surprisal in bits, its rank among all tokens, the entropy of "
        "the model's distribution in bits, its id and its text in quotes; then the perplexity of the text and its bits "
        "per byte. A token of a text longer than the context is scored given the tokens that the model would read to "
        "choose it: at least half a context.",
        allow_abbrev=False,
    )
    parser.add_argument("text", metavar="TEXT", help="the text; - reads standard input")
    add_model_flag(parser)
    add_special_flag(parser)
    parser.add_argument(
        "--start",
        action="store_true",
        help="begin with the token that begins a text, so that the first token is scored too, as trainer eval does",
    )
    parser.add_argument("--top", type=int, default=0, metavar="N", help="with --json: alternatives of each token (0)")
    add_device_flags(parser)
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="print a JSON object for each token, and one at the end")
    formats.add_argument("--csv", action="store_true", help="print the tokens alone, as CSV with a line of headings")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints the scores and returns the exit status."""
    if not 0 <= options.top <= _MOST_ALTERNATIVES:
        raise UserError(f"--top must be a whole number from 0 to {_MOST_ALTERNATIVES}, not {options.top}.")
    text = read_text(options.text)
    if not text:
        raise UserError("The text is empty; give one, or - and a text on standard input.")
    with interrupts() as interrupted:
        engine = load_engine(options, interrupted)
        tokenizer = engine.tokenizer
        start = _start(engine) if options.start else []
        found = _score(engine, [*start, *tokenizer.encode(text, allow_special=options.special)], options, interrupted)
        spans = [*[(0, 0)] * len(start), *tokenizer.spans(text, allow_special=options.special)]
        tokens = _tokens(found, spans, tokenizer, options.top)
        summary = _summary(found, tokenizer)
        write = _csv_lines if options.csv else _json_lines if options.json else _table_lines
        for line in write(tokens, summary, tokenizer):
            sys.stdout.write(line)
    return 0


def _start(engine: Engine) -> list[int]:
    start = engine.tokenizer.start_of_text
    if start is None:
        raise UserError("The model has no token that begins a text; leave out --start.")
    return [start]


def _score(
    engine: Engine, ids: Sequence[int], options: argparse.Namespace, interrupted: Callable[[], bool]
) -> TextScores:
    from gptdesk.inference.reader import TextReader

    found = TextReader(engine, top=options.top).scores(ids, interrupted=lambda _: interrupted())
    if found is None:
        raise KeyboardInterrupt
    return found


def _tokens(
    found: TextScores, spans: Sequence[tuple[int, int]], tokenizer: Tokenizer, top: int
) -> Iterable[ScoredToken]:
    from gptdesk.inference.scoring.table import scored_tokens

    return scored_tokens(found, spans, tokenizer, top=top)


def _summary(found: TextScores, tokenizer: Tokenizer) -> Summary:
    from gptdesk.inference.scoring.scores import Summary
    from gptdesk.inference.scoring.table import byte_lengths

    return Summary.of(found.scores.logprobs, byte_lengths(found.ids.tolist(), tokenizer))


def _table_lines(tokens: Iterable[ScoredToken], summary: Summary, tokenizer: Tokenizer) -> Iterator[str]:
    yield f"{'surprisal':>9} {'rank':>6} {'entropy':>8} {'id':>6}  token\n"
    for token in tokens:
        numbers = (
            f"{'-':>9} {'-':>6} {'-':>8}"
            if token.surprisal is None
            else f"{token.surprisal:9.3f} {token.rank:6} {token.entropy:8.3f}"
        )
        yield f"{numbers} {token.id:6}  {quoted(tokenizer.token_bytes(token.id))}\n"
    if summary.tokens:
        yield (
            f"{summary.tokens:,} tokens scored: perplexity {summary.perplexity:,.4g}, "
            f"{summary.bits_per_byte:.4f} bits per byte\n"
        )
    else:
        yield "No token is scored: the model reads nothing before the first one. See --start.\n"


def _csv_lines(tokens: Iterable[ScoredToken], summary: Summary, tokenizer: Tokenizer) -> Iterator[str]:
    from gptdesk.inference.scoring.table import as_csv

    return as_csv(tokens)


def _json_lines(tokens: Iterable[ScoredToken], summary: Summary, tokenizer: Tokenizer) -> Iterator[str]:
    for token in tokens:
        values = {"event": "token", **msgspec.structs.asdict(token)}
        yield json.dumps(values, ensure_ascii=False, default=msgspec.structs.asdict) + "\n"
    figures = {"perplexity": summary.perplexity, "bits_per_byte": summary.bits_per_byte} if summary.tokens else {}
    yield json.dumps({"event": "total", **msgspec.structs.asdict(summary), **figures}, ensure_ascii=False) + "\n"
