"""The figures above the charts, and the small curve of a card."""

import math
from pathlib import Path
from typing import Any

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gptdesk.loss_units import LOSS_UNITS, loss_unit
from gptdesk.training.history.history import RunHistory
from gptdesk.training.index import RunEntry
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.runs.labels import detail_text, shorter_details
from gptdesk.ui.train.runs.sparkline import Sparkline
from gptdesk.ui.train.runs.tile import NOTHING, Tile
from gptdesk.ui.train.runs.tiles import Tiles
from trainer.run_directory.state import RunState

from .conftest import BEGAN, Run


def entry(folder: Path, **status: Any) -> RunEntry:
    state = RunState("running", {"step": 400, "steps": 1000, "loss": 3.62, **status}, {})
    return RunEntry(
        folder=folder, id="a", name="one", tags=(), pinned=False, state=state, steps=1000, created=BEGAN, problem=""
    )


def test_figures_say_where_the_run_stands_and_explain_themselves(qtbot: QtBot, run: Run, history: RunHistory) -> None:
    tiles = Tiles()
    qtbot.addWidget(tiles)
    tiles.resize(1000, 120)
    tiles.show()
    tiles.show_run(entry(run.folder, best_loss=3.79, best_step=400, seconds_left=1140), history)
    assert [tile.figure.text() for tile in tiles.tiles] == ["400 / 1,000", "3.62", "3.79", "61,400", "2.0 GB", "19 min"]
    assert tiles.use.name.text() == "Memory", "there is no MFU where the peak of the hardware is not known"
    assert all(tile.toolTip() and tile.accessibleName() for tile in tiles.tiles)
    assert tiles.loss.accessibleDescription().endswith("per token:\nNats per token: 3.6200\nPerplexity: 37.34")
    assert tiles.bar.value() == 400
    assert tiles.note.text() == "400,000 tokens  ·  0.80 epochs  ·  best validation 3.790 at step 400"


def test_the_list_of_runs_shows_losses_in_the_unit_of_the_chart_and_names_it(tmp_path: Path) -> None:
    run = entry(tmp_path, best_loss=3.79, best_step=400)
    shown = {unit.key: detail_text(run, unit).partition(" · ")[0] for unit in LOSS_UNITS}
    assert shown["loss"] == "best 3.79 nats"
    assert shown["perplexity"] == "best perplexity 44.26"
    assert shown["bits_per_byte"] == shown["loss"], "how many bytes a token has is not read for a list"
    assert "nats" in detail_text(entry(tmp_path, best_loss=5000.0), loss_unit("perplexity"))


def test_a_narrow_card_of_a_run_says_less_and_keeps_its_age(tmp_path: Path) -> None:
    run = entry(tmp_path, best_loss=3.79, best_step=400)
    age = detail_text(run, LOSS_UNITS[0]).rpartition(" · ")[2]
    assert shorter_details(run, LOSS_UNITS[0]) == [f"best 3.79 nats · {age}", f"3.79 nats · {age}", age]


def test_losses_of_the_tiles_are_in_the_unit_that_is_set(qtbot: QtBot, run: Run, history: RunHistory) -> None:
    tiles = Tiles()
    qtbot.addWidget(tiles)
    tiles.show_run(entry(run.folder, best_loss=3.79, best_step=400), history)
    tiles.set_unit(loss_unit("perplexity"))
    assert tiles.loss.figure.text() == f"{math.exp(3.62):.2f}"
    assert tiles.validation.figure.text() == f"{math.exp(history.validation.value[-1]):.2f}"
    assert tiles.note.text().endswith("best validation 44.256 at step 400")
    tiles.set_unit(loss_unit("bits_per_byte"))
    assert tiles.loss.figure.text() == NOTHING, "the bytes per token of the data are not known"
    tiles.show_run(entry(run.folder, loss=5000.0), history)
    tiles.set_unit(loss_unit("perplexity"))
    assert tiles.loss.figure.text() == NOTHING, "the run diverged"


def test_figures_that_are_not_there_yet_are_dashes(qtbot: QtBot, tmp_path: Path, run: Run) -> None:
    tiles = Tiles()
    qtbot.addWidget(tiles)
    tiles.show_run(entry(tmp_path, step=None, loss=None), RunHistory(tmp_path / "nowhere"))
    assert tiles.loss.figure.text() == tiles.left.figure.text() == NOTHING


def test_figures_are_measured_in_the_systems_font(qtbot: QtBot, qapp: QApplication) -> None:
    before = qapp.font()
    font = QFont(before)
    usual = Tile("Step")
    qtbot.addWidget(usual)
    usual.show_figure("400,000 / 400,000", "")
    width = usual.wanted_width("")
    font.setPixelSize(26)
    try:
        qapp.setFont(font)
        large = Tile("Step")
        qtbot.addWidget(large)
        large.show_figure("400,000 / 400,000", "")
        assert large.wanted_width("") > 1.5 * width
    finally:
        qapp.setFont(before)


def test_figures_fit_into_a_narrow_page(qtbot: QtBot, run: Run, history: RunHistory) -> None:
    tiles = Tiles()
    qtbot.addWidget(tiles)
    tiles.show_run(entry(run.folder, step=1_204_000, steps=12_000_000, seconds_left=100_000), history)
    tiles.resize(388, 140)
    tiles.show()
    QApplication.processEvents()
    assert tiles.width() == 388
    assert tiles.speed.y() > tiles.step.y(), "they stand in two rows"
    assert all(tile.geometry().right() < 388 for tile in tiles.tiles)


def test_figures_of_one_row_have_one_size_whatever_the_width(qtbot: QtBot, run: Run, history: RunHistory) -> None:
    tiles = Tiles()
    qtbot.addWidget(tiles)
    tiles.show_run(entry(run.folder, step=45, steps=200_000, seconds_left=36_120), history)
    tiles.resize(388, 140)
    tiles.show()
    for width in range(400, 1000, 12):
        tiles.resize(width, 140)
        QApplication.processEvents()
        for row in {tile.y() for tile in tiles.tiles}:
            beside = [tile for tile in tiles.tiles if tile.y() == row]
            assert len({tile.height() for tile in beside}) == 1, width
            assert len({tile.figure.fontInfo().pixelSize() for tile in beside}) == 1, width
        for tile in tiles.tiles:
            words = tile.figure.fontMetrics().horizontalAdvance(tile.figure.text())
            assert words <= tile.figure.contentsRect().width(), (width, tile.figure.text())


def test_a_small_curve_is_drawn_in_its_colour(qtbot: QtBot, theme: Theme) -> None:
    curve = Sparkline(theme)
    qtbot.addWidget(curve)
    curve.set_curve([11.0, math.nan, 5.0, 4.0, 3.9, 3.8], "good")
    curve.resize(curve.sizeHint())
    curve.show()
    image = curve.grab().toImage()
    reds = [image.pixelColor(x, y).red() for x in range(image.width()) for y in range(image.height())]
    assert min(reds) < 0x60
    curve.set_curve([3.0, 3.0], "good")
    curve.grab()
