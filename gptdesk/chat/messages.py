"""Exports and imports chats: OpenAI's messages as JSON, Markdown, and a line of training data."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from gptdesk.bounded_read import ContentError, parse_json, read_bytes
from gptdesk.chat.turns import ChatTurn, marker_of, read_marker, to_name
from gptdesk.errors import UserError, brief
from gptdesk.gpt2.chat_template import Role

LARGEST: Final = 64 << 20
"""Bytes of a file that is imported."""

MARKDOWN_SUFFIXES: Final = (".md", ".markdown")

_ROLES: Final[dict[str, Role]] = {
    "system": "system", "developer": "system", "user": "user", "human": "user", "assistant": "assistant",
    "gpt": "assistant",
}  # fmt: skip
"""As chat interfaces call them, and as ShareGPT's files do; "developer" is OpenAI's newer word for "system"."""

_TEXT_PARTS: Final = ("text", "input_text", "output_text")
_FIELDS: Final = (("messages", "role", "content"), ("conversations", "from", "value"))
_HEADING: Final = re.compile(r"#### (?P<marker>[^\n]*:)")
_LIKE_HEADING: Final = re.compile(r"^(?=\\*#### )", re.MULTILINE)
_ESCAPED: Final = re.compile(r"^\\(?=\\*#### )", re.MULTILINE)


def to_messages(turns: Sequence[ChatTurn]) -> dict[str, Any]:
    """A chat in OpenAI's format."""
    return {
        "messages": [
            {"role": turn.role, "content": turn.text, **({"name": turn.name} if turn.name else {})} for turn in turns
        ]
    }


def to_json(turns: Sequence[ChatTurn]) -> bytes:
    """A chat as OpenAI's messages, in UTF-8 JSON, indented."""
    return json.dumps(to_messages(turns), ensure_ascii=False, indent=2).encode("utf-8", "replace") + b"\n"


def to_training_data(turns: Sequence[ChatTurn]) -> bytes:
    """A chat as one line of JSON that ``python -m trainer prepare`` reads: up to its last reply.

    Raises:
        UserError: when nothing in it is the assistant's.
    """
    last = max((i for i, turn in enumerate(turns) if turn.role == "assistant" and turn.text.strip()), default=None)
    if last is None:
        raise UserError("This chat has no reply, so that there is nothing to learn from it.")
    return json.dumps(to_messages(turns[: last + 1]), ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def to_markdown(turns: Sequence[ChatTurn]) -> bytes:
    """A chat as Markdown in UTF-8: a heading of the fourth level names each speaker; `from_markdown` reads it."""
    parts = []
    for turn in turns:
        message = _LIKE_HEADING.sub(r"\\", turn.text)  # a backslash: it is no heading
        parts.append(f"#### {marker_of(turn)}\n\n{message}\n")
    return "\n".join(parts).encode("utf-8", "replace")


def from_markdown(text: str) -> list[ChatTurn]:
    """The turns of what `to_markdown` wrote, without blank lines around messages.

    Raises:
        UserError: when the text has no heading of a speaker.
    """
    turns: list[ChatTurn] = []
    lines: list[str] = []

    def end() -> None:
        if turns:
            message = _ESCAPED.sub("", "\n".join(lines).strip("\n"))
            turns[-1] = ChatTurn(turns[-1].role, message, turns[-1].name, turns[-1].pinned)
        lines.clear()

    for line in text.replace("\r\n", "\n").split("\n"):
        match = _HEADING.fullmatch(line.rstrip())
        turn = read_marker(match["marker"]) if match else None
        if turn is None:
            lines.append(line)
        else:
            end()
            turns.append(turn)
    end()
    if not turns:
        raise UserError('No turn was found: each begins with a heading such as "#### User:" or "#### Anna (user):".')
    return turns


def from_messages(value: Any) -> list[ChatTurn]:
    """The turns of a list of messages, or of an object that holds one.

    Raises:
        UserError: when it is none, or has roles or contents that a chat cannot hold.
    """
    listed, role_field, content_field = value, "role", "content"
    if isinstance(value, dict):
        field = next((fields for fields in _FIELDS if fields[0] in value), None)
        if field is None:
            raise UserError('The file holds no chat: it has no field "messages".')
        listed, role_field, content_field = value[field[0]], field[1], field[2]
    if not isinstance(listed, list) or not listed:
        raise UserError("The file holds no chat: its messages are no list, or an empty one.")
    if len(listed) == 1 and isinstance(listed[0], dict) and any(fields[0] in listed[0] for fields in _FIELDS):
        return from_messages(listed[0])
    return [_turn(index, message, role_field, content_field) for index, message in enumerate(listed, 1)]


def _turn(index: int, message: Any, role_field: str, content_field: str) -> ChatTurn:
    if not isinstance(message, dict):
        raise UserError(f"Message {index:,} is no object with a role and a content.")
    role = message.get(role_field)
    if not isinstance(role, str) or role not in _ROLES:
        raise UserError(
            f"Message {index:,} has the role {brief(role)}; a chat has the roles system, user and assistant."
        )
    name = message.get("name")
    return ChatTurn(
        _ROLES[role], _text(index, message.get(content_field)), to_name(name) if isinstance(name, str) else ""
    )


def _text(index: int, content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [None]
    texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type") in _TEXT_PARTS]
    if len(texts) != len(parts) or not all(isinstance(text, str) for text in texts):
        raise UserError(f"Message {index:,} holds something else than text, which a chat cannot hold.")
    return "".join(map(str, texts))


def read_chat(path: Path) -> list[ChatTurn]:
    """The chat in a file: OpenAI's messages as JSON, the first line of JSON lines, or Markdown.

    Raises:
        UserError: when it cannot be read or holds no chat.
    """
    try:
        data = read_bytes(path, largest=LARGEST)
        if path.suffix.lower() in MARKDOWN_SUFFIXES:
            return from_markdown(data.decode("utf-8-sig"))
        if path.suffix.lower() == ".jsonl":
            data = next((line for line in data.split(b"\n") if line.strip()), b"")
        return from_messages(parse_json(data))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text.") from error
    except ContentError as error:
        raise UserError(f"{path} holds no chat: {error}.") from error
