"""Dialog that compares the runs on the charts: their newest validation losses, and the settings that differ."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gptdesk.loss_units import LOSS_UNITS
from gptdesk.training.differences import NOTHING, settings_diff
from gptdesk.training.history.loss_source import newest_validation
from gptdesk.ui.number_format import decimal
from gptdesk.ui.train.charts.settings import PlottedRun
from gptdesk.ui.widgets.dialog import Dialog
from gptdesk.ui.widgets.input_dialogs.buttons import button_row
from gptdesk.ui.widgets.tooltips import wrapped


class CompareDialog(Dialog):
    """A row for every unit of the validation loss and for every setting that differs, a column for every run."""

    def __init__(self, runs: Sequence[PlottedRun], parent: QWidget | None = None) -> None:
        super().__init__("Compare runs", parent)
        settings = settings_diff([run.config or {} for run in runs])
        rows = [*_losses(runs), *((row.name, row.values) for row in settings)]
        self.table = QTableWidget(len(rows), 1 + len(runs))
        self.table.setAccessibleName("Validation losses, and settings that differ")
        for column, name in enumerate(("", *(run.name for run in runs))):
            header = QTableWidgetItem(name)
            header.setToolTip(wrapped(name))
            self.table.setHorizontalHeaderItem(column, header)
        for number, row in enumerate(rows):
            for column, text in enumerate((row[0], *row[1])):
                item = QTableWidgetItem(text)
                item.setToolTip(wrapped(text))
                self.table.setItem(number, column, item)
        self._style_table()
        note = QLabel(_sentence(len(settings), len(runs)))
        note.setProperty("kind", "muted")
        note.setWordWrap(True)
        close = QPushButton("Close")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(12)
        layout.addWidget(note)
        layout.addWidget(self.table, 1)
        layout.addLayout(button_row(close))
        self.table.setVisible(bool(rows))
        self.resize(min(1000, 320 + 160 * len(runs)), min(640, 180 + 34 * len(rows)))

    def _style_table(self) -> None:
        table = self.table
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setTabKeyNavigation(False)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(32)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setTextElideMode(Qt.TextElideMode.ElideRight)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)


def _losses(runs: Sequence[PlottedRun]) -> list[tuple[str, tuple[str, ...]]]:
    """The newest validation loss of each run in every unit; no row for a unit in which none is known."""
    rows = []
    for unit in LOSS_UNITS:
        values = [newest_validation(run.history, unit) for run in runs]
        if any(map(math.isfinite, values)):
            shown = [decimal(value, unit.digits) if math.isfinite(value) else NOTHING for value in values]
            rows.append((f"Validation, {unit.title[0].lower()}{unit.title[1:]}", tuple(shown)))
    return rows


def _sentence(differences: int, runs: int) -> str:
    if not differences:
        return "These runs have the same settings."
    settings = "One setting differs" if differences == 1 else f"{differences} settings differ"
    return f"{settings} between {'the two' if runs == 2 else f'the {runs}'} runs; all others are the same."
