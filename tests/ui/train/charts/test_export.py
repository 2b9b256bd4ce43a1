"""Charts as pictures and tables."""

from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from PySide6.QtSvg import QSvgRenderer
from pytestqt.qtbot import QtBot

from gptdesk.training.history.history import RunHistory
from gptdesk.ui.train.charts.export.table import write_csv
from gptdesk.ui.train.charts.settings import PlottedRun

from .conftest import MakePanel, Run, read_table


def test_the_table_holds_every_point_in_full_precision(
    make_panel: MakePanel, history: RunHistory, tmp_path: Path, qtbot: QtBot
) -> None:
    panel = make_panel(PlottedRun("one, two", history))
    path = tmp_path / "kürven.csv"
    with qtbot.waitSignal(panel.saved):
        panel.save("csv", path)
    rows = read_table(path)
    series = history.series("loss")
    assert [float(row["loss"]) for row in rows] == series.value.tolist()
    assert {row["run"] for row in rows} == {"one, two"}
    assert [row["validation"] for row in rows if row["step"] == "200"] == [str(history.validation.value[1])]
    assert rows[0]["validation"] == ""
    assert list(rows[0]) == ["run", "step", "tokens", "seconds", "loss", "lr", "grad_norm", "validation"]


def test_an_evaluation_after_a_step_that_was_not_logged_has_its_own_row(
    run: Run, history: RunHistory, tmp_path: Path
) -> None:
    run.event("eval", 405, val_loss=3.9, tokens=500, seconds=1.0, best=False)
    history.update()
    write_csv([PlottedRun("one", history)], ["loss", "split"], tmp_path / "t.csv")
    last = read_table(tmp_path / "t.csv")[-1]
    assert (last["step"], last["loss"], last["validation"], last["forward_ms"]) == ("405", "", "3.9", "")


def test_pictures_and_drawings_can_be_opened(
    make_panel: MakePanel, history: RunHistory, tmp_path: Path, qtbot: QtBot
) -> None:
    panel = make_panel(PlottedRun("one", history))
    for kind in ("png", "svg"):
        with qtbot.waitSignal(panel.saved):
            panel.save(kind, tmp_path / f"charts.{kind}")
    assert QImage(str(tmp_path / "charts.png")).width() > 2 * panel.width()
    drawing = (tmp_path / "charts.svg").read_text(encoding="utf-8")
    assert QSvgRenderer(drawing.encode()).isValid()
    assert "<image" not in drawing, "lines are lines, not a picture of them"


@pytest.mark.parametrize("kind", ["png", "svg", "csv"])
def test_a_place_that_cannot_be_written_is_told(
    make_panel: MakePanel, history: RunHistory, tmp_path: Path, qtbot: QtBot, kind: str
) -> None:
    panel = make_panel(PlottedRun("one", history))
    (tmp_path / "taken").mkdir()
    with qtbot.waitSignal(panel.failed) as heard:
        panel.save(kind, tmp_path / "taken")
    assert "choose another place" in heard.args[0]
    assert list((tmp_path).glob(".taken*")) == []
