"""``gptdesk complete``: prints a model's completions of a prompt."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from msgspec.structs import asdict

from gptdesk.commands.engine import add_device_flags, add_model_flag, load_engine
from gptdesk.commands.interrupts import ended_by_interrupt, interrupts
from gptdesk.commands.intervention_flags import add_intervention_flags, given_intervention
from gptdesk.commands.progress_bar import ProgressBar
from gptdesk.commands.prompt import add_special_flag, read_text
from gptdesk.devices import MOST_THREADS
from gptdesk.errors import UserError
from gptdesk.inference.events import DoneEvent, NoticeEvent, TokenEvent
from gptdesk.inference.interventions.intervention import WHOLE, Intervention
from gptdesk.inference.sampling.flags import add_flags, given_settings
from gptdesk.inference.sampling.settings import PRESETS, DecodingSettings

if TYPE_CHECKING:
    from gptdesk.inference.engine import Engine


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its flags."""
    parser = commands.add_parser(
        "complete",
        help="continue a text",
        description="Prints the model's continuation of the prompt as it is generated; without a prompt, a new text. "
        "Settings that are not given are neutral: temperature 1, no filters, no penalties. The window starts with "
        "the preset Balanced; use --preset Balanced for the same.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "prompt", metavar="PROMPT", nargs="?", default="", help="text to continue; - reads standard input unchanged"
    )
    add_model_flag(parser)
    add_special_flag(parser)
    parser.add_argument("--preset", metavar="NAME", help=f"preset to begin with: {', '.join(PRESETS)}")
    add_flags(parser, show_neutral=True)
    add_intervention_flags(parser)
    add_device_flags(parser)
    parser.add_argument(
        "--threads", type=int, metavar="N", help="CPU threads for decoding (default: the number of cores)"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print a JSON object for each token, and one at the end of each completion",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Completes the prompt and returns the exit status."""
    settings, intervention = _settings(options), given_intervention(options)
    if options.threads is not None and not 1 <= options.threads <= MOST_THREADS:
        raise UserError(f"--threads must be a whole number from 1 to {MOST_THREADS}, not {options.threads}.")
    text = read_text(options.prompt)
    with interrupts() as interrupted:
        engine = _changed(load_engine(options, interrupted, threads=options.threads), intervention, interrupted)
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


def _changed(engine: Engine, intervention: Intervention, interrupted: Callable[[], bool]) -> Engine:
    """The engine with the intervention, if there is one."""
    if intervention == WHOLE:
        return engine
    from gptdesk.gpt2.interrupted import Interrupted

    with ended_by_interrupt():
        import gptdesk.inference.interventions.network  # noqa: F401 (and with it torch)
        from gptdesk.inference.interventions.changed_engines import ChangedEngines
    bar = ProgressBar("change")
    try:
        return ChangedEngines(engine).get(intervention, interrupted=interrupted, progress=bar.show)
    except Interrupted:
        raise KeyboardInterrupt from None
    finally:
        bar.end()


class _Output(Protocol):
    """Writes events to standard output."""

    def write(self, event: TokenEvent | DoneEvent) -> None: ...


class _JsonOutput:
    """A JSON object per line and event."""

    def write(self, event: TokenEvent | DoneEvent) -> None:
        kind = "token" if isinstance(event, TokenEvent) else "done"
        values = asdict(event)
        for known in ("tail", "length"):  # the text has it
            values.pop(known, None)
        line = json.dumps({"event": kind, **values}, ensure_ascii=False, default=msgspec.structs.asdict)
        sys.stdout.write(line + "\n")


class _PlainOutput:
    """Text only: the first completion as it is generated, each further one when those before it have ended."""

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


def _settings(options: argparse.Namespace) -> DecodingSettings:
    """The settings of the preset, if given, overridden by the flags that were given."""
    values: dict[str, Any] = {}
    if options.preset is not None:
        names = {name.lower(): name for name in PRESETS}
        if options.preset.lower() not in names:
            raise UserError(f"There is no preset called {options.preset!r}; use one of {', '.join(PRESETS)}.")
        values = PRESETS[names[options.preset.lower()]].to_json()
    return DecodingSettings.from_json(values | given_settings(options))
