"""What a document tells of a generation: model, settings, seed, device and so on, as titles and values."""

from __future__ import annotations

from typing import Final

from gptdesk.inference.events import precision_label
from gptdesk.inference.sampling.settings import SETTINGS, DecodingSettings
from gptdesk.store.runs import CHOSEN, Origin

UNKNOWN: Final = "unknown"
"""Stands for what an earlier version did not keep."""

FINISH_REASONS: Final = {
    "length": "max tokens reached",
    "stop": "stop string or Until",
    "end_of_text": "end of text",
    "cancelled": "by you",
    "failed": "by an error",
    CHOSEN: "chosen by you",
}
"""Why a generation ended, in words, by `DoneEvent.finish_reason` and what else `Origin.finish_reason` may be."""

_HASH: Final = 16
"""Digits of a hash that are shown."""


def facts(origin: Origin) -> list[tuple[str, str]]:
    """Title and value of each fact; `UNKNOWN` for what was not kept."""
    read = "" if origin.prompt_tokens is None else f"{origin.prompt_tokens:,} tokens were read"
    return [
        ("Model", origin.model or UNKNOWN),
        *([("Model changed", changed)] if (changed := intervention_line(origin)) else []),
        ("Weights", short_hash(origin.weights)),
        ("Tokenizer", short_hash(origin.tokenizer)),
        ("Settings", settings_line(origin) or "neutral"),
        ("Seed", UNKNOWN if origin.seed is None else str(origin.seed)),
        ("Prompt", read or UNKNOWN),
        ("Device", origin.device or UNKNOWN),
        ("Precision", precision_label(origin.precision, origin.backend) or UNKNOWN),
        ("Computed by", origin.runtime or UNKNOWN),
        ("Ended", FINISH_REASONS.get(origin.finish_reason or "", UNKNOWN)),
    ]


def intervention_line(origin: Origin) -> str:
    """Without 3.1, MLP 5: what was changed in the model; empty for a whole one."""
    if origin.foreign_intervention:
        return "in a way of another version of gptdesk"
    return origin.intervention.name


def settings_line(origin: Origin) -> str:
    """Temperature 0.8 · Top-p 0.95 · Stop strings "</x>": all settings that differ from the neutral ones."""
    if origin.foreign_settings:
        return "of another version of gptdesk"
    values = {name: value for name, value in origin.settings.to_json().items() if name != "seed"}
    return " · ".join(f"{SETTINGS[name].title} {_value(value)}" for name, value in values.items())


def numbers_line(settings: DecodingSettings) -> str:
    """Temperature 0.8 · Top-p 0.95: the numbers of a preset that differ from the neutral ones."""
    changed = {name: value for name, value in settings.to_json().items() if isinstance(value, int | float)}
    shown = [f"{one.title} {changed[name]:g}" for name, one in SETTINGS.items() if one.in_preset and name in changed]
    return " · ".join(shown)


def short_hash(hash: str) -> str:
    """The beginning of a hash; `UNKNOWN` for none."""
    return f"{hash[:_HASH]}…" if len(hash) > _HASH else hash or UNKNOWN


def _value(value: object) -> str:
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int | float):
        return f"{value:,}" if isinstance(value, int) else f"{value:g}"
    if isinstance(value, dict):
        return ", ".join(f"{id}: {bias:g}" for id, bias in value.items())
    return ", ".join(repr(one) if isinstance(one, str) else str(one) for one in value)  # type: ignore[attr-defined]
