"""Choosing what is compared: columns, prompts of a file, checkpoints of a run, and what is kept."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from gptdesk.compare.choices import Chosen, ColumnChoice, resolve, step_of
from gptdesk.folders import Folders
from gptdesk.inference.sampling.settings import PRESETS, DecodingSettings
from gptdesk.ui.compare.columns.own_settings import OwnSettingsDialog
from tests.random_models import save_peaked
from tests.ui.compare.conftest import SHAPE, CompareDriver
from tests.ui.conftest import Opened


def checkpoint(run: Path, step: int) -> Path:
    """A checkpoint of random weights in the folder of a run."""
    folder = save_peaked(SHAPE, run / "checkpoints" / f"step-{step:08}", step)
    files = {path.name: {"bytes": path.stat().st_size} for path in folder.iterdir()}
    (folder / "manifest.json").write_text(json.dumps(files))
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for step in (10, 20, 30):
        checkpoint(tmp_path / "a-run", step)
    return tmp_path / "a-run"


def test_columns_prompts_and_seed_come_back(
    compare: CompareDriver, open_window: Callable[..., Opened], qtbot: QtBot, two_models: tuple[Path, Path]
) -> None:
    commands = compare.opened.window.commands
    assert commands.reason("compare.remove_column") is not None
    assert commands.run("compare.add_column")
    assert commands.run("compare.add_column")
    assert "the most" in (commands.reason("compare.add_column") or "")
    compare.columns[1].remove.click()
    assert len(compare.columns) == 3
    compare.session.set_column(1, preset="Greedy", precision="int8")
    assert compare.columns[1].settings.text() == "int8 · Greedy"
    compare.columns[0].settings.ask_settings()
    dialog = compare.opened.window.findChild(OwnSettingsDialog)
    dialog.panel.rows["temperature"].set_value(0.25)
    dialog.panel.rows["temperature"].changed.emit()
    dialog.accept_button.click()
    assert compare.columns[0].settings.text() == "float32 · own settings"
    assert compare.session.choices[0].own.temperature == 0.25
    assert compare.opened.services.settings.value.decoding.temperature == 0.9
    compare.view.prompt.field.setPlainText("Twice upon a time")
    compare.view.prompt.seed.setText("12")
    chosen = compare.session.choices
    compare.opened.close()
    again = CompareDriver(open_window(), qtbot)
    assert again.session.choices == chosen
    assert again.view.prompt.field.toPlainText() == "Twice upon a time"
    assert again.view.prompt.seed.text() == "12"


def test_prompts_of_a_file_are_walked(compare: CompareDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text('{"prompt": "One"}\nno JSON\n{"text": "Two"}\n')
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    commands, bar = compare.opened.window.commands, compare.view.prompt
    assert commands.run("compare.open")
    compare.qtbot.waitUntil(lambda: bar.source.text() == "prompts.jsonl")
    assert "line 2: it is not JSON" in compare.banner()
    compare.run()
    assert bar.place.text() == "1 of 2"
    first = compare.texts
    bar.next.click()
    assert (bar.place.text(), bar.field.toPlainText()) == ("2 of 2", "Two")
    assert compare.texts == [compare.service.results.cells[1, column].text for column in range(2)]
    bar.previous.click()
    assert compare.texts == first
    bar.field.setPlainText("")
    assert commands.reason("compare.run") == "Prompt 1 is empty."
    compare.page.files.read(tmp_path / "missing.txt")
    compare.qtbot.waitUntil(lambda: "cannot be read" in compare.banner())
    bar.forget.click()
    assert not bar.list.isVisible()


def test_a_slider_walks_the_checkpoints_of_a_run_and_the_texts_follow(compare: CompareDriver, run: Path) -> None:
    steps = sorted((run / "checkpoints").iterdir())
    compare.opened.window.links.comparison_wanted.emit([str(steps[0]), str(steps[-1])], "A dog")
    compare.qtbot.waitUntil(lambda: compare.session.found is not None)
    assert [choice.model for choice in compare.session.choices] == [str(steps[0]), str(steps[2])]
    assert compare.view.prompt.field.toPlainText() == "A dog"
    assert compare.columns[0].slider.isVisible()
    assert compare.columns[0].step.text() == "1 of 3"
    compare.run()
    before = compare.texts
    compare.columns[0].slider.setFocus()
    QTest.keyClick(compare.columns[0].slider, Qt.Key.Key_Right)
    compare.qtbot.waitUntil(lambda: compare.service.busy)
    compare.wait()
    assert compare.service.results.columns[0].step == 20
    assert compare.texts[0] != before[0]
    assert compare.texts[1] == before[1]
    assert compare.columns[0].slider.accessibleDescription() == "Step 20, 2 of 3"


def test_choices_become_columns(run: Path, two_models: tuple[Path, Path], tmp_path: Path) -> None:
    settings = DecodingSettings(temperature=0.7, max_tokens=5)
    choices = (
        ColumnChoice(model=str(two_models[0]), precision="int8", preset="Greedy"),
        ColumnChoice(model=str(run / "checkpoints" / "step-00000020"), preset="Mine"),
        ColumnChoice(model=str(tmp_path / "missing")),
    )
    chosen = Chosen(columns=choices, settings=settings, presets={"Mine": PRESETS["Creative"]}, device="cpu")
    found = resolve(chosen, Folders.under(tmp_path / "home"))
    first, second, third = found.columns
    assert (first.label, first.precision, first.settings.temperature) == ("one · int8 · Greedy", "int8", 0.0)
    assert (second.label, second.step, second.model) == ("a-run · step 20 · Mine", 20, "a-run")
    assert second.settings.temperature == PRESETS["Creative"].temperature
    assert first.settings.max_tokens == second.settings.max_tokens == 5
    assert [one.step for one in found.steps[1]] == [10, 20, 30]
    assert list(found.problems) == [2]
    assert "missing" in found.problems[2]
    assert (third.label, third.step) == ("missing", None)
    assert step_of(two_models[0]) is None


def test_only_what_was_kept_is_read_back() -> None:
    choice = ColumnChoice(model="stories", precision="int8", preset="Greedy", own=PRESETS["Creative"])
    assert ColumnChoice.from_json(choice.to_json()) == choice
    for damaged in (
        None,
        [],
        {},
        {"model": 1, "preset": ""},
        choice.to_json() | {"precision": "int3"},
        choice.to_json() | {"own": {"temperature": -1}},
    ):
        assert ColumnChoice.from_json(damaged) is None
