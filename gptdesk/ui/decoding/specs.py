"""The settings that the panel shows as sliders, and how their scales run."""

from __future__ import annotations

from typing import Final

from gptdesk.inference.sampling.settings import LIMITS
from gptdesk.ui.widgets.scale import Linear, LogThenOff, Power, Scale
from gptdesk.ui.widgets.slider_row import SliderSpec


def _spec(
    name: str, title: str, help: str, decimals: int, scale: Scale, off: float | None, off_text: str = "off"
) -> SliderSpec:
    limit = LIMITS[name]
    return SliderSpec(
        name=name,
        title=title,
        help=help,
        lowest=limit.lowest,
        highest=limit.highest,
        decimals=decimals,
        scale=scale,
        off=off,
        off_text=off_text,
    )


SLIDERS: Final = (
    _spec(
        "temperature",
        "Temperature",
        "How daring the choice is: 0 always takes the likeliest token, 1 follows the model, above 1 flattens its odds.",
        2,
        Power(highest=5.0, middle=1.0),
        0.0,
        "greedy",
    ),
    _spec("top_k", "Top-k", "Only the k likeliest tokens can be chosen.", 0, LogThenOff(highest=1000), 0.0),
    _spec(
        "top_p",
        "Top-p",
        "Only the likeliest tokens that together reach this probability can be chosen.",
        2,
        Linear(0.0, 1.0),
        1.0,
    ),
    _spec(
        "min_p",
        "Min-p",
        "Tokens less likely than this share of the likeliest one are left out.",
        2,
        Power(highest=1.0, middle=0.15),
        0.0,
    ),
    _spec(
        "repetition_penalty",
        "Repetition penalty",
        "Above 1, tokens that stand in the text already become less likely.",
        2,
        Linear(1.0, 2.0),
        1.0,
    ),
)
