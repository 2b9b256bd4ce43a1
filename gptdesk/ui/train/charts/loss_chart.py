"""The chart of the losses, with published ones as lines across."""

from __future__ import annotations

from gptdesk.training.published import published_losses
from gptdesk.ui.number_format import decimal
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.charts.chart import Chart
from gptdesk.ui.train.charts.curves import Curves
from gptdesk.ui.train.charts.viewport import Viewport


class LossChart(Chart):
    """Training and validation loss of every run."""

    def __init__(self, theme: Theme, viewport: Viewport, curves: Curves) -> None:
        super().__init__(theme, viewport, curves, "loss")
        self._published = published_losses()

    def wanted_levels(self) -> list[tuple[float, str]]:
        if not self.settings.published:
            return []
        return [(row.loss, f"{row.model} on OpenWebText {decimal(row.loss, 2)}") for row in self._published]
