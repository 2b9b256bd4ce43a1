"""What a person chose for a column: model, precision and settings, before anything is read. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from gptdesk.compare.columns import Column
from gptdesk.devices import PRECISIONS
from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.gpt2.config import GPT2Config
from gptdesk.inference.sampling.presets import apply_preset
from gptdesk.inference.sampling.settings import PRESETS, DecodingSettings
from gptdesk.library.catalogue import find_model
from gptdesk.training.checkpoints import CheckpointInfo, checkpoints

_NOTHING: Final = GPT2Config(n_layer=1, n_head=1, n_embd=1, n_positions=1, vocab_size=1)
"""Shape of a model that cannot be found."""


class ColumnChoice(msgspec.Struct, frozen=True, kw_only=True):
    """What a column shall be.

    Attributes:
        model: name of a model, or its folder; a checkpoint is a folder of its run.
        precision: as for `Engine.load`.
        preset: name of a preset, one of gptdesk's or of the person; "" for the settings of the Playground.
        own: settings of the column itself, which take precedence.
    """

    model: str
    precision: str = "auto"
    preset: str = ""
    own: DecodingSettings | None = None

    def to_json(self) -> dict[str, Any]:
        own = None if self.own is None else self.own.to_json()
        return {"model": self.model, "precision": self.precision, "preset": self.preset, "own": own}

    @property
    def settings_name(self) -> str:
        """What a label says of the settings; "" for those of the Playground."""
        return self.preset if self.own is None else "own settings"

    @classmethod
    def from_json(cls, values: Any) -> ColumnChoice | None:
        """What `to_json` wrote; ``None`` for anything else."""
        if not isinstance(values, Mapping) or not all(isinstance(values.get(key), str) for key in ("model", "preset")):
            return None
        precision = values.get("precision")
        if not values["model"] or precision not in PRECISIONS:
            return None
        own = values.get("own")
        try:
            settings = DecodingSettings.from_json(own) if isinstance(own, Mapping) else None
        except UserError:
            return None
        return cls(model=values["model"], precision=precision, preset=values["preset"], own=settings)


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """The columns that a person chose, with what they stand on.

    Attributes:
        columns: what was chosen.
        settings: of the Playground.
        presets: the person's own, by name.
        device: as for `Engine.load`.
    """

    columns: tuple[ColumnChoice, ...]
    settings: DecodingSettings
    presets: Mapping[str, DecodingSettings]
    device: str = "auto"


class Resolved(msgspec.Struct, frozen=True):
    """The columns of a comparison.

    Attributes:
        columns: with labels of their own; those of models that cannot be found have no folder that is there.
        problems: by index of a column: one sentence on why its model cannot be used.
        steps: by index of a column that is a checkpoint: all checkpoints of its run, in the order of their steps.
    """

    columns: tuple[Column, ...]
    problems: Mapping[int, str]
    steps: Mapping[int, tuple[CheckpointInfo, ...]]


def resolve(chosen: Chosen, folders: Folders) -> Resolved:
    """Finds the models; reads configurations and names of files only. A model that is missing costs its own column."""
    columns, problems, steps = [], {}, {}
    for index, choice in enumerate(chosen.columns):
        settings = settings_of(choice, chosen)
        try:
            column = _column(choice, settings, folders, chosen.device)
        except UserError as error:
            problems[index] = str(error)
            column = _missing(choice, settings)
        else:
            if column.step is not None:
                steps[index] = tuple(checkpoints(run_of(column.folder)))
        columns.append(column)
    return Resolved(tuple(columns), problems, steps)


def run_of(checkpoint: Path) -> Path:
    """The folder of the run that a checkpoint belongs to."""
    return checkpoint.parent.parent


def step_of(folder: Path) -> int | None:
    """The step of a checkpoint by its folder's name; ``None`` for other models."""
    number = folder.name.removeprefix("step-")
    is_checkpoint = folder.parent.name == "checkpoints" and folder.name != number
    return int(number) if is_checkpoint and number.isascii() and number.isdecimal() else None


def _missing(choice: ColumnChoice, settings: DecodingSettings) -> Column:
    """Stands for a model that cannot be found."""
    folder = Path(choice.model)
    step = step_of(folder)
    name = folder.name if step is None else run_of(folder).name
    label = _label(choice, name, step)
    return Column(label=label, model=name, folder=folder, config=_NOTHING, settings=settings, step=step)


def _label(choice: ColumnChoice, name: str, step: int | None) -> str:
    kind = "" if choice.precision == "auto" else choice.precision
    return " · ".join(filter(None, [name, "" if step is None else f"step {step:,}", kind, choice.settings_name]))


def settings_of(choice: ColumnChoice, chosen: Chosen) -> DecodingSettings:
    """The decoding settings of a column; a preset that is no longer there counts as the settings of the Playground."""
    if choice.own is not None:
        return choice.own
    preset = chosen.presets.get(choice.preset) or PRESETS.get(choice.preset)
    return apply_preset(preset, chosen.settings) if preset is not None else chosen.settings


def _column(choice: ColumnChoice, settings: DecodingSettings, folders: Folders, device: str) -> Column:
    entry = find_model(choice.model, folders)
    step = step_of(entry.path)
    name = entry.name if step is None else run_of(entry.path).name
    return Column(
        label=_label(choice, name, step),
        model=name,
        folder=entry.path,
        config=entry.config,
        settings=settings,
        device=device,
        precision=choice.precision,
        step=step,
    )
