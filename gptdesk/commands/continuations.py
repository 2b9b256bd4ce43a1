"""``gptdesk continuations``: how probable given endings of a prompt are, or which are the most probable."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gptdesk.bounded_read import ContentError, read_bytes
from gptdesk.commands.engine import add_device_flags, add_model_flag, load_engine
from gptdesk.commands.interrupts import interrupts
from gptdesk.commands.prompt import add_special_flag, read_text
from gptdesk.commands.tokenize import quoted
from gptdesk.errors import UserError

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer
    from gptdesk.inference.continuations.continuation import Continuation
    from gptdesk.inference.engine import Engine

_MOST_FOUND: Final = 1_000
_MOST_STEPS: Final = 1_000_000


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its flags."""
    parser = commands.add_parser(
        "continuations",
        help="score endings of a prompt, or find the most probable ones",
        description="Prints one line for each ending: its share, its log-probability (natural logarithm), the mean of "
        "it per token, and its tokens with theirs. The share is the probability of an ending if it must be one of "
        "those given. Prompt and ending are tokenised as one text, without a space between them. Without endings, "
        "--most-probable finds the continuations that the model finds most probable, with their probability and the "
        "probability of all together.",
        allow_abbrev=False,
    )
    parser.add_argument("prompt", metavar="PROMPT", help="the prompt; - reads standard input")
    parser.add_argument(
        "--endings", metavar="ENDING", nargs="+", default=[], help="endings of the prompt; most begin with a space"
    )
    parser.add_argument("--file", type=Path, metavar="FILE", help="text file with an ending on each line")
    parser.add_argument("--most-probable", type=int, metavar="N", help="find the N most probable continuations instead")
    parser.add_argument("--length", type=int, default=3, metavar="N", help="of those, in tokens (3)")
    parser.add_argument(
        "--steps",
        type=int,
        default=2_000,
        metavar="N",
        help="prefixes after which the search ends (2000)",
    )
    add_model_flag(parser)
    add_special_flag(parser)
    add_device_flags(parser)
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="print a JSON object for each one")
    formats.add_argument("--csv", action="store_true", help="print CSV with a line of headings")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints the continuations and returns the exit status."""
    endings = [*options.endings, *(_lines(options.file) if options.file else [])]
    _check(options, endings)
    prompt = read_text(options.prompt)
    with interrupts() as interrupted:
        engine = load_engine(options, interrupted)
        search = options.most_probable is not None
        if search:
            found = _search(engine, prompt, options, interrupted)
        else:
            found = _score(engine, prompt, endings, options, interrupted)
        if interrupted():
            raise KeyboardInterrupt
    figure, figures = ("probability", [one.probability for one in found]) if search else ("share", _shares(found))
    write = _csv_lines if options.csv else _json_lines if options.json else _table_lines
    sys.stdout.writelines(write(found, figure, figures, engine.tokenizer))
    if search and not options.csv:
        _write_mass(found, options)
    return 0


def _check(options: argparse.Namespace, endings: Sequence[str]) -> None:
    if options.most_probable is None:
        if not endings:
            raise UserError("There is no ending; give some with --endings or --file, or use --most-probable.")
        return
    if endings:
        raise UserError("--most-probable finds continuations itself; leave out --endings and --file.")
    for flag, value, most in (
        ("--most-probable", options.most_probable, _MOST_FOUND),
        ("--length", options.length, _MOST_FOUND),
        ("--steps", options.steps, _MOST_STEPS),
    ):
        if not 1 <= value <= most:
            raise UserError(f"{flag} must be a whole number from 1 to {most:,}, not {value:,}.")


def _lines(path: Path) -> list[str]:
    """The lines of a file that are not empty."""
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from error
    except ContentError as error:
        raise UserError(f"{path} cannot be read: {error}.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8; convert it first.") from error
    return [line for line in text.replace("\r\n", "\n").split("\n") if line]


def _score(
    engine: Engine, prompt: str, endings: Sequence[str], options: argparse.Namespace, interrupted: Callable[[], bool]
) -> list[Continuation]:
    from gptdesk.inference.continuations.endings import score_endings

    return list(score_endings(engine, prompt, endings, allow_special=options.special, interrupted=interrupted))


def _search(
    engine: Engine, prompt: str, options: argparse.Namespace, interrupted: Callable[[], bool]
) -> list[Continuation]:
    from gptdesk.inference.continuations.search import probable_continuations

    return list(
        probable_continuations(
            engine,
            engine.tokenizer.encode(prompt, allow_special=True) if options.special else prompt,
            count=options.most_probable,
            length=options.length,
            most_steps=options.steps,
            interrupted=interrupted,
        )
    )


def _shares(found: Sequence[Continuation]) -> list[float]:
    from gptdesk.inference.continuations.continuation import shares

    return shares(found)


def _table_lines(
    found: Sequence[Continuation], figure: str, figures: Sequence[float], tokenizer: Tokenizer
) -> Iterator[str]:
    yield f"{figure:>11} {'logprob':>9} {'mean':>8}  tokens\n"
    for one, value in zip(found, figures, strict=True):
        pairs = zip(one.ids, one.logprobs, strict=True)
        tokens = "  ".join(f"{quoted(tokenizer.token_bytes(id))} {logprob:.3f}" for id, logprob in pairs)
        yield f"{value:11.4%} {one.total:9.3f} {one.mean:8.3f}  {tokens}\n"


def _csv_lines(
    found: Sequence[Continuation], figure: str, figures: Sequence[float], tokenizer: Tokenizer
) -> Iterator[str]:
    from gptdesk.inference.scoring.table import csv_line

    yield csv_line(["text", "tokens", "logprob", "mean", figure, "token_logprobs"])
    for one, value in zip(found, figures, strict=True):
        yield csv_line([one.text, len(one.ids), one.total, one.mean, value, " ".join(map(str, one.logprobs))])


def _json_lines(
    found: Sequence[Continuation], figure: str, figures: Sequence[float], tokenizer: Tokenizer
) -> Iterator[str]:
    for one, value in zip(found, figures, strict=True):
        tokens = [
            {"id": id, "text": tokenizer.piece(id), "logprob": logprob}
            for id, logprob in zip(one.ids, one.logprobs, strict=True)
        ]
        line = {"event": "continuation", "text": one.text, "logprob": one.total, "mean": one.mean, figure: value}
        yield json.dumps({**line, "tokens": tokens}, ensure_ascii=False) + "\n"


def _write_mass(found: Sequence[Continuation], options: argparse.Namespace) -> None:
    mass = sum(one.probability for one in found)
    if options.json:
        line = {"event": "total", "found": len(found), "probability": mass}
        sys.stdout.write(json.dumps(line) + "\n")
        return
    sys.stdout.write(f"{len(found):,} continuations have {mass:.4%} of the probability.\n")
    if len(found) < options.most_probable:
        sys.stdout.write(f"The search ended before it found {options.most_probable:,}; allow it more --steps.\n")
