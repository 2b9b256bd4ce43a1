"""The large card: the chart of the losses, with the controls of all charts in its header."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout

from gptdesk.loss_units import LOSS_UNITS
from gptdesk.metrics import primary
from gptdesk.ui.fonts import smaller
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.charts.chart.chart import Chart
from gptdesk.ui.train.charts.chart.narrator import Narrator
from gptdesk.ui.train.charts.chart.values import ValueBox
from gptdesk.ui.train.charts.commands import unit_id
from gptdesk.ui.train.charts.controls import ChartControls
from gptdesk.ui.train.charts.curves.curve_store import Curves
from gptdesk.ui.train.charts.loss_notes import loss_notes
from gptdesk.ui.train.charts.painting.legend import Legend, LegendEntry
from gptdesk.ui.train.charts.painting.run_lines import DASHES
from gptdesk.ui.train.charts.settings import ChartSettings
from gptdesk.ui.train.charts.viewport import Viewport
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.inputs.boxes import MenuButton
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.window.commands.registry import Commands

_LARGEST_LEGEND: Final = 420
"""Pixels of the legend beyond which names are elided rather than the buttons moved."""

_GAP: Final = 10
_MARGINS: Final = 30
_INSET: Final = 8
"""Pixels from the edge of the title's button to its text; what stands below the title is moved as far."""

NOTHING_YET: Final = "The curve begins with the first recorded step."


class LossCard(QFrame):
    """The chart of the losses, with the controls of all charts in the header."""

    def __init__(
        self, theme: Theme, commands: Commands, viewport: Viewport, curves: Curves, settings: ChartSettings
    ) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self._theme = theme
        menu, ids = Menu(self), [unit_id(unit.key) for unit in LOSS_UNITS]
        menu.addActions([commands.action(id) for id in ids])
        menu.aboutToShow.connect(lambda: commands.refresh(*ids))
        self.title, self.legend = MenuButton("title", menu), Legend()
        self.title.setToolTip("Choose the unit of the losses")
        self.controls = ChartControls(theme, commands, settings)
        self.chart = Chart(theme, viewport, curves, primary())
        self.values = ValueBox(self.chart)
        Narrator(self.chart)
        self.nothing = QLabel(NOTHING_YET, self.chart)
        self.nothing.setProperty("kind", "muted")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setWordWrap(True)
        self.note = ElidedLabel()  # a label that wraps would make the card higher than the page
        self.note.setProperty("kind", "muted")
        self.note.setFont(smaller(self.font()))
        self.note.setContentsMargins(_INSET, 0, 0, 0)
        self._header = QGridLayout()
        self._header.setHorizontalSpacing(_GAP)
        self._header.setVerticalSpacing(8)
        self._header.addWidget(self.title, 0, 0)
        self._header.addWidget(self.legend, 0, 1)
        self._header.setColumnStretch(1, 1)
        self._beside: bool | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 10, 8, 8)
        layout.setSpacing(4)
        header = QHBoxLayout()
        header.setContentsMargins(0, 0, 6, 0)
        header.addLayout(self._header)
        layout.addLayout(header)
        layout.addWidget(self.note)
        layout.addWidget(self.chart, 1)
        self._arrange()
        viewport.pointed.connect(self._on_pointed)
        theme.changed.connect(self.show_legend)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()
        self.nothing.setGeometry(self.chart.rect())

    def _arrange(self) -> None:
        """Places the controls beside the title where the legend fits too, else below it."""
        room = self.width() - _MARGINS
        legend = min(_LARGEST_LEGEND, self.legend.sizeHint().width())
        beside = self.controls.fit_into(room - self.title.sizeHint().width() - legend - 2 * _GAP)
        if not beside:
            self.controls.fit_into(room - _INSET)
        if beside != self._beside:
            self._beside = beside
            row, column, span = (0, 2, 1) if beside else (1, 0, 2)
            align = Qt.AlignmentFlag.AlignRight if beside else Qt.AlignmentFlag.AlignLeft
            self.controls.setContentsMargins(0 if beside else _INSET, 0, 0, 0)
            self._header.addWidget(self.controls, row, column, 1, span, align)

    def show_legend(self) -> None:
        """Updates the legend."""
        colours, chart = self._theme.colours, self.chart
        entries = []
        if chart.runs:
            own = getattr(colours, chart.runs[0].role)
            averaged = chart.settings.smoothing > 0
            entries = [LegendEntry("line", own, "train")]
            if averaged:
                entries.append(LegendEntry("faint", own, "raw"))
            entries.append(LegendEntry("dots", colours.good, "validation"))
        for number, run in enumerate(chart.runs[1:]):
            entries.append(LegendEntry("dash", getattr(colours, run.role), run.name, DASHES[number % len(DASHES)]))
        self.legend.show_entries(entries, colours.muted)
        self.title.setText(chart.title)
        self.title.setAccessibleName(f"{chart.title}: choose another unit")
        self.title.updateGeometry()
        self.show_notes()
        self._arrange()

    def show_notes(self) -> None:
        """Shows a hint while nothing is recorded, and which losses are not those that were recorded."""
        self.nothing.setVisible(not any(len(lines.run.history.series(lines.value)) for lines in self.chart.lines))
        notes = loss_notes(self.chart.lines, self.chart.unit) if self.chart.unit else []
        self.note.setVisible(bool(notes))
        self.note.setText("  ·  ".join(note.text for note in notes))
        self.note.help = "\n".join(note.reason for note in notes)
        self.note.setAccessibleDescription(self.note.help)

    def _on_pointed(self) -> None:
        if self.chart.underMouse() or self.chart.by_keys:
            self.values.show_values()
        else:
            self.values.hide()
