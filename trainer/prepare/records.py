"""Converts a record to a document: text, prompt and completion, instruction, or conversation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gptdesk.gpt2.chat_template import PLAIN, ChatTemplate, Role, Turn
from trainer.prepare.broken import names_in_short

Document = tuple[bytes, ...]
"""Segments in UTF-8, given and learnt in turn; the last one is learnt: a text alone, a prompt and its completion, or
the turns of a conversation."""

DEFAULT_COLUMN: Final = "text"
"""Default text column. A prompt and completion, instruction or conversation in a record takes precedence over it."""

TEXT, PROMPT, INSTRUCTION, CONVERSATION = "text", "prompt and completion", "instruction", "conversation"
"""Kinds of records."""

RENDERED: Final = (INSTRUCTION, CONVERSATION)
"""Kinds that a chat template makes a text of."""

_INPUT: Final = "input"
_SYSTEM: Final = "system"
_PAIRS: Final = {PROMPT: ("prompt", "completion"), INSTRUCTION: ("instruction", "output")}
_TURNS: Final = {"messages": ("role", "content"), "conversations": ("from", "value")}
"""Fields that hold a list of turns, and in each turn those of its role and its content."""

_ROLES: Final[Mapping[str, Role]] = {
    "system": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
}
"""As chat interfaces call them, and as ShareGPT's files do."""

_TEXT_PARTS: Final = ("text", "input_text", "output_text")
"""Types of the parts of a turn that are text, as OpenAI's two interfaces for conversations call them."""

_LONGEST_NAME: Final = 40


class Unusable(Exception):
    """Why a record holds no document."""


