"""Templates that do harm are one sentence, and the next one is rendered."""

import threading
from pathlib import Path

import pytest

from gptdesk.chat.prompt import PromptBuilder
from gptdesk.chat.templates.of_folder import FolderTemplate, folder_templates
from gptdesk.chat.templates.process import TemplateProcess
from gptdesk.chat.turns import ChatTurn
from gptdesk.errors import UserError
from gptdesk.gpt2.chat_template import CHATML
from gptdesk.gpt2.tokenizer_files import write_tokenizer
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer

HELLO = [ChatTurn("user", "Hello")]

HOSTILE = {
    "loops for ever": (
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", "longer than 3 seconds"
    ),
    "one power that takes for ever": ("{{ 9 ** (9 ** 9) }}", "longer than 3 seconds|memory"),
    "renders 100 MB": ("{% for i in range(99999) %}{{ 'x' * 1050 }}{% endfor %}", "more than 16,777,216 characters"),
    "one string of 3 GB": ("{{ 'x' * 3000000000 }}", "more than 1,024 MB of memory"),
    "calls itself": ("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", "calls itself without end"),
    "asks for a class": ("{{ messages.__class__.__mro__[1].__subclasses__() }}", "templates may not use"),
    "asks for a class by a filter": ("{{ (messages|attr('__class__')).x }}", "templates may not use|UndefinedError"),
    "formats a class": ("{{ '{0.__class__.__mro__}'.format(messages) }}", "may not use|UndefinedError"),
    "changes the messages": ("{{ messages.append(1) }}", "templates may not use"),
    "a namespace with an underscore": ("{% set n = namespace(__class__=1) %}", "templates may not use"),
    "is no Jinja": ("a\n{% if %}", "line 2 is no Jinja"),
    "needs what is not there": ("{{ messages[7].content }}", "UndefinedError"),
    "imports": ("{% include '/etc/passwd' %}", "cannot be used"),
    "raises words": ("{{ raise_exception('Only  one\nrole') }}", "^The chat template says: Only one role[.]$"),
    "raises a sentence": ("{{ raise_exception('Not this!') }}", "^The chat template says: Not this!$"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_template_that_does_harm_is_a_sentence(process: TemplateProcess, name: str) -> None:
    source, sentence = HOSTILE[name]
    with pytest.raises(UserError, match=sentence) as error:
        PromptBuilder(FolderTemplate("default", source, (), process), gpt2_tokenizer(), 64).build(HELLO)
    assert "\n" not in str(error.value)
    assert process.render("{{ messages }}", {"messages": "fine"}) == "fine"


def test_a_process_that_was_killed_is_started_again(process: TemplateProcess) -> None:
    process.render("", {})
    before = process.starts
    process.close()
    assert process.render("{{ 1 + 1 }}", {}) == "2"
    assert process.starts == before + 1


def test_several_threads_may_render(process: TemplateProcess) -> None:
    found: list[str] = []

    def render(number: int) -> None:
        found.append(process.render("{{ n }}", {"n": number}))

    threads = [threading.Thread(target=render, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [str(number) for number in range(8)]


def test_the_templates_of_a_folder_are_found(process: TemplateProcess, tmp_path: Path) -> None:
    assert folder_templates(None, process) == folder_templates(tmp_path, process) == []
    write_tokenizer(tmp_path, chat_template=CHATML.jinja, stop_strings=["x"])
    (trained,) = folder_templates(tmp_path, process)
    assert (trained.id, trained.stop_strings) == ("model", ("x",))
    assert trained.label == "The model's own, from its training data: <|im_start|>user ... <|im_end|>"
    assert trained.render(HELLO, {}, reply=True) == "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
    (tmp_path / "tokenizer_config.json").write_text(
        '{"chat_template": [{"name": "tool_use", "template": "{{ tools }}"}, {"name": "default", "template": "b"}, 7]}',
        encoding="utf-8",
    )
    assert [(one.id, bool(one.notice)) for one in folder_templates(tmp_path, process)] == [
        ("model", False), ("model:tool_use", True)
    ]  # fmt: skip
    (tmp_path / "chat_template.jinja").write_text("of the file", encoding="utf-8")
    assert folder_templates(tmp_path, process)[0].render(HELLO, {}, reply=True) == "of the file"
