"""The colours of both themes and how well they can be told apart. Plain data, no Qt."""

from __future__ import annotations

from typing import Final

import msgspec


class Colours(msgspec.Struct, frozen=True, kw_only=True):
    """One theme, as ``#rrggbb``.

    Attributes:
        background: behind the zones.
        surface: where text stands.
        raised: controls.
        hairline: lines between zones and around controls.
        text: words that matter.
        muted: words that explain.
        accent: the one thing to press, and what is selected.
        accent_hover: the accent under the pointer.
        on_accent: words on the accent.
        wash: behind what is selected, and behind what a model wrote.
        good: a state that is as it should be.
        warn: a state to look at.
        bad: a state that stops work.
    """

    background: str
    surface: str
    raised: str
    hairline: str
    text: str
    muted: str
    accent: str
    accent_hover: str
    on_accent: str
    wash: str
    good: str
    warn: str
    bad: str


LIGHT: Final = Colours(
    background="#F6F7F9",
    surface="#FFFFFF",
    raised="#FBFBFC",
    hairline="#E4E7EC",
    text="#1A1D21",
    muted="#5C667A",
    accent="#2460D8",
    accent_hover="#1E52BC",
    on_accent="#FFFFFF",
    wash="#E8F0FE",
    good="#0E7453",
    warn="#B04507",
    bad="#B42318",
)

DARK: Final = Colours(
    background="#14171B",
    surface="#1B1F24",
    raised="#20252B",
    hairline="#2D333B",
    text="#E7EAEE",
    muted="#98A2B3",
    accent="#7AA7FF",
    accent_hover="#94B8FF",
    on_accent="#14171B",
    wash="#22314D",
    good="#4CC38A",
    warn="#F0A04B",
    bad="#F97066",
)
