"""The table that compares runs: their validation losses in every unit, and the settings that differ."""

import math
from pathlib import Path

import pytest

from gptdesk.training.history.history import RunHistory
from gptdesk.ui.train.charts.comparison import CompareDialog
from gptdesk.ui.train.charts.settings import PlottedRun

from .conftest import MakePanel, Run, choose, read_history


def rows(dialog: CompareDialog) -> list[list[str]]:
    table = dialog.table
    return [
        [table.item(row, column).text() for column in range(table.columnCount())] for row in range(table.rowCount())
    ]


def test_runs_are_compared_by_validation_loss_in_every_unit_and_by_settings(
    make_panel: MakePanel, history: RunHistory, tmp_path: Path
) -> None:
    other = Run(tmp_path / "other")
    other.steps(10, 200, above=2.0, bits_per_byte=1.25)
    other.event("eval", 200, val_loss=3.0, bits_per_byte=1.3, tokens=500, seconds=1.0, best=True)
    panel = make_panel(
        PlottedRun("one", history, config={"optim": {"learning_rate": 6e-4, "betas": [0.9, 0.95]}}),
        PlottedRun(
            "two", read_history(other), "warn", False, config={"optim": {"learning_rate": 1e-3, "betas": [0.9, 0.95]}}
        ),
    )
    assert panel.loss is not None
    choose(panel.loss.controls.menu, "Compare runs…")
    dialog = panel.findChild(CompareDialog)
    assert dialog is not None
    newest = float(history.validation.value[-1])
    assert rows(dialog) == [
        ["Validation, nats per token", f"{newest:.4f}", "3.0000"],
        ["Validation, bits per byte", "–", "1.3000"],
        ["Validation, perplexity", f"{math.exp(newest):.2f}", f"{math.exp(3.0):.2f}"],
        ["optim.learning_rate", "0.0006", "0.001"],
    ]
    dialog.accept()


@pytest.mark.parametrize("pinned", [False, True])
def test_a_run_alone_is_compared_with_nothing(make_panel: MakePanel, history: RunHistory, pinned: bool) -> None:
    runs = [PlottedRun("one", history), *([PlottedRun("two", history, "warn", False)] if pinned else [])]
    panel = make_panel(*runs)
    assert (panel.why_no_comparison() is None) == pinned
