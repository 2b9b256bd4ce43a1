"""Which settings make up a preset, and which preset some settings are. Plain Python, no Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from gptdesk.inference.sampling.settings import PRESETS, DecodingSettings

_CHOOSING: Final = (
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "typical_p",
    "repetition_penalty",
    "presence_penalty",
    "frequency_penalty",
    "no_repeat_ngram",
    "logit_bias",
)
"""How tokens are chosen. Length, stop strings and seed belong to the text at hand and stay when a preset is taken."""


def choosing(settings: DecodingSettings) -> DecodingSettings:
    """The part of the settings that a preset keeps; the rest is neutral."""
    return DecodingSettings(**_values(settings))


def apply_preset(preset: DecodingSettings, settings: DecodingSettings) -> DecodingSettings:
    """``settings`` with tokens chosen as in ``preset``."""
    return replace(settings, **_values(preset))


def name_of(settings: DecodingSettings, own: Mapping[str, DecodingSettings]) -> str | None:
    """The preset that these settings are, the person's own first; ``None`` when they are none."""
    chosen = choosing(settings)
    return next((name for name, preset in (*own.items(), *PRESETS.items()) if choosing(preset) == chosen), None)


def _values(settings: DecodingSettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in _CHOOSING}
