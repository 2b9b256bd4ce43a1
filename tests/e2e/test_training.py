"""A person trains a model: from the window's own sheet to a prompt completed with a checkpoint, and through a crash.

The pictures that the guide shows are taken on the way (GPTDESK_SAVE_PICTURES, as in test_pictures.py).
"""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gptdesk.files import read_json
from gptdesk.folders import Folders
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.settings import Settings
from gptdesk.store.settings_file import SettingsFile
from tests.patience import wait_for
from trainer.prepare.run import Request, prepare
from trainer.run_directory.events import EventTail
from trainer.run_directory.layout import STATUS
from trainer.run_directory.state import find_runs, read_state

from .conftest import Program


@pytest.fixture(autouse=True)
def no_trainer_outlives_the_test(folders: Folders) -> Iterator[None]:
    yield
    for run in find_runs([folders.runs]):
        if read_state(run).active:
            os.kill(trainer_pid(run), signal.SIGKILL)


@pytest.fixture
def tales(folders: Folders) -> Path:
    """Prepared text that the sheet offers."""
    text = "\n<|endoftext|>\n".join(
        f"Once upon a time there were {number} dragons, and every one of them could count to {number}. " * 6
        for number in range(400)
    )
    folders.data.mkdir(parents=True)
    source = folders.data / "tales.txt"
    source.write_text(text, encoding="utf-8")
    prepare(Request(sources=(str(source),), validation_share=0.1), folders.data / "datasets" / "tales")
    return source


def steps_logged(run: Path) -> int:
    return sum(event["ev"] == "step" for event in EventTail(run).read())


def checkpoints_written(run: Path) -> int:
    return sum(event["ev"] == "checkpoint" for event in EventTail(run).read())


def trainer_pid(run: Path) -> int:
    return int((read_json(run / STATUS) or {})["pid"])


def settings(folders: Folders) -> Settings:
    return SettingsFile(folders.config / "settings.json").load()[0]


def described(program: Program, name: str) -> str:
    """What those are told who do not see it."""
    (found,) = program.look(name)
    return str(found["description"])


def test_train_watch_steer_play_close_come_back_and_survive_a_kill(
    start: Callable[..., Program],
    write_settings: Callable[[Settings], None],
    tiny_model_folder: Path,
    folders: Folders,
    tales: Path,
    pictures: Path,
) -> None:
    write_settings(Settings(model=str(tiny_model_folder), decoding=DecodingSettings(seed=1, max_tokens=40)))
    program = start(driven=True)
    program.wait_until_painted()
    program.click("Train")
    program.click("New run")
    program.click("tales")
    program.click("Step 3: Settings")
    program.photograph(pictures / "new-run.png")
    program.choose("Preset", "smoke")
    program.enter("Steps", 200_000)
    program.click("Start training")

    # It learns, and the curve grows.
    wait_for(lambda: list(find_runs([folders.runs])), "the run's folder")
    (run,) = find_runs([folders.runs])
    enough = 45 if "GPTDESK_SAVE_PICTURES" in os.environ else 12  # a curve in a picture wants more
    wait_for(lambda: steps_logged(run) > enough, "steps")
    program.wait_for_words("State of the run", "Training")
    wait_for(lambda: program.look("Train loss *"), "the loss in its tile")
    before = described(program, "Loss chart")
    assert before.startswith("Train loss "), "the chart says what it shows"
    wait_for(lambda: described(program, "Loss chart") != before, "the curve to grow")
    program.photograph(pictures / "train-light.png")

    # It holds and goes on when it is asked to, and says so only when it does.
    program.click("Pause")
    wait_for(lambda: read_state(run).state == "paused", "the pause")
    held = steps_logged(run)
    program.wait_for_words("State of the run", "Paused")
    program.click("Resume")
    wait_for(lambda: steps_logged(run) > held, "steps after the pause")

    # A checkpoint, and words from it while it goes on learning.
    program.click("Checkpoint now")
    wait_for(lambda: checkpoints_written(run), "a checkpoint")
    program.click("Open in Playground")
    wait_for(lambda: run in Path(settings(folders).model).parents, "the checkpoint in the settings")
    program.wait_for_words("State", "Ready")
    program.type("Once upon a time")
    program.press("ctrl+Return")
    wait_for(lambda: program.finish_reason is not None, "the end")
    assert program.text.startswith("Once upon a time")
    assert len(program.text) > len("Once upon a time")

    # The window goes, the run stays, and is found again.
    pid = trainer_pid(run)
    program.click("Train")
    program.press("ctrl+q")
    program.click("Keep running")
    assert program.process.wait(600) == 0
    seen = steps_logged(run)
    wait_for(lambda: steps_logged(run) > seen, "steps without a window")
    again = start(driven=True)
    again.wait_until_painted()
    again.wait_for_words("State of the run", "Training")
    assert trainer_pid(run) == pid

    # It is killed: that is seen, said why, and one button goes on from the checkpoint.
    os.kill(pid, signal.SIGKILL)
    again.wait_for_words("State of the run", "Crashed")
    again.photograph(pictures / "train-crashed.png")
    again.click("Resume training")
    wait_for(lambda: read_state(run).state == "running" and trainer_pid(run) != pid, "the run, gone on with")
    again.wait_for_words("State of the run", "Training")

    # Closing the window can end it, too.
    again.press("ctrl+q")
    wait_for(lambda: again.look("A run is active"), "the question")  # the page has a button of that name, too
    again.click("Stop and save")
    assert again.process.wait(600) == 0
    wait_for(lambda: read_state(run).state == "stopped", "the end of the run")
