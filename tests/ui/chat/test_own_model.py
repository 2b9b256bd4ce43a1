"""The Chat page may use another model than the Playground, and both stay loaded."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot

from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.services.services import InferenceService
from tests.ui.chat.conftest import ChatDriver
from tests.ui.test_generation import LONG, Owner


@pytest.fixture
def other(tiny_model_folder: Path, tmp_path: Path) -> str:
    """Another model."""
    return str(shutil.copytree(tiny_model_folder, tmp_path / "other"))


def model_of(inference: InferenceService) -> str:
    return inference.info.model if inference.info is not None else ""


def loaded(chat: ChatDriver) -> list[str]:
    return sorted(engine.folder.name for engine in chat.opened.services.inference.engines.engines)


def test_choosing_a_model_in_chat_leaves_the_playgrounds(chat: ChatDriver, other: str, qtbot: QtBot) -> None:
    playground, session = chat.opened.services.inference, chat.page.services.inference
    mine = model_of(playground)
    assert loaded(chat) == [Path(mine).name], "both use one engine"
    writing = Owner(playground, "Once", LONG)
    qtbot.waitUntil(lambda: writing.tokens != [])
    chat.page.services.activation.use(other, chat.opened.window)
    qtbot.waitUntil(lambda: model_of(session) == other)
    assert not writing.ends
    assert model_of(playground) == chat.opened.services.settings.value.model == mine
    assert loaded(chat) == sorted([Path(mine).name, "other"])
    qtbot.waitUntil(lambda: chat.page.prompts.known)
    chat.write("Hello")
    assert chat.session.done is not None
    assert chat.view.columns.isVisible()
    writing.generation.cancel()


def test_choosing_the_playgrounds_model_makes_it_follow_the_playground_again(
    chat: ChatDriver, other: str, tiny_model_folder: Path, qtbot: QtBot
) -> None:
    session, settings = chat.page.services.inference, chat.opened.services.settings
    chat.page.services.activation.use(other, chat.opened.window)
    qtbot.waitUntil(lambda: model_of(session) == other)
    assert settings.value.chat_model == other
    chat.page.services.activation.use(str(tiny_model_folder), chat.opened.window)
    assert settings.value.chat_model == ""
    qtbot.waitUntil(lambda: model_of(session) == str(tiny_model_folder))
    settings.update(model=other)
    qtbot.waitUntil(lambda: model_of(session) == model_of(chat.opened.services.inference) == other)
    assert loaded(chat) == ["other"]


def test_the_two_pages_take_turns_on_the_model_that_they_share(chat: ChatDriver, qtbot: QtBot) -> None:
    playground, session = chat.opened.services.inference, chat.page.services.inference
    settings, order = DecodingSettings(max_tokens=4, seed=1), []
    for name, page in (("play", playground), ("play", playground), ("chat", session)):
        owner = Owner(page, "Once", settings)
        owner.generation.finished.connect(lambda _, name=name: order.append(name))
    qtbot.waitUntil(lambda: len(order) == 3)
    assert order == ["play", "chat", "play"]


def test_a_model_that_was_unloaded_is_there_again_once_the_playground_has_it(chat: ChatDriver, qtbot: QtBot) -> None:
    playground, session = chat.opened.services.inference, chat.page.services.inference
    playground.unload()
    assert session.state is State.EMPTY
    chat.opened.window.show_page("play")
    chat.opened.services.loader.load()
    qtbot.waitUntil(lambda: playground.state is State.READY)
    chat.opened.window.show_page("chat")
    qtbot.waitUntil(lambda: session.state is State.READY)


def test_a_model_of_chats_own_that_is_gone_is_said_there_and_the_playgrounds_is_offered(
    open_chat: Callable[..., ChatDriver], other: str, qtbot: QtBot
) -> None:
    chat = open_chat()
    playground, session = chat.opened.services.inference, chat.page.services.inference
    shutil.rmtree(other)
    chat.page.services.activation.use(other, chat.opened.window)
    qtbot.waitUntil(lambda: "other" in chat.banner())
    assert session.state is State.EMPTY
    assert playground.state is State.READY
    buttons = chat.opened.window.banners.findChildren(QAbstractButton)
    next(button for button in buttons if button.text() == "Use the Playground's model").click()
    qtbot.waitUntil(lambda: model_of(session) == model_of(playground))
    assert "other" not in chat.banner()


def test_closing_the_page_releases_its_model(chat: ChatDriver, other: str, qtbot: QtBot) -> None:
    chat.page.services.activation.use(other, chat.opened.window)
    qtbot.waitUntil(lambda: model_of(chat.page.services.inference) == other)
    chat.page.close()
    assert "other" not in loaded(chat)
