"""Turns of a chat, and how they are written into the text of a document. Imports neither torch nor Qt.

Each turn begins with a marker: a placeholder of `MixedText` whose name says role, name and whether the turn is pinned,
such as "User:" or "Anna (user, pinned):". Typed text never contains one, so no message can be taken for two turns, and
a model that continues the document in the Playground reads the names as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, cast

import msgspec
from msgspec.structs import replace

from gptdesk.gpt2.chat_template import ROLES, Role
from gptdesk.gpt2.mixed_text import PLACEHOLDER, MixedText
from gptdesk.store.runs import clean

LONGEST_NAME: Final = 100
"""Characters of the name of a speaker."""

ROLE_TITLES: Final[dict[Role, str]] = {"system": "System", "user": "User", "assistant": "Assistant"}
"""What stands in the place of a name."""

_MARKER: Final = re.compile(r"(?P<title>.*?)(?: \((?P<marks>[a-z, ]+)\))?:")
_PINNED: Final = "pinned"
_BEFORE, _AFTER = " ", "\n"  # text between a marker and its message, and between that and the next marker


class ChatTurn(msgspec.Struct, frozen=True):
    """One turn of a chat.

    Attributes:
        role: who speaks.
        text: the message.
        name: of the speaker; empty for the role's title.
        pinned: whether the turn stays in the prompt when older ones are left out.
    """

    role: Role
    text: str
    name: str = ""
    pinned: bool = False

    @property
    def title(self) -> str:
        """The name, or else the role's title."""
        return self.name or ROLE_TITLES[self.role]


class PlacedTurn(msgspec.Struct, frozen=True):
    """A turn with its place in the text of a document, in characters.

    Attributes:
        turn: as it is written there.
        start: of the marker; of the message where text stands before the first marker.
        begin, end: of the message.
    """

    turn: ChatTurn
    start: int
    begin: int
    end: int


def to_name(text: str) -> str:
    """A name as a marker holds it: one line of printable characters, `LONGEST_NAME` at most."""
    words = "".join(letter if letter.isprintable() and letter != PLACEHOLDER else " " for letter in text)
    return " ".join(words.split())[:LONGEST_NAME].strip()


def marker_of(turn: ChatTurn) -> str:
    """The name of the placeholder with which a turn begins; `read_marker` reads it."""
    marks: list[str] = [turn.role] if turn.name else []
    marks += [_PINNED] if turn.pinned else []
    return f"{turn.title} ({', '.join(marks)}):" if marks else f"{turn.title}:"


@lru_cache(maxsize=1000)
def read_marker(name: str) -> ChatTurn | None:
    """The turn, without its message, that begins with a marker; ``None`` for other special tokens."""
    match = _MARKER.fullmatch(name)
    if match is None:
        return None
    title, marks = match["title"], (match["marks"] or "").split(", ") if match["marks"] else []
    roles = [mark for mark in marks if mark in ROLES]
    if len(roles) > 1 or len(set(marks)) != len(marks) or not {*marks} <= {*ROLES, _PINNED}:
        return None
    if roles:
        return ChatTurn(cast(Role, roles[0]), "", title, _PINNED in marks) if title == to_name(title) != "" else None
    role = next((role for role, known in ROLE_TITLES.items() if known == title), None)
    return None if role is None else ChatTurn(role, "", "", _PINNED in marks)


def is_chat(mixed: MixedText) -> bool:
    """Whether the text of a document contains a turn."""
    return any(read_marker(name) is not None for name in mixed.names)


def written_turn(turn: ChatTurn, *, first: bool) -> MixedText:
    """A turn as a document holds it.

    Args:
        turn: to write.
        first: whether it begins the text.
    """
    return MixedText(f"{'' if first else _AFTER}{PLACEHOLDER}{_BEFORE}{clean(turn.text)}", (marker_of(turn),))


def written(turns: Iterable[ChatTurn]) -> MixedText:
    """The text of a document that holds these turns; `placed_turns` reads it."""
    texts: list[str] = []
    names: list[str] = []
    for index, turn in enumerate(turns):
        one = written_turn(turn, first=index == 0)
        texts.append(one.text)
        names += one.names
    return MixedText("".join(texts), tuple(names))


def placed_turns(mixed: MixedText) -> list[PlacedTurn]:
    """The turns in the text of a document, first to last.

    Special tokens in a message are the text of their names. Text before the first marker is a turn of the system.
    """
    first, *parts = mixed.text.split(PLACEHOLDER)
    found: list[_Found] = []
    open_turn = _Found(0, ChatTurn("system", ""), first, len(first), has_marker=False)
    place = len(first)
    for name, part in zip(mixed.names, parts, strict=True):
        turn = read_marker(name)
        if turn is None:
            open_turn.text += name + part
            open_turn.length += 1 + len(part)
        else:
            found.append(open_turn)
            open_turn = _Found(place, turn, part, len(part))
        place += 1 + len(part)
    if not open_turn.has_marker:
        return []
    found.append(open_turn)
    before = found if found[0].length else found[1:]
    return [_placed(one, last=one is open_turn) for one in before]


def last_again(mixed: MixedText, last: PlacedTurn) -> PlacedTurn:
    """The last turn of a text, read again after the text has grown."""
    message = mixed[last.start + 1 :]
    return _placed(_Found(last.start, last.turn, message.spelled, len(message)), last=True)


class _Found(msgspec.Struct):
    """A marker, and what stands behind it.

    Attributes:
        start: of the marker, in characters.
        turn: that it names.
        text: behind it, with the names of special tokens.
        length: of that in the document, in characters.
        has_marker: not where text stands before the first one.
    """

    start: int
    turn: ChatTurn
    text: str
    length: int
    has_marker: bool = True


def _placed(found: _Found, *, last: bool) -> PlacedTurn:
    """The turn, without what separates its message from the markers around it."""
    text, begin = found.text, found.start + found.has_marker
    end = begin + found.length
    if found.has_marker and text.startswith(_BEFORE):
        text, begin = text[1:], begin + 1
    if not last and text.endswith(_AFTER):
        text, end = text[:-1], end - 1
    return PlacedTurn(ChatTurn(found.turn.role, text, found.turn.name, found.turn.pinned), found.start, begin, end)


def spoken(turns: Iterable[PlacedTurn]) -> list[ChatTurn]:
    """The turns without their places."""
    return [placed.turn for placed in turns]


def as_prompted(turns: Iterable[PlacedTurn]) -> list[ChatTurn]:
    """The turns as a prompt gets them: replies without the white space that the model wrote around them."""
    return [replace(one, text=one.text.strip()) if one.role == "assistant" else one for one in spoken(turns)]
