"""Templates on the Chat page: the model's own, ours, those that cannot be used, and the prompt that is shown."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QApplication

from gptdesk.chat.turns import ChatTurn
from gptdesk.gpt2.tokenizer_files import write_tokenizer
from gptdesk.ui.chat.settings.panel import UNTRAINED

from .conftest import ChatDriver


def with_template(folder: Path, tmp_path: Path, template: object) -> str:
    """A copy of a model that brings a template."""
    copy = tmp_path / "chatty"
    shutil.copytree(folder, copy)
    write_tokenizer(copy, context=64)
    file = copy / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | {"chat_template": template}), encoding="utf-8")
    return str(copy)


def test_a_model_that_brings_no_template_gets_plain_names_and_a_sentence(chat: ChatDriver) -> None:
    assert chat.page.prompts.template.id == "plain"
    assert chat.view.panel.note.text() == UNTRAINED
    assert UNTRAINED in chat.view.empty.expectation.text()


def test_the_template_of_the_model_makes_the_prompt_that_is_shown(
    open_chat: Callable[..., ChatDriver], tiny_model_folder: Path, tmp_path: Path
) -> None:
    source = "{% for m in messages %}[{{ m.role }}] {{ m.content }}{{ eos_token }}{% endfor %}"
    chat = open_chat(with_template(tiny_model_folder, tmp_path, source))
    assert [one.id for one in chat.page.prompts.templates][:2] == ["model", "plain"]
    assert not chat.view.panel.note.isVisible()
    chat.write("Hello <|endoftext|>")
    origin = chat.session.document.last_origin()
    assert origin.settings.stop == ("<|endoftext|>",)
    chat.page.session.set_text(1, "Hi")
    chat.qtbot.waitUntil(lambda: chat.view.panel.prompt.toPlainText().endswith("Hi"))
    assert chat.view.panel.prompt.toPlainText() == "[user] Hello <|endoftext|><|endoftext|>[assistant] Hi"
    chat.choose("dialogpt")
    chat.qtbot.waitUntil(lambda: not chat.view.panel.prompt.toPlainText().startswith("["))
    assert chat.opened.services.settings.value.chat_template == "dialogpt"
    assert "system text" in chat.view.panel.note.text()


def test_a_template_that_refuses_is_its_authors_sentence_and_another_one_works(
    open_chat: Callable[..., ChatDriver], tiny_model_folder: Path, tmp_path: Path
) -> None:
    source = "{{ raise_exception('Roles must alternate.') }}"
    chat = open_chat(with_template(tiny_model_folder, tmp_path, [{"name": "default", "template": source}]))
    chat.write("Hello")
    assert "The chat template says: Roles must alternate." in chat.banner()
    assert chat.turns == [ChatTurn("user", "Hello"), ChatTurn("assistant", "")]
    chat.qtbot.waitUntil(lambda: "Roles must alternate." in chat.view.panel.meter.text())
    chat.choose("chatml")
    chat.run("chat.send")
    assert chat.titles == ["User", "Assistant"]
    assert chat.turns[1].text


def test_without_a_model_there_is_a_sentence_and_the_message_stays(
    open_chat: Callable[..., ChatDriver], tmp_path: Path
) -> None:
    (tmp_path / "nothing").mkdir()
    chat = open_chat(str(tmp_path / "nothing"))
    chat.write("Hello")
    assert "No model is loaded" in chat.banner()
    assert chat.turns[0] == ChatTurn("user", "Hello")


def test_the_text_of_a_turn_is_copied(chat: ChatDriver) -> None:
    chat.write("Hello **you**")
    chat.cards[0].act("copy")
    assert QApplication.clipboard().text() == "Hello **you**"
