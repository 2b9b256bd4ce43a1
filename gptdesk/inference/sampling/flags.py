"""Decoding settings on a command line: a flag for each, with its help, and what was given."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from typing import Any

from gptdesk.errors import UserError
from gptdesk.inference.sampling.fields import Setting
from gptdesk.inference.sampling.setting_checks import BIAS_LIMIT
from gptdesk.inference.sampling.settings import SETTINGS


def add_flags(parser: argparse.ArgumentParser, *, show_neutral: bool, without: Collection[str] = ()) -> None:
    """Adds a flag for every setting. What is not given does not appear in the namespace.

    Args:
        parser: gets the flags.
        show_neutral: whether the help names the neutral value as the default.
        without: settings that the command does not have.
    """
    for name, setting in SETTINGS.items():
        if name not in without:
            parser.add_argument(
                *setting.flags,
                dest=name,
                metavar=setting.metavar,
                default=argparse.SUPPRESS,
                help=_help(setting, show_neutral=show_neutral).replace("%", "%%"),
                **_reading(setting),
            )


def given_settings(options: argparse.Namespace) -> dict[str, Any]:
    """The values of the flags that were given, for `DecodingSettings.from_json`, which checks them.

    Names in an order of samplers stand between commas, and may be written as the flags are ("top-p").

    Raises:
        UserError: when a logit bias has no form that can be read.
    """
    values = {name: getattr(options, name) for name in SETTINGS if name in options}
    if "logit_bias" in values:
        values["logit_bias"] = dict(map(_bias, values["logit_bias"]))
    if "sampler_order" in values:
        names = ",".join(values["sampler_order"]).replace("-", "_").split(",")
        values["sampler_order"] = [name.strip() for name in names]
    return values


def _reading(setting: Setting) -> dict[str, Any]:
    """How the value of a flag is read, as keywords of ``add_argument``."""
    if setting.repeated:
        return {"action": "append"}
    return {} if setting.limit is None else {"type": number_or_text}


def _help(setting: Setting, *, show_neutral: bool) -> str:
    """The setting's help, and in brackets its range, its default, and the word for a value."""
    limit = setting.limit
    if setting.choices:
        default = f"; default {setting.neutral}" if show_neutral else ""
        return f"{setting.help} ({', '.join(setting.choices)}{default})"
    if limit is None:
        return f"{setting.help} May be given more than once." if setting.repeated else setting.help
    facts = [f"{limit.lowest:g} to {limit.highest:g}" if limit.highest < 2**53 else f"{limit.lowest:g} or more"]
    word = f"{setting.word_value:g} = {setting.word}" if setting.word else ""
    if show_neutral and setting.neutral is not None:
        is_neutral = setting.word and setting.word_value == setting.neutral
        facts += [f"default {word}"] if is_neutral else [word, f"default {setting.neutral:g}"]
    else:
        facts.append(word)
    facts = [fact for fact in facts if fact]
    return f"{setting.help} ({'; '.join(facts)})"


def number_or_text(text: str) -> int | float | str:
    """The number that was typed for a setting; what is none is left to `DecodingSettings` to refuse."""
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
