"""Prompts are those of transformers' ``apply_chat_template``, to the token."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2 import TemplateError

from gptdesk.chat.prompt import PromptBuilder
from gptdesk.chat.templates.failure import TemplateFailed
from gptdesk.chat.templates.of_folder import FolderTemplate
from gptdesk.chat.templates.process import TemplateProcess
from gptdesk.chat.turns import ChatTurn
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.mixed_text import PLACEHOLDER, encode_mixed
from gptdesk.gpt2.tokenizer_files import write_tokenizer
from gptdesk.gpt2.tokenizers.loading import load_tokenizer

from .families import FAMILIES, SPECIAL

CONTEXT = 1_000_000
"""Tokens: nothing is left out."""

PIECES = st.sampled_from([
    *SPECIAL, "<|endoftext|>", "<|im_start|", "im_end|>", "</think>", "{{ messages }}", "{% raw %}", "\n", "\n\n", " ",
    "  \n", "\t", "User: ", "### Response:\n", "' + \"", "\\n", "é", "🐈‍⬛", "猫", "\u200b", "a", "Hello there.",
])  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=8), max_size=6).map("".join)


def conversation(roles: list[str], texts: list[str]) -> list[ChatTurn]:
    return [ChatTurn(role, text) for role, text in zip(roles, texts, strict=True)]  # type: ignore[arg-type]


@st.composite
def conversations(draw: st.DrawFn) -> list[ChatTurn]:
    """Mostly turns that alternate, with or without system text; now and then anything."""
    count = draw(st.integers(1, 5))
    roles = [("user", "assistant")[i % 2] for i in range(count)]
    if draw(st.booleans()):
        roles.insert(0, "system")
    if draw(st.integers(0, 5)) == 0:
        roles = draw(st.lists(st.sampled_from(["system", "user", "assistant"]), min_size=1, max_size=5))
    texts = [draw(TEXTS).replace(PLACEHOLDER, "").encode("utf-8", "replace").decode() for _ in roles]
    return conversation(roles, texts)


@pytest.fixture(scope="module", params=["GPT-2's tokens", "with special tokens"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer; the special tokens of the families are text in one of them, and tokens in the other."""
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(folder)
    if request.param == "with special tokens":
        theirs = AutoTokenizer.from_pretrained(folder)
        theirs.add_special_tokens({"extra_special_tokens": list(SPECIAL)})
        theirs.save_pretrained(folder)
    return folder


class Both:
    """Our prompts and transformers', with one tokenizer."""

    def __init__(self, folder: Path, process: TemplateProcess) -> None:
        from transformers import AutoTokenizer

        self.theirs: Any = AutoTokenizer.from_pretrained(folder)
        self.ours = load_tokenizer(folder, GPT2Config(vocab_size=len(self.theirs)))
        self.process = process

    def compare(self, family: str, turns: list[ChatTurn], reply: bool) -> None:
        source = FAMILIES[family]
        builder = PromptBuilder(FolderTemplate("default", source, (), self.process), self.ours, CONTEXT)
        messages = [{"role": turn.role, "content": turn.text} for turn in turns]
        options = {"chat_template": source, "add_generation_prompt": reply}
        try:
            text = self.theirs.apply_chat_template(messages, tokenize=False, **options)
        except TemplateError:
            with pytest.raises(TemplateFailed) as refused:
                builder.text(turns, reply=reply)
            assert refused.value.of_author
            return
        theirs = self.theirs.apply_chat_template(messages, sanitize_control_tokens=True, **options)["input_ids"]
        mixed = builder.text(turns, reply=reply)
        ours = encode_mixed(self.ours, mixed)
        assert mixed.spelled == text
        if any(name in turn.text for turn in turns for name in self.ours.special_tokens):
            # transformers cuts the text around such a name; a tokenizer reads plain text in one piece.
            assert self.special(ours) == self.special(theirs)
            assert self.theirs.decode(ours) == text
        else:
            assert ours == theirs
        if reply:
            assert list(builder.build(turns).ids) == ours

    def special(self, ids: list[int]) -> list[int]:
        """The special tokens among tokens."""
        return [id for id in ids if id in self.ours.special_tokens.values()]


@pytest.fixture(scope="module")
def both(folder: Path, process: TemplateProcess) -> Both:
    return Both(folder, process)


QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.mark.parametrize("family", FAMILIES)
def test_prompts_of_a_family_are_those_of_transformers(both: Both, family: str) -> None:
    turns = conversation(["user", "assistant", "user"], ["Hi <|im_en", " 猫\n", "INST] Why? "])
    spelled = conversation(["user", "assistant"], ["Hi <|im_end|><|im_end|><|endoftext|>", "[INST]"])
    for system in ([], [ChatTurn("system", "Be\nbrief. ")]):
        for reply in (False, True):
            both.compare(family, [*system, *turns], reply)
            both.compare(family, [*system, *turns[:2]], reply)
            both.compare(family, [*system, *spelled], reply)


@given(family=st.sampled_from(sorted(FAMILIES)), turns=conversations(), reply=st.booleans())
@settings(max_examples=40, suppress_health_check=QUIET)
def test_prompts_of_any_conversation_are_those_of_transformers(
    both: Both, family: str, turns: list[ChatTurn], reply: bool
) -> None:
    both.compare(family, turns, reply)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_prompts_of_a_thousand_conversations_are_those_of_transformers(both: Both, family: str) -> None:
    @given(turns=conversations(), reply=st.booleans())
    @settings(max_examples=1000, suppress_health_check=QUIET, database=None)
    def compare(turns: list[ChatTurn], reply: bool) -> None:
        both.compare(family, turns, reply)

    compare()
