"""What a decoding setting is besides its value: limits, words for people, its place in panel, preset and command line.

`DecodingSettings` declares each setting once, with `setting`; everything that lists settings reads `settings_of`.
Imports neither torch nor Qt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, field, fields
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from gptdesk.errors import UserError, brief

_KEY: Final = "decoding setting"


class Group(Enum):
    """Settings that belong together, in the order of the panel; the value is the heading."""

    RANDOMNESS = "Randomness"
    CUTOFFS = "Cut-offs"
    REPETITION = "Repetition"
    LENGTH = "Length"
    OTHER = "Other"


class Limit(NamedTuple):
    """Smallest and largest value of a setting, both allowed; ``whole`` ones have no fraction."""

    lowest: float
    highest: float
    whole: bool = False


class Slider(msgspec.Struct, frozen=True, kw_only=True):
    """How a slider runs; values beyond its ends can be typed beside it, up to the setting's limits.

    Attributes:
        highest: value at its right end.
        lowest: value at its left end.
        middle: value half way, which makes the scale a power of the position; not given: linear.
        logarithmic: whole numbers from 1 in equal ratios; the last position is the neutral value.
    """

    highest: float
    lowest: float = 0.0
    middle: float | None = None
    logarithmic: bool = False


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One decoding setting.

    Attributes:
        name: of the field in `DecodingSettings`.
        neutral: the value without effect, which is the field's default.
        title: name for people.
        help: what it does, one or two sentences; shown by panel, command line and documentation.
        group: the heading under which it stands.
        limit: range of a number.
        optional: whether ``None`` is a value.
        check: in place of ``limit``: takes name and value, returns the value in the field's type, raises `UserError`.
        choices: in place of ``limit``: the words that are values; the first is the neutral one.
        in_preset: whether presets keep and reset it: whether it says how a token is chosen. What does not (length, stop
            strings, seed) stays as it is when a preset is taken, and does not keep a choice from being made on the
            device (`gptdesk.inference.cuda.sampling`).
        rare: whether the panel shows its row only under "More".
        control: how the panel shows a number: beside a slider, in a box alone, or not at all; ``choices`` need none.
        decimals: digits behind the point.
        word: shown and typed in place of the value ``word_value``, such as "off" for the neutral one; empty: none.
        flags: on the command line.
        metavar: for the flag's value; a flag that is `repeated` may be given more than once.
    """

    name: str = ""
    neutral: Any = None
    title: str
    help: str
    group: Group
    limit: Limit | None = None
    optional: bool = False
    check: Callable[[str, Any], Any] | None = None
    choices: tuple[str, ...] = ()
    in_preset: bool = True
    rare: bool = False
    control: Slider | Literal["box"] | None = None
    decimals: int = 2
    word: str = ""
    word_value: float | None = None
    flags: tuple[str, ...] = ()
    metavar: str = "NUMBER"

    @property
    def repeated(self) -> bool:
        """Whether its value is a list or mapping, of which a flag gives one item."""
        return self.limit is None and not self.choices and not isinstance(self.neutral, str)

    def checked(self, value: Any) -> Any:
        """``value`` in the field's type.

        Raises:
            UserError: when it is out of range or of the wrong type.
        """
        if self.optional and value is None:
            return None
        if self.check is not None:
            return self.check(self.name, value)
        if self.choices and value not in self.choices:
            raise UserError(
                f"{self.name} must be {', '.join(self.choices[:-1])} or {self.choices[-1]}, not {brief(value)}."
            )
        return value if self.limit is None else number(self.name, value, self.limit)


def setting(default: Any = MISSING, *, default_factory: Any = MISSING, hash: bool | None = None, **about: Any) -> Any:
    """A field of `DecodingSettings`: its neutral value, and the attributes of `Setting`."""
    metadata = {_KEY: Setting(**about)}
    if default_factory is not MISSING:
        return field(default_factory=default_factory, hash=hash, metadata=metadata)
    return field(default=default, hash=hash, metadata=metadata)


def settings_of(kind: Any) -> Mapping[str, Setting]:
    """The settings that the dataclass ``kind`` declares, by name, in its order."""
    return _settings_of(kind)


@cache
def _settings_of(kind: Any) -> Mapping[str, Setting]:
    return MappingProxyType({one.name: _complete(one) for one in fields(kind) if _KEY in one.metadata})


def neutral_of(one: Field[Any]) -> Any:
    """The default of a dataclass's field."""
    return one.default if one.default_factory is MISSING else one.default_factory()


def _complete(one: Field[Any]) -> Setting:
    """The field's metadata with what follows from the field itself."""
    declared: Setting = one.metadata[_KEY]
    neutral = neutral_of(one)
    return replace(
        declared,
        name=one.name,
        neutral=neutral,
        decimals=0 if declared.limit is not None and declared.limit.whole else declared.decimals,
        word_value=neutral if declared.word and declared.word_value is None else declared.word_value,
        flags=declared.flags or (f"--{one.name.replace('_', '-')}",),
    )


def number(name: str, value: Any, limit: Limit) -> int | float:
    """``value`` as int where the limit is whole, else as float.

    Raises:
        UserError: when it is no number or beyond the limit.
    """
    if limit.whole:
        valid = isinstance(value, int) and not isinstance(value, bool) and limit.lowest <= value <= limit.highest
        if not valid:
            low, high = int(limit.lowest), int(limit.highest)
            raise UserError(f"{name} must be a whole number from {low} to {high}, not {brief(value)}.")
        return int(value)
    real = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not real or not limit.lowest <= value <= limit.highest:  # NaN lies in no range
        raise UserError(f"{name} must be a number from {limit.lowest:g} to {limit.highest:g}, not {brief(value)}.")
    return float(value)
