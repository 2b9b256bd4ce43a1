"""The second step: from scratch, a model, or a checkpoint."""

from collections.abc import Callable
from pathlib import Path

from pytestqt.qtbot import QtBot

from gptdesk.files import write_json
from gptdesk.folders import Folders
from gptdesk.library.catalogue import bundled_folder
from gptdesk.ui.train.new_run.draft.draft import FRESH_PRESET, TUNING_PRESET
from gptdesk.ui.train.new_run.sheet import NewRunSheet
from gptdesk.ui.train.new_run.stepper import WRONG
from trainer.run_directory.layout import CHECKPOINT_MANIFEST, CHECKPOINTS, EXIT, RUN, STATUS

from .sheets import LONG, settle


def test_a_model_that_exists_hides_the_shape_and_brings_its_preset(
    sheet: NewRunSheet, folders: Folders, tmp_path: Path, qtbot: QtBot
) -> None:
    rows = sheet.settings.form.rows
    own = tmp_path / "own"
    own.symlink_to(bundled_folder(), target_is_directory=True)
    assert sheet.draft.preset == FRESH_PRESET
    assert not rows["model.n_positions"].isHidden()
    assert rows["model.lora_rank"].isHidden()
    qtbot.waitUntil(lambda: bool(sheet.start_from.models.rows), timeout=LONG)
    sheet.start_from.kinds["model"].click()
    settle(sheet, qtbot)
    assert Path(sheet.draft.get("model.init_from")).name == "stories"
    assert sheet.draft.preset == TUNING_PRESET
    assert rows["model.n_positions"].isHidden()
    assert not rows["model.lora_rank"].isHidden()
    assert sheet.summary.values["parameters"].text() == "5.1M"
    sheet.settings.form.changed.emit("model.init_from", str(own))
    settle(sheet, qtbot)
    assert str(own) in sheet.start_from.models.rows
    assert sheet.start_from.models.rows[str(own)].isChecked()
    sheet.settings.form.changed.emit("model.init_from", "/nowhere")
    settle(sheet, qtbot)
    assert "/nowhere" in sheet.start_from.problem
    assert sheet.stepper.buttons[1].state == WRONG
    sheet.start_from.kinds["fresh"].click()
    assert sheet.draft.preset == FRESH_PRESET


def test_newest_and_best_checkpoint_of_a_run_are_offered_to_start_from(
    open_sheet: Callable[[], NewRunSheet], folders: Folders, qtbot: QtBot
) -> None:
    run = folders.runs / "tales"
    for step in (10, 20, 30):
        checkpoint = run / CHECKPOINTS / f"step-{step:08d}"
        checkpoint.mkdir(parents=True)
        config = (bundled_folder() / "config.json").read_bytes()
        (checkpoint / "config.json").write_bytes(config)
        write_json(checkpoint / CHECKPOINT_MANIFEST, {"config.json": {"bytes": len(config), "sha256": ""}})
    write_json(run / RUN, {"format": 1, "id": "a", "t": 1.0, "config": {}})
    write_json(run / STATUS, {"format": 1, "state": "stopped", "best_step": 10})
    write_json(run / EXIT, {"reason": "stopped"})
    sheet = open_sheet()
    qtbot.waitUntil(lambda: bool(sheet.start_from.checkpoints.rows), timeout=LONG)
    assert [Path(folder).name[-2:] for folder in sheet.start_from.checkpoints.rows] == ["30", "10"]
    sheet.start_from.kinds["checkpoint"].click()
    assert sheet.draft.get("model.init_from").endswith("30")
    settle(sheet, qtbot)
    assert sheet.stepper.buttons[1].note.text().endswith("-30")
    assert "its best" in list(sheet.start_from.checkpoints.rows.values())[1].accessibleDescription()


def test_the_slider_makes_the_model_and_the_count_follows(sheet: NewRunSheet, qtbot: QtBot) -> None:
    sheet.start_from.size_card.slider.setValue(5)
    assert sheet.draft.get("model.n_layer") == 12
    assert sheet.start_from.size_card.count.text() == "124M"
    settle(sheet, qtbot)
    assert sheet.summary.values["parameters"].text() == "124M"
