"""Reads sections and settings, with titles, kinds and limits, from the schema of a configuration. No Qt."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

from pydantic import BaseModel

FOLDER: Final = "folder"
"""``format`` in the schema of a text that names a folder."""

_TITLES: Final = {
    "model.init_from": "Model to start from",
    "model.n_layer": "Layers",
    "model.n_head": "Attention heads",
    "model.n_embd": "Width",
    "model.n_positions": "Context length",
    "model.vocab_multiple": "Pad vocabulary to a multiple of",
    "model.lora_rank": "LoRA rank",
    "model.lora_alpha": "LoRA alpha",
    "data.path": "Prepared data",
    "data.context_length": "Sequence length",
    "data.micro_batch_size": "Micro-batch size",
    "optim.betas": "AdamW betas",
    "optim.eps": "AdamW epsilon",
    "optim.grad_clip": "Gradient clipping",
    "schedule.kind": "Learning-rate schedule",
    "schedule.warmup_steps": "Warm-up steps",
    "schedule.min_lr_ratio": "Minimum learning-rate ratio",
    "schedule.early_stop_evaluations": "Evaluations before early stop",
    "run.compile": "Compile",
    "run.eval_interval": "Steps between evaluations",
    "run.eval_tokens": "Tokens in an evaluation",
    "run.log_interval": "Steps between log lines",
    "run.checkpoint_interval": "Steps between checkpoints",
    "run.keep_checkpoints": "Checkpoints to keep",
    "run.sample_top_k": "Sample top-k",
}
"""Titles of settings whose name does not make a good one."""

_SECTION_TITLES: Final = {"optim": "Optimizer"}
_HUGE: Final = 2**31 - 1
"""Limits from here on are not shown: nobody reaches them by mistake."""

_SEPARATE: Final = re.compile("_+")
_NAME: Final = re.compile(r"(?<![\w.`/-])(?:--)?(\w+\.)?(?P<name>[A-Za-z]+_\w+)(?![\w`])")
"""Name of a setting in a sentence: words joined by underscores, perhaps after its section or the dashes of a flag."""

_QUOTED: Final = re.compile(r"`(\w+\.)?(?P<name>[^`]+)`")
"""Name of a setting between backticks."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting.

    Attributes:
        key: ``section.name``.
        title: for people.
        help: what it does.
        kind: "bool", "choice", "int", "float", "text", "folder", "texts" or "numbers"; "other" for any other type.
        default: its value unless the user or a preset sets it.
        choices: of a choice.
        lowest, highest: inclusive limits, if any.
        above, below: exclusive limits, if any.
        count: how many numbers.
    """

    key: str
    title: str
    help: str
    kind: str
    default: Any
    choices: tuple[str, ...] = ()
    lowest: float | None = None
    highest: float | None = None
    above: float | None = None
    below: float | None = None
    count: int = 1

    @property
    def telling_limits(self) -> str:
        """The limits worth showing: a lower limit alone is obvious."""
        return self.limits if any(limit is not None and limit < _HUGE for limit in (self.highest, self.below)) else ""

    @property
    def limits(self) -> str:
        """``at least 0, below 1``; "" if there are none."""
        said = (
            ("at least", self.lowest),
            ("above", self.above),
            ("at most", self.highest),
            ("below", self.below),
        )
        return ", ".join(f"{word} {limit:g}" for word, limit in said if limit is not None and limit < _HUGE)


@dataclass(frozen=True, kw_only=True)
class Section:
    """Settings that belong together."""

    name: str
    title: str
    help: str
    settings: Sequence[Setting] = field(default_factory=tuple)


@cache
def read_sections(model: type[BaseModel]) -> tuple[Section, ...]:
    """The sections of a configuration, in its order.

    Args:
        model: a model whose fields are models, such as `TrainConfig`.
    """
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})
    sections = []
    for name, reference in schema["properties"].items():
        definition = _resolve(reference, definitions)
        settings = [
            _setting(name, key, _resolve(values, definitions)) for key, values in definition["properties"].items()
        ]
        title = _SECTION_TITLES.get(name, _title(name))
        help = definition.get("description", "")
        sections.append(Section(name=name, title=title, help=help, settings=tuple(settings)))
    return tuple(
        replace(each, settings=tuple(replace(s, help=in_words(s.help, sections)) for s in each.settings))
        for each in sections
    )


def in_words(text: str, sections: Sequence[Section]) -> str:
    """Replaces names of settings in a sentence of the trainer by their titles."""
    titles = {s.key.partition(".")[2]: s.title for section in sections for s in section.settings}

    def title(match: re.Match[str]) -> str:
        found = titles.get(match["name"].lower())
        if found is None:
            return match[0]
        begins = match.start() == 0 or text[: match.start()].endswith((". ", ": "))
        return found if begins or found[1:] != found[1:].lower() else found[0].lower() + found[1:]

    text = _NAME.sub(title, text)
    return _QUOTED.sub(lambda match: (titles.get(match["name"]) or match["name"]).lower(), text)


def fitted_words(note: str, sections: Sequence[Section]) -> str:
    """Rewrites a note of `trainer.planning.defaults`: "Warm-up steps: 5 instead of 100 (a tenth of the 50 steps)."."""
    key, _, rest = note.partition(" is ")
    numbers, _, why = rest.rstrip(".").partition(": ")
    titles = {setting.key: setting.title for section in sections for setting in section.settings}
    return f"{titles[key]}: {numbers} ({in_words(why, sections)})." if key in titles else in_words(note, sections)


def default_values(sections: Sequence[Section]) -> dict[str, dict[str, Any]]:
    """The default of every setting, nested."""
    return {
        section.name: {setting.key.partition(".")[2]: setting.default for setting in section.settings}
        for section in sections
    }


def _resolve(values: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = values.get("$ref")
    if not reference:
        return values
    return {**definitions[reference.rpartition("/")[2]], **{k: v for k, v in values.items() if k != "$ref"}}


def _setting(section: str, name: str, values: Mapping[str, Any]) -> Setting:
    key = f"{section}.{name}"
    kind, of, count = _kind(values)
    limits = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
    lowest, highest, above, below = (of.get(limit) for limit in limits)
    if kind == "int":  # a whole number above 0 is at least 1
        lowest, above = (above + 1 if above is not None else lowest), None
        highest, below = (below - 1 if below is not None else highest), None
    return Setting(
        key=key,
        title=_TITLES.get(key, _title(name)),
        help=values.get("description", ""),
        kind=kind,
        default=values.get("default"),
        choices=tuple(map(str, values.get("enum", ()))),
        lowest=lowest,
        highest=highest,
        above=above,
        below=below,
        count=count,
    )


def _kind(values: Mapping[str, Any]) -> tuple[str, Mapping[str, Any], int]:
    """The kind, the schema that holds its limits, and how many there are."""
    type_ = values.get("type")
    if "enum" in values and all(isinstance(value, str) for value in values["enum"]):
        return "choice", values, 1
    if type_ == "boolean":
        return "bool", values, 1
    if type_ == "integer":
        return "int", values, 1
    if type_ == "number":
        return "float", values, 1
    if type_ == "string":
        return (FOLDER if values.get("format") == FOLDER else "text"), values, 1
    if type_ == "array":
        parts = values.get("prefixItems", [])
        if parts and all(part.get("type") == "number" for part in parts):
            return "numbers", parts[0], len(parts)
        if values.get("items", {}).get("type") == "string":
            return "texts", values, 1
    return "other", values, 1


def _title(name: str) -> str:
    return _SEPARATE.sub(" ", name).strip().capitalize()
