"""A chat follows a run: it goes on with each newest checkpoint, and the Playground is left as it is."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from gptdesk.files import write_json
from gptdesk.folders import Folders
from gptdesk.ui.model_chooser import ModelChooser
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.services.services import InferenceService
from tests.ui.chat.conftest import ChatDriver
from tests.ui.conftest import Opened
from trainer.run_directory.layout import CHECKPOINT_MANIFEST, CHECKPOINTS, EXIT, RUN, STATUS


class SavingRun:
    """A run whose trainer has saved checkpoints of one model."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder, self._model, self._saved = folder, model, 0
        folder.mkdir(parents=True)
        write_json(folder / RUN, {"format": 1, "id": folder.name, "t": 1.0, "config": {"schedule": {"steps": 100}}})
        self._say()

    def save(self) -> str:
        """Saves the next checkpoint; returns its folder."""
        self._saved += 1
        checkpoint = self.folder / CHECKPOINTS / f"step-{self._saved:08d}"
        shutil.copytree(self._model, checkpoint)
        files = {path.name: {"bytes": path.stat().st_size, "sha256": ""} for path in checkpoint.iterdir()}
        (checkpoint / CHECKPOINT_MANIFEST).write_text(json.dumps(files))
        self._say(checkpoint_time=float(self._saved))
        return str(checkpoint)

    def finish(self) -> None:
        write_json(self.folder / EXIT, {"state": "finished", "t": 2.0})

    def _say(self, **more: Any) -> None:
        write_json(self.folder / STATUS, {"format": 1, "state": "running", "step": self._saved, **more})


@pytest.fixture
def run(folders: Folders, tiny_model_folder: Path) -> SavingRun:
    """One with a checkpoint."""
    saving = SavingRun(folders.runs / "talk", tiny_model_folder)
    saving.save()
    return saving


@pytest.fixture
def first(run: SavingRun) -> str:
    """Folder of its first checkpoint."""
    return str(next((run.folder / CHECKPOINTS).iterdir()))


def wait_for_model(inference: InferenceService, model: str, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: inference.info is not None and inference.info.model == model)


def open_from_train(chat: ChatDriver, checkpoint: str) -> None:
    """As "Chat with this checkpoint" does."""
    chat.opened.window.links.chat_model_wanted.emit(checkpoint)
    wait_for_model(chat.page.services.inference, checkpoint, chat.qtbot)


def follow(chat: ChatDriver, run: SavingRun) -> None:
    """As "Follow this run" does, once the run is listed."""
    chat.qtbot.waitUntil(lambda: chat.opened.services.run_monitor.entry(run.folder) is not None)
    chat.opened.window.links.follow_wanted.emit(run.folder)


def chosen(chat: ChatDriver) -> str:
    """What the top bar says of the model."""
    text: str = chat.opened.window.stack.views["chat"].top_bar.findChild(ModelChooser).text()
    return text


def test_a_chat_opened_from_a_run_that_is_followed_goes_on_with_its_newest_checkpoint(
    chat: ChatDriver, run: SavingRun, first: str, tiny_model_folder: Path, qtbot: QtBot
) -> None:
    playground, session = chat.opened.services.inference, chat.page.services.inference
    chat.opened.window.show_page("play")
    follow(chat, run)
    wait_for_model(playground, first, qtbot)
    open_from_train(chat, first)
    assert chosen(chat).endswith("following")
    chat.write("Hello")
    said = chat.turns
    second = run.save()
    wait_for_model(session, second, qtbot)
    assert chat.turns == said
    wait_for_model(playground, second, qtbot)
    chat.opened.window.chooser.choose(str(tiny_model_folder))  # in the Playground, which follows no longer
    third = run.save()
    wait_for_model(session, third, qtbot)
    assert chat.opened.services.settings.value.model == str(tiny_model_folder)
    assert "following" not in chat.opened.window.chooser.text()


def test_a_run_that_is_followed_after_a_chat_leaves_the_playground_as_it_is(
    chat: ChatDriver, run: SavingRun, first: str, tiny_model_folder: Path, qtbot: QtBot
) -> None:
    playground, session = chat.opened.services.inference, chat.page.services.inference
    chat.opened.window.show_page("train")
    follow(chat, run)
    assert chat.opened.window.current_page == "chat"
    wait_for_model(session, first, qtbot)
    wait_for_model(session, run.save(), qtbot)
    assert playground.info is not None
    assert playground.info.model == chat.opened.services.settings.value.model == str(tiny_model_folder)
    assert chat.opened.services.settings.value.follow is None


