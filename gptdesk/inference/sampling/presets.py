"""Which settings make up a preset, and which preset given settings are. Plain Python, no Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gptdesk.inference.sampling.settings import PRESETS, SETTINGS, DecodingSettings


def choosing(settings: DecodingSettings) -> DecodingSettings:
    """The part of the settings that a preset keeps (`Setting.in_preset`); the rest is neutral."""
    return DecodingSettings(**_values(settings))


def apply_preset(preset: DecodingSettings, settings: DecodingSettings) -> DecodingSettings:
    """``settings`` with what a preset keeps taken from ``preset``."""
    return replace(settings, **_values(preset))


def name_of(settings: DecodingSettings, own: Mapping[str, DecodingSettings]) -> str | None:
    """Name of the preset that these settings equal, the user's ``own`` first; ``None`` when they equal none."""
    chosen = choosing(settings)
    return next((name for name, preset in (*own.items(), *PRESETS.items()) if choosing(preset) == chosen), None)


def _values(settings: DecodingSettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name, setting in SETTINGS.items() if setting.in_preset}
