"""Adapts defaults and presets to the settings that were given and to the data. Imports no torch.

What a person gave (as a flag, in a file, in a form) is never changed: where such values contradict each other, the
configuration refuses them and names both. Defaults and presets give way, and each change is reported.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from gptdesk.errors import UserError
from gptdesk.gpt2.layout import read_config
from trainer.config.schema import TrainConfig
from trainer.config.values import merge
from trainer.data.manifest import read_manifest

Values = Mapping[str, Any]

SHORTEST_CONTEXT: Final = 8
"""Tokens. A text too short for two sequences of these is refused."""

_SEQUENCES_OF_A_SHORT_TEXT: Final = 4
"""Sequences that a text holds in which not two of the context length asked for fit."""

_WARMUP_SHARE: Final = 10
"""The warm-up takes at most one step in so many."""

_TRIED: Final = 1 << 15
"""Up to which divisors are looked for; a form asks at every key, whatever number stands in it."""

_LOGGED: Final = 10
"""Losses logged in a run that is shorter than the interval between two."""


@dataclass(frozen=True)
class DataFacts:
    """Tokens in the splits of prepared data; no validation tokens: it was prepared without validation.

    Attributes:
        train_tokens, val_tokens: in the splits.
        records: whether its documents are records, which fill up sequences of any length.
    """

    train_tokens: int
    val_tokens: int
    records: bool = False

    def windows(self, context: int) -> int:
        """Sequences of ``context`` tokens in the training split; of records about, for they are packed whole."""
        if self.records:
            return -(-self.train_tokens // context)
        return (self.train_tokens - 1) // context - 1


@dataclass(frozen=True)
class Fitted:
    """Settings after defaults were adapted to those that were given.

    Attributes:
        values: nested; not yet validated.
        notes: a sentence for each setting that gave way.
    """

    values: dict[str, Any]
    notes: tuple[str, ...]


def data_facts(path: str) -> DataFacts | None:
    """Facts about prepared data; None where it cannot be read (opening it gives the message)."""
    try:
        manifest = read_manifest(Path(path).expanduser())[0] if path else {}
        splits = manifest["splits"]
        tokens = [splits[split]["tokens"] for split in ("train", "val")]
    except (UserError, KeyError, TypeError, RuntimeError):
        return None
    if not all(type(count) is int for count in tokens):
        return None
    return DataFacts(tokens[0], tokens[1], records=isinstance(manifest.get("records"), dict))


def start_context(folder: str) -> int | None:
    """Context length of a model to start from; None if it is unknown."""
    try:
        return read_config(Path(folder).expanduser()).n_positions if folder else None
    except (UserError, RuntimeError):
        return None


def keys_of(values: Values) -> set[str]:
    """``section.key`` of all nested values."""
    return {f"{name}.{key}" for name, part in values.items() if isinstance(part, Mapping) for key in part}


def fit_defaults(
    base: Values,
    given: Values,
    *,
    data: DataFacts | None = None,
    context: int | None = None,
    processes: int = 1,
    fixed: Iterable[str] = (),
) -> Fitted:
    """Merges ``given`` over ``base``, and adapts settings of ``base`` that contradict it or the data.

    Never raises for values of wrong types or beyond their limits; these are left to the validation.

    Args:
        base: of a preset, or empty for the defaults.
        given: by a person.
        data: that is trained on, where known.
        context: context length of the model to start from, where there is one.
        processes: that share a step.
        fixed: keys of ``base`` that do not give way either.
    """
    fitting = _Fitting(merge(base, given), keys_of(given) | set(fixed))
    fitting.heads()
    tokens = fitting.context(context, data)
    fitting.batches(data.windows(tokens) if data and tokens else None, processes)
    fitting.intervals()
    if data and not data.val_tokens:
        fitting.change("schedule.early_stop_evaluations", 0, "there is no validation text")
    return Fitted(fitting.values, tuple(fitting.notes.values()))


def fit_files(base: Values, given: Values, *, processes: int = 1, fixed: Iterable[str] = ()) -> Fitted:
    """`fit_defaults` with the facts from the folders of the data and of the model to start from."""
    values = merge(base, given)
    path, start = (_text(values, *key) for key in (("data", "path"), ("model", "init_from")))
    return fit_defaults(
        base, given, data=data_facts(path), context=start_context(start), processes=processes, fixed=fixed
    )


def settings_to_give(config: TrainConfig, *, processes: int = 1) -> dict[str, dict[str, Any]]:
    """The fewest settings, by section, that make this configuration again when they are given to the trainer.

    These are the ones that differ from the defaults, and those defaults that would give way to them.
    """
    wanted, defaults = config.model_dump(), _defaults()
    give = {
        name: {key: value for key, value in section.items() if value != defaults[name][key]}
        for name, section in wanted.items()
    }
    while True:
        made = merge(defaults, fit_files({}, give, processes=processes).values)
        others = {
            name: {key: value for key, value in section.items() if value != made[name][key]}
            for name, section in wanted.items()
        }
        if not any(others.values()):
            return {name: section for name, section in give.items() if section}
        give = {name: section | others[name] for name, section in give.items()}


@cache
def _defaults() -> dict[str, dict[str, Any]]:
    return TrainConfig().model_dump()


def _text(values: Values, section: str, key: str) -> str:
    part = values.get(section)
    value = part.get(key) if isinstance(part, Mapping) else None
    return value if isinstance(value, str) else ""


class _Fitting:
    """Changes values one after the other.

    Args:
        values: nested; what is missing is as by default.
        given: keys that stay as they are.

    Attributes:
        values: with what was changed.
        notes: a sentence by key.
    """

    def __init__(self, values: Values, given: set[str]) -> None:
        self.values = dict(values)
        self.given = given
        self.notes: dict[str, str] = {}
        self._first: dict[str, int] = {}

    def get(self, key: str) -> int | None:
        """A number of the values, 0 included; None where it is none."""
        section, _, name = key.partition(".")
        part = self.values.get(section, {})
        value = part.get(name, _defaults()[section][name]) if isinstance(part, Mapping) else None
        return value if type(value) is int and value >= 0 else None

    def change(self, key: str, value: int, why: str) -> None:
        """Sets a value that was not given, and notes it."""
        old = self.get(key)
        if key in self.given or old is None or old == value:
            return
        section, _, name = key.partition(".")
        self.values = merge(self.values, {section: {name: value}})
        first = self._first.setdefault(key, old)
        self.notes[key] = f"{key} is {value:,} instead of {first:,}: {why}."

    def heads(self) -> None:
        width, heads = self.get("model.n_embd"), self.get("model.n_head")
        if width and heads and width % heads:
            self.change("model.n_head", _divisor(width, heads), f"it must divide n_embd ({width:,})")

    def context(self, start: int | None, data: DataFacts | None) -> int | None:
        """Fits the context length and returns it, where it is known."""
        fresh = not _text(self.values, "model", "init_from")
        asked, most = self.get("data.context_length"), self.get("model.n_positions") if fresh else start
        if asked is None or not most:
            return None
        if fresh and asked > most and "data.context_length" in self.given:
            self.change("model.n_positions", asked, f"data.context_length is {asked:,}")
        elif asked > most:
            self.change("data.context_length", most, "the model reads no more at once")
        asked = self.get("data.context_length") or 0
        context = asked or (self.get("model.n_positions") if fresh else start) or most
        if not data or data.records or data.train_tokens > 2 * context or "data.context_length" in self.given:
            return context
        short = _power_of_two(data.train_tokens // _SEQUENCES_OF_A_SHORT_TEXT)
        if short >= context:
            return context
        why = f"the text has only {data.train_tokens:,} tokens"
        if fresh and "model.n_positions" not in self.given:
            self.change("model.n_positions", short, why)
        if asked or self.get("model.n_positions") != short or not fresh:
            self.change("data.context_length", short, why)
        return short

    def batches(self, windows: int | None, processes: int) -> None:
        """Fits the sizes of a step and of its parts.

        Args:
            windows: sequences that the text holds, where known.
            processes: that share a step.
        """
        size, part = self.get("data.batch_size"), self.get("data.micro_batch_size")
        if not size or not part:
            return
        together = part * processes if "data.micro_batch_size" in self.given else processes
        if windows and windows < size:
            size = max(together, windows // together * together)
            self.change("data.batch_size", size, f"the text has only {windows:,} sequence{'s' * (windows > 1)}")
        elif size % together:
            size = max(together, size // together * together)
            of = f"data.micro_batch_size ({part:,})" if together > processes else ""
            of += " times " if of and processes > 1 else ""
            of += f"{processes:,} processes" if processes > 1 else ""
            self.change("data.batch_size", size, f"it must be a multiple of {of}")
        size = self.get("data.batch_size") or size
        if size % processes == 0 and (size // processes) % part:
            why = f"it must divide batch_size ({size:,})" + (f" over {processes:,} processes" * (processes > 1))
            self.change("data.micro_batch_size", _divisor(size // processes, part), why)

    def intervals(self) -> None:
        """Fits what is counted in steps."""
        steps = self.get("schedule.steps")
        if not steps:
            return
        if (self.get("schedule.warmup_steps") or 0) * _WARMUP_SHARE > steps:
            self.change("schedule.warmup_steps", steps // _WARMUP_SHARE, f"a tenth of the {steps:,} steps")
        for key in ("run.eval_interval", "run.checkpoint_interval"):
            if (self.get(key) or 0) > steps:
                self.change(key, steps, "the run has no more steps")
        if (self.get("run.log_interval") or 0) > steps:
            self.change("run.log_interval", max(1, steps // _LOGGED), f"the run has only {steps:,} steps")


def _divisor(number: int, most: int) -> int:
    """The largest divisor of a number up to ``most``."""
    if min(number, most) > _TRIED:
        return math.gcd(number, most)
    return next(each for each in range(min(number, most), 0, -1) if number % each == 0)


def _power_of_two(most: int) -> int:
    """The largest power of two up to ``most``, `SHORTEST_CONTEXT` at least."""
    return max(SHORTEST_CONTEXT, 1 << max(0, most.bit_length() - 1))
