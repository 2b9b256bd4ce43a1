"""The unit of the loss chart: recorded, converted or not available; in the chart, in text, in exports, remembered."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtSvg import QSvgRenderer
from pytestqt.qtbot import QtBot

from gptdesk import loss_units
from gptdesk.loss_units import LOSS_UNITS, LossUnit, loss_unit
from gptdesk.training.history.history import RunHistory
from gptdesk.training.history.loss_source import loss_sources, needs_bytes
from gptdesk.ui.train.charts.export.table import write_csv
from gptdesk.ui.train.charts.settings import ChartSettings, PlottedRun

from .conftest import MakePanel, Run, choose, large, read_history, read_table, settle

BYTES = 3.2
BITS = ChartSettings(loss_unit="bits_per_byte", smoothing=0.0)


@pytest.fixture
def per_byte(tmp_path: Path) -> RunHistory:
    """A run that records losses per byte, too."""
    made = Run(tmp_path / "new")
    for step in range(10, 210, 10):
        loss = 3.0 + 5 * math.exp(-step / 100)
        made.event("step", step, tokens=step, loss=loss, bits_per_byte=loss / BYTES / math.log(2), lr=1e-3, grad_norm=1)
        if step % 100 == 0:
            bits = (loss + 0.1) / BYTES / math.log(2)
            made.event("eval", step, val_loss=loss + 0.1, bits_per_byte=bits, tokens=9, seconds=1.0, best=True)
    return read_history(made)


def test_the_unit_is_chosen_in_the_title_and_remembered(
    make_panel: MakePanel, per_byte: RunHistory, qtbot: QtBot
) -> None:
    panel = make_panel(PlottedRun("one", per_byte))
    assert panel.loss is not None
    assert panel.loss.title.text() == "Loss"
    with qtbot.waitSignal(panel.settings_changed) as heard:
        choose(panel.loss.title.menu(), "Bits per byte")
    kept = ChartSettings.from_dict(json.loads(json.dumps(heard.args[0].to_dict())))
    assert kept.loss_unit == "bits_per_byte"
    assert panel.loss.title.text() == "Bits per byte"
    assert large(panel).accessibleName() == "Bits per byte chart"
    assert ChartSettings.from_dict({"loss_unit": "furlongs"}) == ChartSettings()


def test_recorded_bits_per_byte_are_drawn_as_they_are(make_panel: MakePanel, per_byte: RunHistory) -> None:
    panel = make_panel(PlottedRun("one", per_byte), settings=BITS)
    assert panel.loss is not None
    lines = large(panel).lines[0]
    assert lines.recorded_at(-1) == per_byte.series("bits_per_byte").value[-1]
    assert lines.validated_at(-1) == per_byte.evaluated("bits_per_byte").value[-1]
    low, high = large(panel).box.viewRange()[1]
    assert 1 < low < lines.recorded_at(-1) < lines.recorded_at(0) < high < 4
    assert panel.loss.note.isHidden()
    large(panel).view.point(200.0)
    panel.loss.values.show_values()
    assert f"{lines.validated_at(-1):.4f}" in panel.loss.values.label.text()


def test_perplexity_is_the_exponential_of_the_averaged_loss(make_panel: MakePanel, per_byte: RunHistory) -> None:
    nats = make_panel(PlottedRun("one", per_byte), settings=ChartSettings(smoothing=0.9))
    averaged = large(nats).lines[0].averaged_at(-1)
    panel = make_panel(PlottedRun("one", per_byte), settings=ChartSettings(smoothing=0.9, loss_unit="perplexity"))
    lines = large(panel).lines[0]
    assert lines.averaged_at(-1) == pytest.approx(math.exp(averaged))
    assert lines.validated_at(-1) == pytest.approx(math.exp(per_byte.validation.value[-1]))


def test_losses_of_a_run_that_diverged_have_no_perplexity_and_do_no_harm(make_panel: MakePanel, tmp_path: Path) -> None:
    run = Run(tmp_path / "diverged")
    for step, loss in enumerate([4.0, 900.0, 5e8, None], start=1):
        run.event("step", step, tokens=step, loss=loss, lr=1e-3, grad_norm=1.0)
    panel = make_panel(PlottedRun("one", read_history(run)), settings=ChartSettings(loss_unit="perplexity"))
    low, high = large(panel).box.viewRange()[1]
    assert math.isfinite(low)
    assert math.isfinite(high)
    assert max(len(tick.text) for tick in large(panel).y_axis.ticks) < 12, "with an exponent"


def test_an_older_run_is_converted_where_the_length_of_its_tokens_is_known(
    make_panel: MakePanel, history: RunHistory
) -> None:
    assert needs_bytes(history)
    history.bytes_per_token = BYTES
    assert not needs_bytes(history)
    panel = make_panel(PlottedRun("one", history), settings=BITS)
    assert panel.loss is not None
    assert large(panel).lines[0].recorded_at(-1) == pytest.approx(
        history.series("loss").value[-1] / BYTES / math.log(2)
    )
    assert panel.loss.note.isVisible()
    assert "converted at 3.20 bytes per token" in panel.loss.note.text()


def test_what_is_not_known_is_said_and_the_other_run_is_drawn(
    make_panel: MakePanel, history: RunHistory, per_byte: RunHistory, qtbot: QtBot
) -> None:
    panel = make_panel(PlottedRun("new", per_byte), PlottedRun("old", history, "warn", False), settings=BITS)
    assert panel.loss is not None
    new, old = large(panel).lines
    assert math.isfinite(new.recorded_at(-1))
    assert math.isnan(old.recorded_at(-1))
    assert panel.loss.note.text() == "“old”: bits per byte not available"
    assert "“old” did not record bits per byte" in panel.loss.note.accessibleDescription()
    large(panel).view.point(200.0)
    panel.loss.values.show_values()
    assert "not available" in panel.loss.values.label.text()
    alone = make_panel(PlottedRun("old", history), settings=BITS)
    qtbot.waitUntil(
        lambda: large(alone).accessibleDescription().startswith("Train bits per byte not available, validation not")
    )


def test_what_a_run_records_is_found_out_with_its_first_steps(make_panel: MakePanel, tmp_path: Path) -> None:
    run = Run(tmp_path / "late")
    history = read_history(run)
    panel = make_panel(PlottedRun("late", history), settings=BITS)
    assert panel.loss is not None
    assert panel.loss.note.isHidden(), "nothing is recorded yet"
    run.steps(10, 100)
    history.update()
    panel.refresh()
    settle(panel)
    assert panel.loss.note.isVisible()
    history.bytes_per_token = BYTES
    run.steps(110, 120)
    history.update()
    panel.refresh()
    assert math.isfinite(large(panel).lines[0].recorded_at(-1))


def test_published_losses_are_drawn_per_token_alone(make_panel: MakePanel, per_byte: RunHistory) -> None:
    panel = make_panel(PlottedRun("one", per_byte), settings=ChartSettings(published=True))
    assert len(large(panel).wanted_levels()) == 4
    panel.apply(ChartSettings(published=True, loss_unit="perplexity"))
    assert large(panel).wanted_levels()[0][0] == pytest.approx(math.exp(3.12))
    panel.apply(ChartSettings(published=True, loss_unit="bits_per_byte"))
    assert large(panel).wanted_levels() == []
    assert panel.loss is not None
    menu = panel.loss.controls.menu
    menu.aboutToShow.emit()
    (published,) = [action for action in menu.actions() if action.text().startswith("Published")]
    assert not published.isEnabled()


@pytest.mark.parametrize("unit", LOSS_UNITS, ids=lambda unit: unit.key)
def test_a_table_holds_the_losses_in_the_unit(per_byte: RunHistory, tmp_path: Path, unit: LossUnit) -> None:
    write_csv([PlottedRun("one", per_byte)], ["loss", "lr"], tmp_path / "t.csv", unit=unit)
    table = read_table(tmp_path / "t.csv")
    assert list(table[0]) == ["run", "step", "tokens", "seconds", unit.key, "lr", unit.validation_column]
    source = loss_sources(per_byte, unit).training
    wanted = source.convert(per_byte.series(source.key).value)
    np.testing.assert_array_equal([float(row[unit.key]) for row in table], wanted)
    assert sum(row[unit.validation_column] != "" for row in table) == 2


def test_pictures_name_the_unit_of_the_axis(
    make_panel: MakePanel, per_byte: RunHistory, tmp_path: Path, qtbot: QtBot
) -> None:
    panel = make_panel(PlottedRun("one", per_byte), settings=BITS)
    with qtbot.waitSignal(panel.saved):
        panel.save("svg", tmp_path / "charts.svg")
    drawing = (tmp_path / "charts.svg").read_text(encoding="utf-8")
    assert QSvgRenderer(drawing.encode()).isValid()
    assert "Loss, bits per byte" in drawing


def test_a_unit_that_is_added_to_the_table_is_a_command_and_drawn(
    make_panel: MakePanel, per_byte: RunHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    bits = LossUnit(
        key="bits", title="Bits per token", description="Show losses in bits", chart_title="Bits", axis_title="Bits",
        noun="bits", with_value="{} bits", validation_column="validation_bits", digits=3,
        from_nats=lambda loss, _: loss / math.log(2),
    )  # fmt: skip
    monkeypatch.setattr(loss_units, "LOSS_UNITS", (*LOSS_UNITS, bits))
    assert loss_unit("bits") is bits
    for module in ("charts.commands", "charts.loss_card", "charts.settings", "charts.comparison"):
        monkeypatch.setattr(f"gptdesk.ui.train.{module}.LOSS_UNITS", (*LOSS_UNITS, bits))
    panel = make_panel(PlottedRun("one", per_byte))
    assert panel.loss is not None
    choose(panel.loss.title.menu(), "Bits per token")
    assert panel.loss.title.text() == "Bits"
    assert large(panel).lines[0].recorded_at(-1) == pytest.approx(per_byte.series("loss").value[-1] / math.log(2))
