"""Files that are dropped on the sheet are used for what they are."""

from pathlib import Path

from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from gptdesk.ui.train.new_run.data.drop_parsing import Drop, sort_drop
from gptdesk.ui.train.new_run.sheet import NewRunSheet

from .sheets import LONG, choose, drop, settle


def test_a_toml_that_is_dropped_is_taken_over_and_a_wrong_one_changes_nothing(
    sheet: NewRunSheet, prepared: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    choose(sheet, prepared, qtbot)
    (tmp_path / "mine.toml").write_text("[schedule]\nsteps = 77\nwarmup_steps = 7\n[run]\nseed = 5\n")
    drop(sheet, tmp_path / "mine.toml")
    qtbot.waitUntil(lambda: sheet.draft.get("run.seed") == 5, timeout=LONG)
    assert sheet.settings.form.rows["schedule.steps"].control.focus.value() == 77  # type: ignore[attr-defined]
    assert sheet.draft.get("data.path") == str(prepared)
    settle(sheet, qtbot)
    (tmp_path / "wrong.toml").write_text("[schedule]\nstepz = 77\n")
    drop(sheet, tmp_path / "wrong.toml")
    qtbot.waitUntil(lambda: "stepz" in sheet.view.message.text(), timeout=LONG)
    assert sheet.draft.get("schedule.steps") == 77


def test_a_toml_is_settings_wherever_it_is_dropped(sheet: NewRunSheet, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "mine.toml").write_text("[run]\nseed = 1\n")
    targets: list[QWidget] = [sheet.data.drop, sheet.data.drop.files, sheet.summary.name, sheet.settings.form.search]
    targets += [sheet.settings.form.rows[key].control.focus for key in ("schedule.steps", "run.folder")]
    for seed, target in enumerate(targets, 2):
        (tmp_path / "mine.toml").write_text(f"[run]\nseed = {seed}\n")
        drop(sheet, tmp_path / "mine.toml", on=target)
        qtbot.waitUntil(lambda seed=seed: sheet.draft.get("run.seed") == seed, timeout=LONG)  # type: ignore[misc]
    assert not sheet.data.preparations.cards
    settle(sheet, qtbot)
    assert sheet.view.message.text() == "The settings in mine.toml are used. Choose the data to train on."


def test_a_toml_with_good_data_makes_a_failed_preparation_forgotten(
    sheet: NewRunSheet, prepared: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "bad.jsonl").write_text('{"other": "only one"}\n')
    drop(sheet, tmp_path / "bad.jsonl")
    qtbot.waitUntil(lambda: bool(sheet.data.failure), timeout=LONG)
    qtbot.waitUntil(lambda: sheet.view.message.text().startswith("Preparing “bad” failed: "), timeout=LONG)
    assert not sheet.start.isEnabled()
    (tmp_path / "good.toml").write_text(f"[data]\npath = '{prepared}'\n")
    drop(sheet, tmp_path / "good.toml", on=sheet.data.drop)
    qtbot.waitUntil(sheet.start.isEnabled, timeout=LONG)
    assert sheet.view.message.text().startswith("The settings in good.toml are used.")


def test_what_is_dropped_is_used_for_what_it_is(prepared: Path, tmp_path: Path, tale: Path) -> None:
    for name, inside in (("run", ["run.json"]), ("gpt2", ["config.json", "model.safetensors", "manifest.json"])):
        (tmp_path / name).mkdir()
        for file in inside:
            (tmp_path / name / file).write_text("{}")
    (tmp_path / "a.toml").write_text("")
    (tmp_path / "b.TOML").write_text("")
    (tmp_path / "texts").mkdir()
    paths = {name: str(tmp_path / name) for name in ("run", "gpt2", "a.toml", "b.TOML", "texts")}
    assert sort_drop([str(tale)]) == Drop(texts=(str(tale),))
    assert sort_drop([paths["texts"]]) == Drop(texts=(paths["texts"],))
    mix = sort_drop([paths["a.toml"], paths["b.TOML"], str(tale), paths["texts"]])
    assert mix.settings == tmp_path / "a.toml"
    assert mix.texts == (str(tale), paths["texts"])
    assert mix.sentence == (
        "The settings in a.toml are used. my tale.txt and texts are prepared to train on. b.TOML is not used."
    )
    assert sort_drop([str(prepared), str(tale)]).sentence == (
        "dragons is prepared data already and is used as it is. my tale.txt is not used."
    )
    assert sort_drop([paths["gpt2"]]).model == tmp_path / "gpt2"
    assert sort_drop([paths["run"]]) == Drop(sentence="run holds a run; its checkpoints are listed under “Start from”.")


def test_a_folder_of_prepared_data_and_a_model_are_used_when_they_are_dropped(
    sheet: NewRunSheet, prepared: Path, tiny_model_folder: Path, qtbot: QtBot
) -> None:
    drop(sheet, prepared, tiny_model_folder)
    qtbot.waitUntil(lambda: sheet.draft.get("model.init_from") == str(tiny_model_folder), timeout=LONG)
    assert sheet.draft.get("data.path") == str(prepared)
    assert not sheet.data.preparations.cards
