"""Checks of decoding settings whose values are no single numbers: biases, lists of strings, the order of samplers."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Final

from gptdesk.errors import UserError, brief
from gptdesk.inference.sampling.fields import Limit, number

BIAS_LIMIT: Final = Limit(-100.0, 100.0)
"""Range of a bias in ``logit_bias``."""

BAN: Final = BIAS_LIMIT.lowest
"""The bias that bans a token outright instead of making it unlikely."""

_SHA256: Final = re.compile(r"[0-9a-f]{64}")

MAX_STOP_STRINGS: Final = 16
MAX_STOP_LENGTH: Final = 1000
"""Longest stop string, in characters: text is held back while one may be forming."""

MAX_BREAKERS: Final = 64
MAX_BREAKER_LENGTH: Final = 20


def logit_bias(name: str, values: Any) -> Mapping[int, float]:
    """A read-only copy with ascending ids.

    Raises:
        UserError: when it is no mapping of token ids to biases in `BIAS_LIMIT`.
    """
    if not isinstance(values, Mapping):
        raise UserError(f"{name} must give a bias for each token id, not {brief(values)}.")
    for id in values:
        if not isinstance(id, int) or isinstance(id, bool) or id < 0:
            raise UserError(f"{name} must name tokens by their ids, whole numbers from 0, not {brief(id)}.")
    return MappingProxyType({id: number(f"{name} of token {id}", values[id], BIAS_LIMIT) for id in sorted(values)})


def sha256(name: str, value: Any) -> str:
    """The value.

    Raises:
        UserError: when it is neither empty nor 64 hexadecimal digits.
    """
    if not isinstance(value, str) or (value and not _SHA256.fullmatch(value)):
        raise UserError(f"{name} must be 64 hexadecimal digits, not {brief(value)}.")
    return value


def stop_strings(name: str, values: Any) -> tuple[str, ...]:
    """The strings as a tuple.

    Raises:
        UserError: when they are no strings, too many, empty or too long.
    """
    return _strings(name, values, "stop string", MAX_STOP_STRINGS, MAX_STOP_LENGTH)


def breakers(name: str, values: Any) -> tuple[str, ...]:
    """As `stop_strings`, for the strings at which DRY ends a repeated sequence."""
    return _strings(name, values, "sequence breaker", MAX_BREAKERS, MAX_BREAKER_LENGTH)


def sampler_order(name: str, values: Any, known: Collection[str]) -> tuple[str, ...]:
    """The names as a tuple.

    Args:
        name: of the setting.
        values: names of settings that samplers read.
        known: all of them.

    Raises:
        UserError: when one is not ``known``, or is given twice.
    """
    if not isinstance(values, (list, tuple)):
        raise UserError(f"{name} must be a list of names of settings, not {brief(values)}.")
    for value in values:
        if not isinstance(value, str) or value not in known:
            raise UserError(f"{name} must name settings that choose tokens, such as top_p, not {brief(value)}.")
    if len(set(values)) < len(values):
        raise UserError(f"{name} must name each setting once.")
    return tuple(values)


def _strings(name: str, values: Any, noun: str, most: int, longest: int) -> tuple[str, ...]:
    if not isinstance(values, (list, tuple)) or not all(isinstance(value, str) for value in values):
        raise UserError(f"{name} must be a list of strings, not {brief(values)}.")
    if len(values) > most:
        raise UserError(f"There may be at most {most} {noun}s, not {len(values)}.")
    for value in values:
        if not 1 <= len(value) <= longest:
            raise UserError(f"A {noun} must have 1 to {longest} characters, not {len(value)}.")
    return tuple(values)
