"""Writes the configuration as a TOML file, and as the reference page docs/CONFIG.md."""

from __future__ import annotations

import json
from typing import Any

from trainer.config.former_names import former_keys
from trainer.config.schema import TrainConfig
from trainer.config.values import PRESETS_FOLDER, preset_names

_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
}


def toml_value(value: Any) -> str:
    """A setting's value as TOML holds it."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if isinstance(value, str):  # JSON's strings are TOML's, but for its pairs of surrogates and a bare delete
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value) if isinstance(value, bool) else repr(value)


def to_toml(config: TrainConfig) -> str:
    """A configuration file that holds every setting."""
    sections = config.model_dump()
    lines = []
    for name, values in sections.items():
        lines += [f"[{name}]", *(f"{key} = {toml_value(value)}" for key, value in values.items()), ""]
    return "\n".join(lines)


def _kind(field: dict[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        items = field.get("prefixItems", [field.get("items", {})])
        return f"list of {_kind(items[0])}"
    kind = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false"}[field["type"]]
    limits = [text.format(f"{field[key]:g}") for key, text in _LIMITS.items() if key in field and field[key] < 2**31]
    return f"{kind}, {' and '.join(limits)}" if limits else kind


def reference_page() -> str:
    """docs/CONFIG.md, from the configuration's schema and the presets."""
    schema = TrainConfig.model_json_schema()
    lines = [
        "# Settings of the trainer",
        "",
        "Made by `python -m trainer config --reference`; the source is `trainer/config/schema.py`.",
        "",
        "A run's settings come from a preset (`--preset NAME`), a TOML file over it (`--config FILE`) and flags over",
        "both (`--section.key value`). `python -m trainer config --preset NAME` prints a file to begin with.",
        "",
        "What a file or a flag gives stays as it is; values that contradict each other are refused. Defaults and",
        "presets give way where they do not fit, and the trainer says so: a warm-up longer than a tenth of the steps,",
        "intervals longer than the run, micro-batches that do not divide a step or exceed the data, a context longer",
        "than the text.",
        "",
    ]
    for name, reference in schema["properties"].items():
        section = schema["$defs"][reference["$ref"].rpartition("/")[2]]
        lines += [f"## {name}", "", section["description"], "", "| setting | value | default | what it does |"]
        lines += ["| --- | --- | --- | --- |"]
        for key, field in section["properties"].items():
            lines.append(f"| `{key}` | {_kind(field)} | `{toml_value(field['default'])}` | {field['description']} |")
        lines.append("")
    lines += ["## Presets", ""]
    for preset in preset_names():
        first = (PRESETS_FOLDER / f"{preset}.toml").read_text(encoding="utf-8").splitlines()[0]
        lines.append(f"- `{preset}`: {first.removeprefix('# ')}")
    lines += [
        "",
        "## Former names",
        "",
        "Files, flags and runs that use the names of earlier versions are read as before.",
        "",
    ]
    lines += [f"- `{former}`: now `{present}`" for former, present in former_keys().items()]
    return "\n".join(lines) + "\n"
