"""The columns of a comparison: a model, how it is loaded, and its settings, under a name. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec
from msgspec.structs import replace

from gptdesk.devices import DEVICES, PRECISIONS
from gptdesk.errors import UserError, brief
from gptdesk.folders import Folders
from gptdesk.gpt2.config import GPT2Config
from gptdesk.inference.sampling.flags import number_or_text
from gptdesk.inference.sampling.settings import PRESETS, SETTINGS, DecodingSettings
from gptdesk.library.catalogue import describe_model, find_model
from gptdesk.store.provenance.facts import numbers_line
from gptdesk.training.checkpoints import CheckpointInfo, checkpoints

FEWEST, MOST = 2, 4
"""Columns of a comparison."""

SHARED: Final = ("seed", "n", "top_logprobs")
"""Settings that no column has of its own: one seed for all, one completion of each prompt, ten alternatives."""

_LONGEST_LABEL: Final = 60
_NEXT_SETTING: Final = re.compile(r",(?=\s*[a-z][a-z_-]*=)")
_OWN: Final = ("label", "precision", "device", "preset")


Weights: TypeAlias = tuple[Path, str, str]
"""Folder, device and precision."""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column.

    Attributes:
        label: its name; no two columns have the same.
        model: name of the model.
        folder: of the model.
        config: of the model, when the comparison was set up.
        settings: decoding settings; what `SHARED` names does not count.
        device: as for `Engine.load`.
        precision: as for `Engine.load`.
        step: of a checkpoint.
    """

    label: str
    model: str
    folder: Path
    config: GPT2Config
    settings: DecodingSettings
    device: str = "auto"
    precision: str = "auto"
    step: int | None = None

    @property
    def weights(self) -> Weights:
        """Columns where this is equal can share an engine."""
        return self.folder, self.device, self.precision

    @property
    def description(self) -> str:
        """stories · int8 · Temperature 0.8: what it is, whatever its label; votes are counted by it."""
        step = "" if self.step is None else f"step {self.step:,}"
        precision = "" if self.precision == "auto" else self.precision
        return " · ".join(filter(None, [self.model, step, precision, self.settings_line]))

    @property
    def settings_line(self) -> str:
        """Temperature 0.8 · Top-p 0.95: the settings that differ from the neutral ones."""
        return numbers_line(self.settings)


def read_column(text: str, settings: Mapping[str, Any], folders: Folders, *, device: str, precision: str) -> Column:
    """The column that ``MODEL,key=value,...`` describes.

    Args:
        text: model, then any of label, precision, device, preset and decoding settings.
        settings: those of all columns, as for `DecodingSettings.from_json`; the column's own take precedence.
        folders: where models are.
        device, precision: of columns that name none.

    Raises:
        UserError: when there is no such model or setting.
    """
    name, *rest = _NEXT_SETTING.split(text)
    own = dict(_pair(part, text) for part in rest)
    values = dict(settings)
    if preset := own.get("preset"):
        values |= preset_values(preset)
    values |= {key: _value(key, value) for key, value in own.items() if key not in _OWN}
    entry = find_model(name.strip(), folders)
    column = Column(
        label=_label(own.get("label", "")),
        model=entry.name,
        folder=entry.path,
        config=entry.config,
        settings=DecodingSettings.from_json(values),
        device=_one_of("device", own.get("device", device), DEVICES),
        precision=_one_of("precision", own.get("precision", precision), PRECISIONS),
    )
    return column if column.label else replace(column, label=_label(column.description))


def preset_values(name: str) -> dict[str, Any]:
    """The settings of a preset, in any letter case.

    Raises:
        UserError: when there is none of that name.
    """
    names = {known.lower(): known for known in PRESETS}
    if name.lower() not in names:
        raise UserError(f"There is no preset called {brief(name)}; use one of {', '.join(PRESETS)}.")
    return PRESETS[names[name.lower()]].to_json()


def checkpoint_columns(
    run: Path, steps: Sequence[str], settings: Mapping[str, Any], *, device: str, precision: str
) -> list[Column]:
    """A column for each of some checkpoints of a run.

    Args:
        run: folder of the run.
        steps: numbers, "best" or "last"; none: the first, the last, and up to two between them.
        settings: of all of them, as for `DecodingSettings.from_json`.
        device, precision: of all of them.

    Raises:
        UserError: when the run has no such checkpoint.
    """
    found = checkpoints(run)
    if not found:
        raise UserError(f"{run} is no run with a complete checkpoint.")
    chosen = [_checkpoint(step.strip(), found, run) for step in steps] or list(_spread(found))
    checked = DecodingSettings.from_json(settings)
    return [
        Column(
            label=f"step {one.step:,}",
            model=run.absolute().name,
            folder=one.path,
            config=describe_model(one.path).config,
            settings=checked,
            device=_one_of("device", device, DEVICES),
            precision=_one_of("precision", precision, PRECISIONS),
            step=one.step,
        )
        for one in chosen
    ]


def with_own_labels(columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns with labels of which no two are equal: " (2)" is added to the second of equal ones.

    Raises:
        UserError: when there are too few or too many.
    """
    if not FEWEST <= len(columns) <= MOST:
        raise UserError(f"A comparison has {FEWEST} to {MOST} columns, not {len(columns)}.")
    labels: list[str] = []
    for column in columns:
        label, number = column.label, 1
        while label in labels:
            number += 1
            label = f"{column.label} ({number})"
        labels.append(label)
    return tuple(replace(column, label=label) for column, label in zip(columns, labels, strict=True))


def _pair(part: str, text: str) -> tuple[str, str]:
    key, _, value = part.partition("=")
    key = key.strip().replace("-", "_")
    if key not in (*_OWN, *SETTINGS) or key in SHARED:
        raise UserError(f"{brief(key)} in the column {brief(text)} is no setting that a column can have of its own.")
    return key, value


def _value(key: str, text: str) -> Any:
    """A setting's value as its flag would read it; the settings refuse what does not fit."""
    setting = SETTINGS[key]
    if setting.limit is None:
        if key == "sampler_order":
            return [name.strip().replace("-", "_") for name in text.split(",")]
        return [text] if setting.repeated else text
    return number_or_text(text)


def _label(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_LABEL else f"{line[: _LONGEST_LABEL - 1]}…"


def _one_of(what: str, value: str, known: Sequence[str]) -> str:
    if value in known or (what == "device" and value.startswith("cuda:")):
        return value
    raise UserError(f"The {what} must be one of {', '.join(known)}, not {brief(value)}.")


def _checkpoint(step: str, found: Sequence[CheckpointInfo], run: Path) -> CheckpointInfo:
    if step == "last":
        return found[-1]
    chosen = next((one for one in found if (one.best if step == "best" else str(one.step) == step)), None)
    if chosen is None:
        there = ", ".join(str(one.step) for one in found[-10:])
        raise UserError(f"The run {run.name} has no checkpoint {brief(step)}; it has {there}.")
    return chosen


def _spread(found: Sequence[CheckpointInfo]) -> Iterator[CheckpointInfo]:
    count = min(MOST, len(found))
    for place in range(count):
        yield found[place * (len(found) - 1) // max(1, count - 1)]
