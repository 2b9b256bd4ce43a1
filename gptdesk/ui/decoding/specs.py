"""Rows of the decoding panel, from the table of decoding settings."""

from __future__ import annotations

from typing import Final

from gptdesk.inference.sampling.fields import Setting, Slider
from gptdesk.inference.sampling.settings import SETTINGS
from gptdesk.ui.widgets.scale import Linear, LogThenOff, Power, Scale
from gptdesk.ui.widgets.slider_row import SliderSpec


def slider_spec(setting: Setting, slider: Slider) -> SliderSpec:
    """The row of a setting that has a slider."""
    assert setting.limit is not None
    return SliderSpec(
        name=setting.name,
        title=setting.title,
        help=setting.help,
        lowest=setting.limit.lowest,
        highest=setting.limit.highest,
        decimals=setting.decimals,
        scale=_scale(slider, setting.neutral),
        off=setting.word_value,
        off_text=setting.word,
    )


def _scale(slider: Slider, neutral: float) -> Scale:
    if slider.logarithmic:
        return LogThenOff(highest=slider.highest, off=neutral)
    if slider.middle is not None:
        return Power(highest=slider.highest, middle=slider.middle)
    return Linear(slider.lowest, slider.highest)


SLIDERS: Final = tuple(
    slider_spec(setting, setting.control) for setting in SETTINGS.values() if isinstance(setting.control, Slider)
)
"""A row for every setting with a slider."""
