"""Export and import of chats."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptdesk.chat.messages import from_markdown, read_chat, to_json, to_markdown, to_training_data
from gptdesk.chat.turns import ChatTurn
from gptdesk.errors import UserError
from trainer.prepare.records import RecordParser

from .test_turns import TURNS

CHAT = [
    ChatTurn("system", "Be brief."), ChatTurn("user", "Hello 猫\n\n#### User:\n", "Anna"), ChatTurn("assistant", "Hi.")
]  # fmt: skip


def test_openais_format_is_written_and_read(tmp_path: Path) -> None:
    file = tmp_path / "chat.json"
    file.write_bytes(to_json(CHAT))
    assert json.loads(file.read_bytes())["messages"][1] == {"role": "user", "content": CHAT[1].text, "name": "Anna"}
    assert read_chat(file) == CHAT


@given(st.lists(TURNS, min_size=1, max_size=5))
def test_markdown_is_written_and_read(turns: list[ChatTurn]) -> None:
    found = from_markdown(to_markdown(turns).decode())
    assert found == [ChatTurn(one.role, one.text.strip("\n"), one.name, one.pinned) for one in turns]


def test_a_chat_as_training_data_is_what_the_trainer_reads() -> None:
    line = to_training_data([*CHAT, ChatTurn("user", "Never answered")])
    assert line.count(b"\n") == 1
    document, kind = RecordParser().parse(json.loads(line))
    assert kind == "conversation"
    assert b"".join(document).decode() == f"System: Be brief.\nUser: {CHAT[1].text}\nAssistant: Hi.\n"


def test_a_chat_without_a_reply_is_no_training_data() -> None:
    with pytest.raises(UserError, match="no reply"):
        to_training_data(CHAT[:2])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.json", '[{"role": "user", "content": "Hi"}]'),
        ("parts.json", '{"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}'),
        ("sharegpt.json", '{"conversations": [{"from": "human", "value": "Hi"}]}'),
        ("lines.jsonl", '\n{"messages": [{"role": "user", "content": "Hi"}]}\n{"other": 1}\n'),
        ("chat.md", "# A chat\n\n#### User:\r\n\r\nHi\r\n"),
    ],
)
def test_other_forms_are_read(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    assert read_chat(tmp_path / name) == [ChatTurn("user", "Hi")]


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.json", "{", "holds no chat"),
        ("a.json", "{}", "messages"),
        ("a.json", "[]", "empty"),
        ("a.json", "[1]", "Message 1 is no object"),
        ("a.json", '[{"role": "tool", "content": ""}]', "Message 1 has the role 'tool'"),
        ("a.json", '[{"role": "user"}]', "something else than text"),
        ("a.json", '[{"role": "user", "content": [{"type": "image_url"}]}]', "something else than text"),
        ("a.md", "Hello", "#### User:"),
        ("gone.json", None, "cannot be read"),
    ],
)
def test_a_file_without_a_chat_is_a_sentence(tmp_path: Path, name: str, text: str | None, sentence: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=sentence):
        read_chat(tmp_path / name)
