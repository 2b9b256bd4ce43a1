"""Chat templates: our rendering is that of transformers with the Jinja that we write."""

import json
from pathlib import Path

import pytest

from gptdesk.gpt2.chat_template import ALPACA, CHATML, PLAIN, TEMPLATES, ChatTemplate, Role, Turn
from gptdesk.gpt2.tokenizer_files import TOKENIZER_CONFIG, write_tokenizer


def turns(*contents: str, system: str | None = None) -> list[Turn]:
    roles: tuple[Role, ...] = ("user", "assistant")
    begin = [] if system is None else [Turn("system", system)]
    return begin + [Turn(roles[i % 2], content) for i, content in enumerate(contents)]


CONVERSATIONS = {
    "one turn": turns("Hello"),
    "one answer": turns("Hello", "Hi there."),
    "system text": turns("Hello", "Hi.", system="You are terse."),
    "several turns": turns("One?", "1.", "Two?", "2.", "Three?", "3."),
    "empty turns": turns("", "", "", "", system=""),
    "Jinja-looking text": turns("{{ messages }} {% for x in y %}{# no #}{% endfor %}", "{{ '{{' }} }} %}", system="{{"),
    "quotes and backslashes": turns("It's \"so\" \\n 'quoted' \\", "\\'\\\\\" ` $HOME", system="'"),
    "newlines and white space": turns("\n a\r\n\tb \n\n", "  \n", "\v\f\0", "\u2028\u3000 end \n"),
    "emoji and others": turns("Zwölf 🐈‍⬛ 猫 ﷽ 👩🏽‍🚀", "\ufeff\u200b é e\u0301", system="😀" * 3),
    "text of the templates": turns(
        "User: x\nAssistant: y", "<|im_end|>\n<|endoftext|>", "### Response:\n", "<b>&amp;</b>"
    ),
    "a system turn later": [Turn("user", "a"), Turn("system", "b"), Turn("assistant", "c")],
    "nothing": [],
}


@pytest.fixture(scope="module", params=TEMPLATES.values(), ids=TEMPLATES)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[ChatTemplate, Path]:
    """A template, and a folder with a tokenizer that brings it."""
    folder = tmp_path_factory.mktemp("tokenizer")
    template: ChatTemplate = request.param
    write_tokenizer(folder, chat_template=template.jinja, stop_strings=template.stop_strings)
    return template, folder


def test_conversations_are_rendered_as_transformers_does(written: tuple[ChatTemplate, Path]) -> None:
    from transformers import AutoTokenizer

    template, folder = written
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for name, conversation in CONVERSATIONS.items():
        messages = [turn._asdict() for turn in conversation]
        for prompt in (False, True):
            if not conversation and not prompt:
                continue  # transformers takes an empty list for a batch of none
            ours = template.render(conversation, add_generation_prompt=prompt)
            theirs = tokenizer.apply_chat_template([messages], tokenize=False, add_generation_prompt=prompt)
            assert [ours] == theirs, name


def test_a_folder_keeps_its_template_with_its_stop_strings(written: tuple[ChatTemplate, Path]) -> None:
    template, folder = written
    values = json.loads((folder / TOKENIZER_CONFIG).read_text(encoding="utf-8"))
    assert values["chat_template"] == template.jinja
    assert tuple(values["stop_strings"]) == template.stop_strings


def test_other_roles_are_refused_by_the_jinja_too(written: tuple[ChatTemplate, Path]) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(written[1])
    with pytest.raises(Exception, match="Roles are system, user, assistant"):
        tokenizer.apply_chat_template([{"role": "tool", "content": "x"}], tokenize=False)


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_segments_are_the_rendered_text_up_to_the_last_answer(template: ChatTemplate) -> None:
    for conversation in CONVERSATIONS.values():
        if any(turn.role == "assistant" for turn in conversation):
            segments = template.segments([*conversation, Turn("user", "never answered")])
            assert "".join(segments) == template.render(conversation)
            assert len(segments) % 2 == 0, "the first is given, the last is learnt"


def test_what_the_assistant_writes_is_learnt() -> None:
    conversation = turns("One?", "1.", "Two?", "2.", system="Count.")
    assert PLAIN.segments(conversation) == (
        "System: Count.\nUser: One?\nAssistant:", " 1.\n", "User: Two?\nAssistant:", " 2.\n"
    )  # fmt: skip
    assert CHATML.segments(conversation)[1::2] == ("1.<|im_end|>\n", "2.<|im_end|>\n")
    assert ALPACA.segments(turns("Add.", "Done.")) == (
        f"{ALPACA.default_system}\n\n### Instruction:\nAdd.\n\n### Response:\n", "Done.\n\n"
    )  # fmt: skip


def test_two_answers_side_by_side_each_begin_with_a_header_that_is_given() -> None:
    conversation = [Turn("assistant", "Hello."), Turn("assistant", "Well?")]
    assert PLAIN.segments(conversation) == ("Assistant:", " Hello.\n", "Assistant:", " Well?\n")


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_a_prompt_to_write_an_answer_ends_where_the_learnt_text_begins(template: ChatTemplate) -> None:
    segments = template.segments(turns("Q", "A"))
    assert template.render(turns("Q"), add_generation_prompt=True) == segments[0]


def test_a_conversation_without_an_answer_has_nothing_to_learn() -> None:
    with pytest.raises(ValueError, match="assistant"):
        PLAIN.segments(turns("Hello"))
