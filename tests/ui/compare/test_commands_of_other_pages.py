"""Commands of the Models and Train pages that put models and checkpoints beside each other."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gptdesk.files import write_json
from gptdesk.folders import Folders
from gptdesk.library.import_ import import_model
from tests.ui.compare.test_choosing import checkpoint
from tests.ui.conftest import Opened
from tests.ui.test_models_page import Shown
from trainer.run_directory.layout import CHECKPOINTS, EXIT, RUN, STATUS


@pytest.fixture
def run(folders: Folders) -> Path:
    """A run that has ended, with one checkpoint."""
    folder = folders.runs / "talk"
    folder.mkdir(parents=True)
    write_json(folder / RUN, {"format": 1, "id": "talk", "t": 1.0, "config": {"schedule": {"steps": 30}}})
    write_json(folder / STATUS, {"format": 1, "state": "finished", "step": 30})
    write_json(folder / EXIT, {"state": "finished", "t": 2.0})
    checkpoint(folder, 10)
    return folder


def compared(opened: Opened) -> list[str]:
    """The models on the Compare page."""
    assert opened.window.current_page == "compare"
    return [choice.model for choice in opened.window.pages["compare"].session.choices]


def test_checkpoints_of_a_run_are_compared_the_first_beside_the_last(
    open_window: Callable[..., Opened], run: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    opened = open_window()
    commands, monitor = opened.window.commands, opened.services.run_monitor
    assert commands.reason("run.compare") is not None
    opened.window.show_page("train")
    qtbot.waitUntil(lambda: monitor.view is not None and len(monitor.view.checkpoints) == 1)
    assert commands.reason("run.compare") == "The run has fewer than two checkpoints."
    for step in (20, 30):  # renamed into their place whole, as a trainer does
        made = checkpoint(tmp_path / "made", step)
        made.rename(run / CHECKPOINTS / made.name)
    qtbot.waitUntil(lambda: monitor.view is not None and len(monitor.view.checkpoints) == 3)
    assert commands.run("run.compare")
    assert [Path(model).name for model in compared(opened)] == ["step-00000010", "step-00000030"]


def test_a_model_is_compared_beside_the_playgrounds(
    open_window: Callable[..., Opened], folders: Folders, tiny_model_folder: Path, qtbot: QtBot
) -> None:
    import_model(folders, tiny_model_folder, name="tale")
    opened = open_window()
    shown, commands = Shown(opened, qtbot), opened.window.commands
    shown.choose("tale")
    assert commands.reason("model.compare") is None
    assert commands.run("model.compare")
    assert compared(opened) == ["tale", str(tiny_model_folder)]