def test_a_chat_with_a_checkpoint_of_a_run_that_nobody_follows_keeps_it(
    chat: ChatDriver, run: SavingRun, first: str, qtbot: QtBot
) -> None:
    open_from_train(chat, first)
    second = run.save()
    monitor = chat.opened.services.run_monitor
    qtbot.waitUntil(lambda: (entry := monitor.entry(run.folder)) is not None and entry.step == 2)
    assert chat.page.services.settings.value.model == first != second
    assert "following" not in chosen(chat)


def test_a_run_that_has_ended_is_followed_to_its_last_checkpoint_and_is_after_a_restart(
    chat: ChatDriver, open_window: Callable[..., Opened], run: SavingRun, first: str, qtbot: QtBot
) -> None:
    follow(chat, run)
    wait_for_model(chat.page.services.inference, first, qtbot)
    chat.opened.close()
    last = run.save()
    shutil.rmtree(first)  # as a trainer removes old ones
    run.finish()
    again = open_window()
    page: Any = again.window.pages["chat"]
    wait_for_model(page.services.inference, last, qtbot)
    assert again.services.messages.banners == {}


def test_a_run_that_was_deleted_is_not_followed_any_more_and_its_last_checkpoint_stays(
    chat: ChatDriver, run: SavingRun, first: str, qtbot: QtBot
) -> None:
    session, settings = chat.page.services.inference, chat.opened.services.settings
    told: list[str] = []
    chat.opened.services.messages.toasted.connect(lambda message: told.append(message.text))
    follow(chat, run)
    wait_for_model(session, first, qtbot)
    shutil.rmtree(run.folder)
    qtbot.waitUntil(lambda: settings.value.chat_follow is None)
    assert [text for text in told if "is gone" in text] != []
    assert "following" not in chosen(chat)
    chat.write("Hello")
    assert session.state is State.READY
    assert session.info is not None
    assert session.info.model == first


def test_a_run_that_was_deleted_while_the_program_was_closed_is_told_of(
    chat: ChatDriver, open_window: Callable[..., Opened], run: SavingRun, first: str, qtbot: QtBot
) -> None:
    follow(chat, run)
    wait_for_model(chat.page.services.inference, first, qtbot)
    chat.opened.close()
    shutil.rmtree(run.folder)
    messages = open_window().services.messages
    qtbot.waitUntil(lambda: any(Path(first).name in message.text for message in messages.banners.values()))


def test_following_is_switched_off_in_the_chat_alone(
    chat: ChatDriver, run: SavingRun, first: str, qtbot: QtBot
) -> None:
    playground, session = chat.opened.services.inference, chat.page.services.inference
    chat.opened.window.show_page("play")
    follow(chat, run)
    wait_for_model(playground, first, qtbot)
    chat.opened.window.show_page("chat")
    wait_for_model(session, first, qtbot)  # the Playground's
    assert chosen(chat).endswith("following")
    chat.run("chat.stop_following")
    assert "following" not in chosen(chat)
    wait_for_model(playground, run.save(), qtbot)
    assert chat.page.services.settings.value.model == first


def test_following_is_switched_off_for_a_run_on_the_train_page(
    chat: ChatDriver, run: SavingRun, first: str, qtbot: QtBot
) -> None:
    settings = chat.opened.services.settings
    follow(chat, run)
    wait_for_model(chat.page.services.inference, first, qtbot)
    chat.opened.window.show_page("train")
    view = chat.opened.window.train
    qtbot.waitUntil(lambda: view.run_actions.is_followed)
    chat.run("run.follow")
    assert settings.value.chat_follow is None
    assert not view.run_actions.is_followed
    assert settings.value.chat_model == first


def test_choosing_the_playgrounds_model_ends_following(
    chat: ChatDriver, run: SavingRun, first: str, tiny_model_folder: Path, qtbot: QtBot
) -> None:
    follow(chat, run)
    wait_for_model(chat.page.services.inference, first, qtbot)
    chat.page.services.activation.use(str(tiny_model_folder), chat.opened.window)
    value = chat.opened.services.settings.value
    assert (value.chat_follow, value.chat_model) == (None, "")
