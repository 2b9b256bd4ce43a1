"""Each chat has its own template and decoding settings, and so has the document of the Playground."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gptdesk.folders import Folders
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.settings import Settings
from gptdesk.store.settings_file import SettingsFile
from tests.ui.conftest import Opened

from .conftest import ChatDriver
from .test_templates import with_template


def test_template_and_decoding_settings_are_those_of_the_chat(
    chat: ChatDriver, open_chat: Callable[..., ChatDriver]
) -> None:
    settings = chat.opened.services.settings
    usual = settings.value.new_document_decoding
    chat.write("Hello")
    chat.choose("chatml")
    chat.decode(temperature=0.3)
    first, decoding = chat.session.document.id, settings.value.decoding
    chat.run("chat.new")
    assert chat.page.prompts.template.id == "chatml"  # that of the chat before, which was chosen last
    assert settings.value.decoding == usual
    chat.decode(temperature=1.2)
    chat.choose("dialogpt")
    chat.write("Good evening")
    assert chat.session.document.last_origin().settings.temperature == 1.2
    chat.page.chats.open(first)
    assert settings.value.decoding == decoding
    assert chat.page.prompts.template.id == "chatml"
    assert chat.view.panel.template.currentData() == "chatml"
    chat.opened.close()
    again = open_chat()
    assert again.session.document.id == first
    assert again.page.prompts.template.id == "chatml"


def test_settings_of_a_chat_are_found_after_a_restart(chat: ChatDriver, open_window: Callable[..., Opened]) -> None:
    chat.decode(temperature=0.3)
    chat.write("Hello")
    decoding = chat.session.document.decoding
    chat.opened.close()
    assert open_window().services.settings.value.decoding == decoding


def test_settings_chosen_before_there_is_a_chat_are_its_settings(
    open_window: Callable[..., Opened], folders: Folders
) -> None:
    chosen = DecodingSettings(temperature=0.3)
    SettingsFile(folders.config / "settings.json").save(Settings(decoding=chosen, page="chat"))
    opened = open_window()
    page: Any = opened.window.pages["chat"]
    assert page.session.decoding == opened.services.settings.value.decoding == chosen


def test_the_playground_and_the_chat_have_settings_of_their_own(chat: ChatDriver) -> None:
    window, settings = chat.opened.window, chat.opened.services.settings
    usual = settings.value.new_document_decoding
    chat.decode(temperature=0.3)
    chat.write("Hello")
    in_chat = settings.value.decoding
    window.show_page("play")
    assert settings.value.decoding == window.session.document.decoding == usual
    settings.update(decoding=in_chat)
    window.show_page("models")
    settings.update(decoding=usual)  # as a model with settings of its own does
    assert window.session.document.decoding == usual
    assert chat.session.document.decoding == in_chat
    window.show_page("chat")
    assert settings.value.decoding == in_chat
    assert window.session.document.decoding == usual


def test_settings_that_the_playground_gave_the_chat_hold_there(chat: ChatDriver) -> None:
    chat.write("Hello")
    chat.run("chat.playground")
    window = chat.opened.window
    chat.decode(temperature=0.3)
    turns = chat.session.document.id, len(chat.turns)
    window.show_page("chat")
    assert chat.session.decoding.temperature == 0.3
    assert (chat.session.document.id, len(chat.turns)) == turns


def test_a_checkpoint_is_chatted_with_by_its_own_template(
    chat: ChatDriver, tiny_model_folder: Path, tmp_path: Path
) -> None:
    chat.choose("alpaca")
    model = with_template(tiny_model_folder, tmp_path, "{% for m in messages %}{{ m.content }}{% endfor %}")
    chat.opened.window.links.chat_model_wanted.emit(model)
    chat.qtbot.waitUntil(lambda: chat.page.prompts.known and bool(chat.page.prompts.of_model))
    assert chat.page.prompts.template.id == "model"


@pytest.mark.parametrize("page", ["chat", "play"])
def test_following_a_run_goes_on_where_one_was(chat: ChatDriver, tmp_path: Path, page: str) -> None:
    window = chat.opened.window
    window.show_page(page)
    window.show_page("train")
    window.links.follow_wanted.emit(tmp_path)
    assert window.current_page == page
    value = chat.opened.services.settings.value
    assert (value.follow, value.chat_follow) == ((str(tmp_path), None) if page == "play" else (None, str(tmp_path)))