@dataclass(frozen=True)
class RecordParser:
    """Makes documents of records.

    Args:
        column: name of the field with the text of records that are a text.
        template: makes a text of instructions and conversations.
    """

    column: str = DEFAULT_COLUMN
    template: ChatTemplate = PLAIN

    def fields(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of these fields of records that make documents; none where there are too few."""
        kind, *fields = self._choose(set(names)) or ("",)
        optional = {INSTRUCTION: (_INPUT, _SYSTEM), CONVERSATION: (_SYSTEM,)}.get(kind, ())
        return tuple(dict.fromkeys([*fields, *(name for name in names if name in optional)]))

    def parse(self, values: Any) -> tuple[Document, str]:
        """The document in a record, and the kind of record that it is.

        A field that is null is taken for one that is not there.

        Raises:
            Unusable: when there is none.
        """
        if not isinstance(values, dict):
            raise Unusable(f"a record is not a JSON object but {_name_type(values)}")
        there = {name: value for name, value in values.items() if value is not None}
        chosen = self._choose(there)
        if chosen is None:
            raise Unusable(self._missing(values))
        kind, *fields = chosen
        if kind == CONVERSATION:
            return self._render(_read_turns(fields[0], there), kind), kind
        texts = [_read_text(there, name) for name in fields]
        if kind == INSTRUCTION:
            return self._render(self._instruct(there, *texts), kind), kind
        return tuple(map(_to_utf8, texts)), kind

    def _choose(self, names: Iterable[str]) -> tuple[str, ...] | None:
        """The kind of record that has fields of these names, and the fields that make it; None for none."""
        names = set(names)
        if self.column != DEFAULT_COLUMN and self.column in names:
            return TEXT, self.column
        for field in _TURNS:
            if field in names:
                return CONVERSATION, field
        for kind, pair in _PAIRS.items():
            if names.issuperset(pair):
                return kind, *pair
        return (TEXT, self.column) if self.column in names else None

    def _missing(self, values: Mapping[str, Any]) -> str:
        """That a record has none of the fields that would do."""
        names = [f"{_short(name)} (null)" if value is None else _short(name) for name, value in values.items()]
        found = f"its fields are {names_in_short(names)}" if names else "it has no fields"
        return f"a record has no text: {found}; these would do: {self.wanted}"

    @property
    def wanted(self) -> str:
        """The fields that would do, for a sentence."""
        pairs = [" and ".join(pair) for pair in _PAIRS.values()]
        return f"{', '.join([self.column, *_TURNS])}, {', or '.join(pairs)}"

    def _instruct(self, values: Mapping[str, Any], instruction: str, output: str) -> list[Turn]:
        asked = instruction
        if _INPUT in values and (more := _read_text(values, _INPUT)).strip():
            asked += self.template.input_separator + more
        for name, text in (("instruction", asked), ("output", output)):
            if not text.strip():
                raise Unusable(f'a record\'s field "{name}" is empty')
        return [*_system_turn(values), Turn("user", asked), Turn("assistant", output)]

    def _render(self, turns: list[Turn], kind: str) -> Document:
        try:
            return tuple(map(_to_utf8, self.template.segments(turns)))
        except ValueError:
            raise Unusable(f"a {kind} has no turn of the assistant, so that there is nothing to learn") from None


def _read_turns(field: str, values: Mapping[str, Any]) -> list[Turn]:
    """The turns in a list of objects.

    Raises:
        Unusable: for anything else.
    """
    listed, (role_field, content_field) = values[field], _TURNS[field]
    if not isinstance(listed, list):
        raise Unusable(f'a record\'s field "{field}" is not a list of turns but {_name_type(listed)}')
    if not listed:
        raise Unusable("a conversation has no turns")
    turns = _system_turn(values)
    for turn in listed:
        if not isinstance(turn, dict) or not {role_field, content_field} <= turn.keys():
            raise Unusable(f'a turn of a conversation is not an object with "{role_field}" and "{content_field}"')
        name, content = turn[role_field], turn[content_field]
        role = _ROLES.get(name.lower()) if isinstance(name, str) else None
        if role is None:
            shown = f'"{_short(name)}"' if isinstance(name, str) else _name_type(name)
            raise Unusable(f"a turn of a conversation has the unknown role {shown}; known are {', '.join(_ROLES)}")
        content = _join_parts(content) if isinstance(content, list) else content
        if not isinstance(content, str):
            raise Unusable(f'the "{content_field}" of a turn is not text but {_name_type(content)}')
        if content.strip():
            turns.append(Turn(role, content))
        elif role != "system":
            raise Unusable("a turn of a conversation is empty")
    return turns


def _join_parts(parts: list[Any]) -> str:
    """The text of a turn in OpenAI's newer form, ``[{"type": "text", "text": ...}, ...]``.

    Raises:
        Unusable: for a part that is not text: without it the rest would answer to nothing.
    """
    texts = []
    for part in parts:
        if not isinstance(part, dict) or "type" not in part:
            raise Unusable(f'a part of a turn is not an object with "type" and "text" but {_name_type(part)}')
        if part["type"] not in _TEXT_PARTS:
            raise Unusable(f'a turn has a part of the type "{_short(part["type"])}"; only parts of text can be learnt')
        if not isinstance(text := part.get("text"), str):
            raise Unusable(f'the "text" of a part of a turn is not text but {_name_type(text)}')
        texts.append(text)
    return "".join(texts)


def _system_turn(values: Mapping[str, Any]) -> list[Turn]:
    """The system text that some records hold beside their turns."""
    text = _read_text(values, _SYSTEM) if _SYSTEM in values else ""
    return [Turn("system", text)] if text.strip() else []


def _read_text(values: Mapping[str, Any], name: str) -> str:
    if not isinstance(text := values[name], str):
        raise Unusable(f'a record\'s field "{_short(name)}" is not text but {_name_type(text)}')
    return text


def _name_type(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return "something else"


def _short(name: Any) -> str:
    text = str(name)
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"


def _to_utf8(text: str) -> bytes:
    """UTF-8 of a text, with U+FFFD for lone surrogates, which JSON can spell and UTF-8 cannot."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
