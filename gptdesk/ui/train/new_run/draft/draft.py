"""Draft of a run: a preset and the user's changes to it. Plain Python, no Qt."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from gptdesk.training.defaults import DataFacts, Fitted, fit_defaults
from gptdesk.training.estimate import Summary
from gptdesk.training.launch import TORCHRUN, Launcher
from gptdesk.ui.train.new_run.draft.schema import default_values, read_sections
from gptdesk.ui.train.new_run.draft.vocabulary_choice import VocabularyChoice
from trainer.config.schema import TrainConfig
from trainer.config.values import PRESETS_FOLDER, merge, read_preset

FRESH_PRESET: Final = "story-10m"
"""Learns to tell a story within an hour on two processor cores."""

TUNING_PRESET: Final = "finetune-gpt2"

FRESH_ONLY: Final = ("model.n_layer", "model.n_head", "model.n_embd", "model.n_positions", "model.bias")
"""Settings that an existing model determines."""

TUNING_ONLY: Final = ("model.lora_rank", "model.lora_alpha")

_KEPT: Final = ("data.path", "model.init_from", "run.folder", "run.seed", "run.sample_prompts")
"""Settings that a preset does not change."""

_SOME: Final = 1
"""Placeholder for an unknown number of validation tokens."""

_READINGS: Final = 20
_FEWEST_STEPS: Final = 200
"""On a small data set, the steps of a preset are reduced to this many epochs, but not below this many steps: more
would overfit."""

_FLAGS: Final = re.compile(r" \(--[^)]*\)")
"""Parts of notes that apply to the command line only."""

_NO_NAME: Final = re.compile(r"[^\w.-]+")


@dataclass(frozen=True)
class Base:
    """What a run starts from.

    Attributes:
        name: shown; "" for from scratch.
        folder: of the model; "" for from scratch.
        context: context length in tokens; 0 for from scratch.
    """

    name: str = ""
    folder: str = ""
    context: int = 0


class Draft:
    """The settings so far.

    Args:
        schema: of the configuration.

    Attributes:
        preset: that the settings start from.
        base: model that the run starts from.
        train_tokens: of the chosen data; 0 while unknown.
        val_tokens: of its validation split; ``None`` while unknown.
        vocabulary: that text is prepared with, and the model has.
        data_name: shown name of the data.
        launcher: how the run is started.
        name: chosen by the user; "" for one made from data and model.
    """

    def __init__(self, schema: type[BaseModel] = TrainConfig) -> None:
        self.sections = read_sections(schema)
        self.preset = FRESH_PRESET
        self.base = Base()
        self.train_tokens = 0
        self.vocabulary = VocabularyChoice()
        self.val_tokens: int | None = None
        self.data_name = ""
        self.launcher = Launcher()
        self.name = ""
        self._preset_chosen = False
        self._changed: dict[str, Any] = {}

    @property
    def fresh(self) -> bool:
        """Whether the run starts from scratch."""
        return not self.get("model.init_from")

    @property
    def unused(self) -> tuple[str, ...]:
        """Settings that have no effect with the present ones."""
        return TUNING_ONLY if self.fresh else FRESH_ONLY

    @property
    def fitted(self) -> bool:
        """Whether the steps were reduced because the data is small."""
        return bool(self._fitted(self._wished()))

    @property
    def suggested_name(self) -> str:
        """A name made from data and model."""
        model = self.preset if self.fresh else (self.base.name or Path(self.get("model.init_from")).name)
        return _NO_NAME.sub("-", "-".join(part for part in (self.data_name, model) if part)).strip("-.")

    @property
    def run_name(self) -> str:
        return self.name or self.suggested_name or "run"

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for each setting that was changed to fit the user's choices or the data."""
        return self._give_way().notes

    def values(self) -> dict[str, Any]:
        """All values in force, nested."""
        return self._give_way().values

    def _give_way(self) -> Fitted:
        """Fits settings of the preset to the user's choices, as the trainer does."""
        wished = self._wished()
        return fit_defaults(
            merge(wished, {"schedule": self._fitted(wished)}),
            self._changed,
            data=DataFacts(self.train_tokens, _SOME if self.val_tokens is None else self.val_tokens)
            if self.train_tokens
            else None,
            context=self.base.context or None,
            processes=self.launcher.processes if self.launcher.kind == TORCHRUN else 1,
        )

    def _wished(self) -> dict[str, Any]:
        return merge(merge(default_values(self.sections), _preset(self.preset)), self._changed)

    def get(self, key: str) -> Any:
        """The value of ``section.name``; ``None`` for an unknown setting."""
        section, _, name = key.partition(".")
        return self.values().get(section, {}).get(name)

    def set(self, key: str, value: Any) -> None:
        """Changes one setting."""
        section, _, name = key.partition(".")
        self._changed = merge(self._changed, {section: {name: value}})

    def choose_preset(self, name: str) -> None:
        """Applies a preset; keeps data and model."""
        self._preset_chosen = True
        self._use_preset(name)

    def start_from(self, base: Base) -> None:
        """Chooses the model to start from, and a preset for it unless the user chose one."""
        self.base = base
        self.vocabulary.start_from(base.folder, base.name)
        was_fresh = self.fresh
        self.set("model.init_from", base.folder)
        if self.fresh != was_fresh and not self._preset_chosen:
            self._use_preset(FRESH_PRESET if self.fresh else TUNING_PRESET)

    def choose_data(
        self, path: str, name: str = "", train_tokens: int = 0, val_tokens: int | None = None, *, by_user: bool = True
    ) -> None:
        """Chooses prepared data; "" for none.

        Args:
            by_user: whether the user chose it; then the vocabulary becomes that of the data.
        """
        self.set("data.path", path)
        self.vocabulary.forget_data(follow=by_user)
        self.data_name, self.train_tokens, self.val_tokens = name, train_tokens, val_tokens

    def know_data(self, train_tokens: int, val_tokens: int) -> bool:
        """Sets the sizes of the chosen data. Returns whether they changed."""
        if (self.train_tokens, self.val_tokens) == (train_tokens, val_tokens):
            return False
        self.train_tokens, self.val_tokens = train_tokens, val_tokens
        return True

    def know(self, summary: Summary) -> bool:
        """Sets what was found out about the data and the model to start from. Returns whether that changed anything."""
        changed = self.vocabulary.know(summary.data, summary.tokenizer)
        data = summary.data
        return (data is not None and self.know_data(data.train_tokens, data.val_tokens)) or changed

    def replace(self, values: Mapping[str, Any]) -> None:
        """Replaces all settings, for instance by those of a TOML file; missing ones get their defaults.

        Data and model are kept if the values name none.
        """
        kept = {key: self.get(key) for key in ("data.path", "model.init_from")}
        path, start = self.get("data.path"), self.get("model.init_from")
        self._preset_chosen = True
        self.preset = ""
        self._changed = deepcopy(dict(values))
        for key, value in kept.items():
            if not self.get(key):
                self.set(key, value)
        if self.get("data.path") != path:
            self.choose_data(self.get("data.path"), Path(self.get("data.path")).name)
        if self.get("model.init_from") != start:
            self.base = Base(Path(self.get("model.init_from")).name, self.get("model.init_from"))
            self.vocabulary.start_from(self.base.folder, self.base.name)
        self._keep_steps()

    def _use_preset(self, name: str) -> None:
        kept = {key: value for key in _KEPT if (value := self._chosen(key)) is not None}
        self.preset, self._changed = name, {}
        for key, value in kept.items():
            self.set(key, value)

    def _chosen(self, key: str) -> Any:
        section, _, name = key.partition(".")
        return self._changed.get(section, {}).get(name)

    def _keep_steps(self) -> None:
        """Keeps the steps of a file, whatever the size of the data."""
        self.set("schedule.steps", self.get("schedule.steps"))

    def _fitted(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Reduces the steps on a small data set, unless the user has set them."""
        if not self.train_tokens or self._chosen("schedule.steps") is not None:
            return {}
        data, schedule = values["data"], values["schedule"]
        context = self.base.context if values["model"]["init_from"] else values["model"]["n_positions"]
        per_step = data["batch_size"] * (data["context_length"] or context or 1)
        steps = max(math.ceil(_READINGS * self.train_tokens / per_step), _FEWEST_STEPS)
        if steps >= schedule["steps"]:
            return {}
        steps = 10 * math.ceil(steps / 10)
        return {"steps": steps}


@cache
def _preset(name: str) -> dict[str, Any]:
    return read_preset(name) if name else {}


@cache
def preset_note(name: str) -> str:
    """Description of a preset, from its file."""
    first = (PRESETS_FOLDER / f"{name}.toml").read_text(encoding="utf-8").partition("\n")[0]
    return _FLAGS.sub("", first.removeprefix("# "))
