"""Scale for values just below one: 0.9 to 0.99 is as long as 0.99 to 0.999. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gptdesk.ui.widgets.inputs.scale import STEPS


@dataclass(frozen=True)
class NearOne:
    """From 0 to 1 - 10^-decades."""

    decades: int

    def value(self, position: int) -> float:
        return round(1 - 10 ** (-self.decades * position / STEPS), self.decades)

    def position(self, value: float) -> int:
        rest = 1 - min(max(value, 0.0), 1 - 10.0**-self.decades)
        return round(-math.log10(rest) / self.decades * STEPS)
