"""The form of settings: made from the schema, searched, and typed into."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from gptdesk.ui.theme import Theme
from gptdesk.ui.train.new_run.draft.draft import Draft
from gptdesk.ui.train.new_run.draft.schema import in_words, read_sections
from gptdesk.ui.train.new_run.settings.controls import QuantityBox
from gptdesk.ui.train.new_run.settings.form import SettingsForm
from trainer.config.schema import RunSection, TrainConfig


class MoreRun(RunSection):
    coffee: Annotated[int, Field(ge=0, le=12)] = Field(3, description="Cups while it trains.")
    roast: Literal["light", "dark"] = Field("dark", description="Of the beans.")


class Garden(BaseModel):
    """What grows beside it."""

    model_config = ConfigDict(extra="forbid")
    trees: tuple[str, ...] = Field(("oak",), description="Names of trees.")
    depth: dict[str, int] = Field({"oak": 2}, description="Of the roots.")


class MoreConfig(TrainConfig):
    run: MoreRun = MoreRun()
    garden: Garden = Garden()


def test_a_setting_and_a_section_that_the_schema_gains_are_on_the_page(theme: Theme, qtbot: QtBot) -> None:
    form = SettingsForm(theme, read_sections(MoreConfig), ["schedule.steps"])
    qtbot.addWidget(form)
    form.show()
    form.show_values(Draft(MoreConfig).values())
    row = form.reveal("run.coffee")
    assert row is not None
    assert row.isVisible()
    assert "Cups while it trains. At least 0, at most 12." in [label.text() for label in row.findChildren(QLabel)]
    assert (row.control.focus.minimum(), row.control.focus.maximum()) == (0, 12)  # type: ignore[attr-defined]
    assert row.control.focus.value() == 3  # type: ignore[attr-defined]
    assert form.rows["run.roast"].control.focus.currentText() == "dark"  # type: ignore[attr-defined]
    assert form.folds["garden"].rows[0].control.chips.values == ("oak",)  # type: ignore[attr-defined]
    with qtbot.waitSignal(form.changed) as changed:
        form.rows["run.coffee"].control.focus.setValue(5)  # type: ignore[attr-defined]
    assert changed.args == ["run.coffee", 5]


def test_every_setting_of_the_trainer_has_a_row_with_its_help_its_default_and_a_name(
    theme: Theme, qtbot: QtBot
) -> None:
    form = SettingsForm(theme, read_sections(TrainConfig), [])
    qtbot.addWidget(form)
    for section, field in TrainConfig.model_fields.items():
        for name, setting in field.annotation.model_fields.items():  # type: ignore[union-attr]
            row = form.rows[f"{section}.{name}"]
            assert setting.description
            assert row.help.text()
            assert f"{section}.{name}" in row.label.toolTip()
            assert row.control.focus.accessibleName()
            assert row.setting.kind != "other"
    assert TrainConfig.model_validate(Draft().values())


def test_a_setting_is_found_by_a_word_of_its_help(theme: Theme, qtbot: QtBot) -> None:
    form = SettingsForm(theme, read_sections(TrainConfig), ["schedule.steps"])
    qtbot.addWidget(form)
    form.show()
    assert not form.rows["optim.grad_clip"].isVisible()
    QTest.keyClicks(form.search, "clip norm")
    assert form.rows["optim.grad_clip"].isVisible()
    assert not form.rows["schedule.steps"].isVisible()


@pytest.mark.parametrize(("typed", "value"), [("6e-4", 6e-4), ("0.00000001", 1e-8), ("1.5e1", 15.0), ("250", 250.0)])
def test_a_quantity_may_be_typed_as_small_as_it_is(typed: str, value: float, qtbot: QtBot) -> None:
    box = QuantityBox(0, 1e12)
    qtbot.addWidget(box)
    box.selectAll()
    QTest.keyClicks(box, typed)
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert box.value() == pytest.approx(value)
    assert float(box.text()) == pytest.approx(value)


def test_the_arrows_of_a_quantity_change_its_first_digit(qtbot: QtBot) -> None:
    box = QuantityBox(0, 1)
    qtbot.addWidget(box)
    box.setValue(6e-4)
    box.stepBy(1)
    assert box.value() == pytest.approx(7e-4)
    box.setValue(1e-4)
    box.stepBy(-1)
    assert box.value() == pytest.approx(9e-5)


def test_sentences_name_settings_as_the_form_does() -> None:
    sections = read_sections(TrainConfig)
    said = in_words("data.batch_size (12) must be a multiple of micro_batch_size (7); /a/n_layer stays.", sections)
    assert said == "Batch size (12) must be a multiple of micro-batch size (7); /a/n_layer stays."


def test_limits_that_nobody_reaches_are_not_shown(theme: Theme, qtbot: QtBot) -> None:
    form = SettingsForm(theme, read_sections(TrainConfig), [])
    qtbot.addWidget(form)
    assert "e+" not in " ".join(row.help.text() for row in form.rows.values())
    assert form.rows["run.seed"].help.text() == form.rows["run.seed"].setting.help
    assert "At least 0, below 1." in form.rows["model.dropout"].help.text()
