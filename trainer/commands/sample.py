"""``trainer sample``: completes the same prompts with several models, and prints the texts side by side."""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gptdesk.devices import DEVICES, PRECISIONS, set_thread_environment
from gptdesk.errors import UserError
from gptdesk.folders import keep_compiled_code
from gptdesk.inference.sampling.flags import add_flags, given_settings
from gptdesk.inference.sampling.settings import PRESETS, DecodingSettings
from trainer.commands import CANCELLED

if TYPE_CHECKING:
    from trainer.evaluation.compare import Sample
    from trainer.evaluation.models import FoundModel

_PRESET: Final = "Balanced"
_WITHOUT: Final = ("top_logprobs",)
"""Reported for tokens, of which this command shows none."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its flags."""
    parser = commands.add_parser(
        "sample",
        help="complete the same prompts with several models, side by side",
        description="Completes every prompt with every model, with the same settings and the same seeds.",
    )
    parser.add_argument(
        "models",
        nargs="+",
        metavar="MODEL",
        help="model folder, checkpoint, run directory (its best checkpoint) or name",
    )
    parser.add_argument("--prompt", action="append", default=[], help="may be given several times")
    parser.add_argument("--prompts", type=Path, metavar="FILE", help='a prompt a line, or JSON lines with "prompt"')
    parser.add_argument("--preset", choices=tuple(PRESETS), default=_PRESET, help=f"settings to begin with ({_PRESET})")
    add_flags(parser, show_neutral=False, without=_WITHOUT)
    parser.add_argument("--device", default="auto", help=f"one of {', '.join(DEVICES)}")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="of the weights")
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write the texts to this file")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Completes the prompts, then prints and saves the texts; after an interruption those that are finished."""
    settings = _settings(args)
    set_thread_environment()
    keep_compiled_code()
    from trainer.evaluation.compare import format_samples, read_prompts
    from trainer.evaluation.models import find_models

    prompts = [*args.prompt, *(read_prompts(args.prompts) if args.prompts else [])]
    if not prompts:
        raise UserError("There is no prompt: give --prompt or --prompts.")
    samples: list[Sample] = []
    try:
        models = find_models(args.models)
        _save(args.json, samples, settings, complete=False)  # fails before the work if it cannot be written
        _write_all(args, models, prompts, settings, samples)
    except KeyboardInterrupt:
        print("Cancelled; the texts finished until then are shown." if samples else "Cancelled.", file=sys.stderr)
        raise SystemExit(CANCELLED) from None
    finally:
        if samples:
            print(format_samples(samples, width=shutil.get_terminal_size().columns))
            _save(args.json, samples, settings, complete=len(samples) == len(models) * len(prompts) * settings.n)


def _write_all(
    args: argparse.Namespace,
    models: list[FoundModel],
    prompts: list[str],
    settings: DecodingSettings,
    samples: list[Sample],
) -> None:
    """Takes one model after the other, so that only one is in memory; ``samples`` grows with each completion."""
    from gptdesk.inference.engine import Engine  # torch, late: --help and mistakes answer at once
    from trainer.evaluation.compare import write_samples
    from trainer.evaluation.progress import ProgressLine

    total = len(models) * len(prompts) * settings.n
    line = ProgressLine("writing", "texts")
    try:
        for model in models:
            engine = Engine.load(model.folder, device=args.device, precision=args.precision)
            for sample in write_samples(engine, model.name, prompts, settings):
                samples.append(sample)
                line(len(samples), total)
    finally:
        line.clear()


def _settings(args: argparse.Namespace) -> DecodingSettings:
    """The preset, overridden by the flags that were given, and a seed."""
    settings = replace(PRESETS[args.preset], **given_settings(args))
    return settings if settings.seed is not None else replace(settings, seed=secrets.randbelow(2**32))


def _save(path: Path | None, samples: list[Sample], settings: DecodingSettings, *, complete: bool) -> None:
    if path is None:
        return
    from gptdesk.files import write_json

    try:
        write_json(
            path,
            {
                "version": 1,
                "complete": complete,
                "settings": settings.to_json(),
                "samples": [asdict(sample) for sample in samples],
            },
        )
    except OSError as error:
        raise UserError(f"The texts cannot be written to {path} ({error.strerror}).") from None
