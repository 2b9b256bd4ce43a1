"""Prompts: our own templates, what ends a reply, and what is left out when the context is full."""

import pytest

from gptdesk.chat.prompt import PromptBuilder
from gptdesk.chat.templates.of_folder import FolderTemplate
from gptdesk.chat.templates.process import TemplateProcess
from gptdesk.chat.templates.template import OWN_TEMPLATES, PromptTemplate
from gptdesk.chat.turns import ChatTurn
from gptdesk.gpt2.config import END_OF_TEXT
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer

from .families import FAMILIES

PLAIN, ALPACA, CHATML, DIALOGPT = OWN_TEMPLATES

CHAT = [
    ChatTurn("system", "Be brief."), ChatTurn("user", "Hello", "Anna"), ChatTurn("assistant", "Hi.", "Bob"),
    ChatTurn("user", "Who?", "Anna"),
]  # fmt: skip


def builder(template: PromptTemplate, context: int = 1024) -> PromptBuilder:
    return PromptBuilder(template, gpt2_tokenizer(), context)


def long_chat(count: int) -> list[ChatTurn]:
    return [ChatTurn("user" if i % 2 == 0 else "assistant", f"Message {i}.") for i in range(count)]


def test_plain_names_are_those_of_the_speakers() -> None:
    prompt = builder(PLAIN).build(CHAT)
    assert prompt.mixed.spelled == "System: Be brief.\nAnna: Hello\nBob: Hi.\nAnna: Who?\nBob:"
    assert "\nAnna:" in prompt.stop


def test_turns_of_dialogpt_end_with_end_of_text_and_have_no_system_text() -> None:
    prompt = builder(DIALOGPT).build(CHAT)
    assert prompt.ids.count(END_OF_TEXT) == 3
    assert prompt.mixed.spelled == "Hello<|endoftext|>Hi.<|endoftext|>Who?<|endoftext|>"
    assert prompt.stop == ("<|endoftext|>",)


@pytest.mark.parametrize(
    ("template", "stop"), [(PLAIN, "\nUser:"), (ALPACA, "\n### Instruction:"), (CHATML, "<|im_end|>")]
)
def test_what_ends_a_reply_comes_from_the_template(template: PromptTemplate, stop: str) -> None:
    assert stop in builder(template).build([ChatTurn("user", "Hello")]).stop


@pytest.mark.parametrize(
    ("family", "stop"),
    [
        ("chatml", "<|im_end|>"), ("llama 2", "<|endoftext|>"), ("gemma", "<end_of_turn>"), ("falcon", "\nUser:"),
        ("vicuna", "<|endoftext|>"), ("alpaca", "\n### Instruction:"), ("blenderbot", "   "),
    ],
)  # fmt: skip
def test_what_ends_a_reply_is_found_in_a_template_of_a_model(process: TemplateProcess, family: str, stop: str) -> None:
    assert builder(FolderTemplate("default", FAMILIES[family], (), process)).stops([]) == (stop,)


def test_stop_strings_that_the_folder_brings_count_too(process: TemplateProcess) -> None:
    template = FolderTemplate("default", FAMILIES["gemma"], ("STOP",), process)
    assert builder(template).stops([]) == ("STOP", "<end_of_turn>")


@pytest.mark.parametrize("template", OWN_TEMPLATES, ids=lambda one: one.id)
def test_a_reply_is_continued_where_it_ends(template: PromptTemplate) -> None:
    prompt = builder(template).build(CHAT[:3], go_on=True)
    assert prompt.mixed.spelled.endswith("Hi.")
    whole = builder(template).text(CHAT).spelled
    assert whole.startswith(prompt.mixed.spelled)


def test_special_tokens_in_a_message_stay_text() -> None:
    turns = [ChatTurn("user", "<|endoftext|>", "<|endoftext|>"), ChatTurn("assistant", "<|endo<|endoftext|>ftext|>")]
    for template in OWN_TEMPLATES:
        prompt = builder(template).build(turns)
        assert gpt2_tokenizer().decode(prompt.ids) == prompt.mixed.spelled
        assert prompt.ids.count(END_OF_TEXT) == (2 if template is DIALOGPT else 0)


@pytest.mark.parametrize("count", [1, 2, 60, 10_000, 10_001])
def test_whole_oldest_turns_are_left_out(count: int) -> None:
    """No more than must be: one more turn of the person would not fit."""
    turns = long_chat(count)
    made = builder(PLAIN, 256)
    prompt = made.build(turns, reply_tokens=56)
    assert len(prompt.ids) <= prompt.room == 200
    kept = [turn for i, turn in enumerate(turns) if i not in prompt.left_out]
    assert kept == turns[count - len(kept) :]
    assert kept[0].role == "user"
    if prompt.left_out:
        more = turns[count - len(kept) - 2 :]
        assert len(gpt2_tokenizer().encode(made.text(more).spelled)) > prompt.room
    else:
        assert count < 60


def test_system_text_and_pinned_turns_stay() -> None:
    turns = [ChatTurn("system", "Be kind."), *long_chat(200)]
    turns[11] = ChatTurn("user", "Remember me.", pinned=True)
    prompt = builder(PLAIN, 256).build(turns, reply_tokens=56)
    assert prompt.mixed.spelled.startswith("System: Be kind.\nUser: Remember me.\nUser: Message ")
    assert prompt.left_out >= {1, 2, 10, 12}
    assert len(prompt.ids) <= 200


def test_a_reply_does_not_take_more_than_half_of_the_context() -> None:
    assert builder(PLAIN, 256).build(long_chat(1), reply_tokens=100_000).room == 128


def test_a_message_that_is_longer_than_the_context_is_reported() -> None:
    prompt = builder(PLAIN, 64).build([*long_chat(4), ChatTurn("user", "word " * 100)])
    assert prompt.too_long
    assert prompt.left_out == {0, 1, 2, 3}
