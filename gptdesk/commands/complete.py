"""``gptdesk complete``: goes on with a text."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import MISSING, asdict, fields
from types import FrameType
from typing import Any, Final, Protocol

from gptdesk.commands.prompt import read_text
from gptdesk.devices import DEVICES, MOST_THREADS, PRECISIONS
from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.inference.events import DoneEvent, NoticeEvent, TokenEvent
from gptdesk.inference.sampling.settings import BIAS_LIMIT, LIMITS, PRESETS, DecodingSettings
from gptdesk.library.catalogue import BUNDLED, find_model

HELP: Final = {
    "temperature": "divides the logits before sampling; 0 is greedy",
    "top_k": "sample from the k most probable tokens; 0 is off",
    "top_p": "sample from the most probable tokens that together reach this probability; 1 is off",
    "min_p": "drop tokens less probable than this share of the most probable one; 0 is off",
    "typical_p": "sample from the tokens whose surprise is nearest to the entropy, up to this probability; 1 is off",
    "repetition_penalty": "make tokens that the prompt or completion already contains less probable; 1 is off",
    "presence_penalty": "subtracted from the logit of every token sampled so far",
    "frequency_penalty": "subtracted from a token's logit for each time it was sampled",
    "no_repeat_ngram": "never repeat a sequence of this many tokens; 0 is off",
    "logit_bias": "add BIAS to the logit of token ID, -100 bans it; may be repeated",
    "stop": "end before this string, used literally (a line end is $'\\n' in most shells); may be repeated",
    "max_tokens": "maximum length of the completion, in tokens",
    "seed": "seed of the random numbers; random when not given",
    "n": "number of completions",
    "top_logprobs": "with --json: list this many of the most probable tokens for each token",
    "prompt_lookup": "speculative tokens, guessed from the text so far; faster where a text repeats itself; 0 is off",
}
"""What each of `DecodingSettings`' fields does, in a few words."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describes the command to the command line."""
    parser = commands.add_parser(
        "complete",
        help="continue a text",
        description="Prints the model's continuation of the prompt as it is generated; without a prompt, a new text. "
        "Settings that are not given have no effect: temperature 1, no filters, no penalties. The window starts with "
        "the preset Balanced; here that is --preset Balanced.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "prompt", metavar="PROMPT", nargs="?", default="", help="text to continue; - reads standard input unchanged"
    )
    parser.add_argument(
        "--model",
        metavar="NAME_OR_FOLDER",
        default=BUNDLED,
        help=f"model to use; when not given: {BUNDLED}, the bundled one",
    )
    parser.add_argument("--special", action="store_true", help="read <|endoftext|> in the prompt as the special token")
    parser.add_argument("--preset", metavar="NAME", help=f"settings to begin with: {', '.join(PRESETS)}")
    for field in fields(DecodingSettings):
        _add_setting(parser, field.name, None if field.default is MISSING else field.default)
    parser.add_argument("--device", default="auto", help=f"{', '.join(DEVICES)}; cuda:1 is the second card")
    parser.add_argument("--precision", default="auto", help=f"of the weights: {', '.join(PRECISIONS)}")
    parser.add_argument(
        "--threads", type=int, metavar="N", help="threads to decode with on the CPU; the number of cores when not given"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print a JSON object for each token, and one at the end of each completion",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Completes the prompt and returns the exit status."""
    settings = _settings(options)
    if options.threads is not None and not 1 <= options.threads <= MOST_THREADS:
        raise UserError(f"--threads must be a whole number from 1 to {MOST_THREADS}, not {options.threads}.")
    text = read_text(options.prompt)
    folders = Folders.of_this_user()
    entry = find_model(options.model, folders)
    with _ended_by_interrupt():
        from gptdesk.inference.engine import Engine  # torch, late: mistakes are answered at once
    with _interrupts() as interrupted:

        def stop_loading(read: int, total: int) -> None:
            if interrupted():
                raise KeyboardInterrupt

        engine = Engine.load(
            entry.path,
            device=options.device,
            precision=options.precision,
            threads=options.threads,
            keep=folders.quantized,
            progress=stop_loading,
        )
        prompt = engine.tokenizer.encode(text, allow_special=options.special)
        output: _Output = _JsonOutput() if options.json else _PlainOutput(settings.n)
        for event in engine.generate(prompt, settings, cancelled=interrupted):
            if isinstance(event, NoticeEvent):
                print(event.message, file=sys.stderr)
            else:
                output.write(event)
                sys.stdout.flush()
        if interrupted():
            raise KeyboardInterrupt
    return 0


class _Output(Protocol):
    """Where the tokens go."""

    def write(self, event: TokenEvent | DoneEvent) -> None: ...


class _JsonOutput:
    """One line an event."""

    def write(self, event: TokenEvent | DoneEvent) -> None:
        kind = "token" if isinstance(event, TokenEvent) else "done"
        values = asdict(event)
        values.pop("tail", None)  # what no token carried; the text has it
        sys.stdout.write(json.dumps({"event": kind, **values}, ensure_ascii=False) + "\n")


class _PlainOutput:
    """Text alone: that of the first completion as it comes, that of others when those before them have ended."""

    def __init__(self, n: int) -> None:
        self._waiting = [f"--- {index + 1} of {n} ---\n" if n > 1 else "" for index in range(n)]
        self._ended = [False] * n
        self._current = 0

    def write(self, event: TokenEvent | DoneEvent) -> None:
        if isinstance(event, TokenEvent):
            self._waiting[event.index] += event.text
        else:
            self._waiting[event.index] += event.tail + "\n"
            self._ended[event.index] = True
        while self._current < len(self._waiting):
            sys.stdout.write(self._waiting[self._current])
            self._waiting[self._current] = ""
            if not self._ended[self._current]:
                break
            self._current += 1


def _add_setting(parser: argparse.ArgumentParser, name: str, default: Any) -> None:
    """One field of `DecodingSettings` as a flag; values are checked there."""
    flag = "-n" if name == "n" else f"--{name.replace('_', '-')}"
    if name in ("stop", "logit_bias"):
        metavar = "TEXT" if name == "stop" else "ID=BIAS"
        parser.add_argument(
            flag, dest=name, metavar=metavar, action="append", default=argparse.SUPPRESS, help=HELP[name]
        )
        return
    limit = LIMITS[name]
    span = f"{limit.lowest:g} to {limit.highest:g}" if limit.highest < 2**53 else f"{limit.lowest:g} or more"
    usual = "" if default is None else f"; {default:g} when not given"
    parser.add_argument(
        flag,
        dest=name,
        metavar="NUMBER",
        type=_number_or_text,
        default=argparse.SUPPRESS,
        help=f"{HELP[name]} ({span}{usual})",
    )


def _settings(options: argparse.Namespace) -> DecodingSettings:
    """The preset's settings, if one was named, and those given over it."""
    values: dict[str, Any] = {}
    if options.preset is not None:
        names = {name.lower(): name for name in PRESETS}
        if options.preset.lower() not in names:
            raise UserError(f"There is no preset called {options.preset!r}; use one of {', '.join(PRESETS)}.")
        values = PRESETS[names[options.preset.lower()]].to_json()
    for field in fields(DecodingSettings):
        if field.name in options:
            values[field.name] = getattr(options, field.name)
    if "logit_bias" in values:
        values["logit_bias"] = dict(map(_bias, values["logit_bias"]))
    return DecodingSettings.from_json(values)


def _number_or_text(text: str) -> int | float | str:
    """The number that was typed; what is none is left to `DecodingSettings` to refuse."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _bias(text: str) -> tuple[int, float]:
    id, _, bias = text.partition("=")
    try:
        return int(id), float(bias)
    except ValueError as error:
        low, high, _ = BIAS_LIMIT
        raise UserError(
            f"--logit-bias must be a token's id and a number from {low:g} to {high:g}, as in 13=-100, not {text!r}."
        ) from error


@contextmanager
def _ended_by_interrupt() -> Iterator[None]:
    """Lets Ctrl+C end the process at once, as the system does it: Python would answer when a library has loaded."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:  # started in the background, where Ctrl+C is meant for others
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Turns the first Ctrl+C into an answer, so that what was begun is ended in order; a second one ends at once."""
    interrupted = False

    def on_interrupt(signal_number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        signal.signal(signal.SIGINT, before)

    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:  # started in the background, where Ctrl+C is meant for others
        yield lambda: False
        return
    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield lambda: interrupted
    finally:
        signal.signal(signal.SIGINT, before)
