"""Changes of the turns of a document: pure functions of a document, without Qt."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from gptdesk.chat.turns import ChatTurn, PlacedTurn, marker_of, read_marker, to_name, written_turn
from gptdesk.gpt2.chat_template import Role
from gptdesk.gpt2.mixed_text import PLACEHOLDER
from gptdesk.store.branches.outline import Fork
from gptdesk.store.document import Document


def append_turns(document: Document, placed: Sequence[PlacedTurn], added: Sequence[ChatTurn], *, reply: str) -> None:
    """Adds turns at the end, in the place of a last reply that is empty.

    Args:
        document: to change.
        placed: its turns.
        added: the new ones.
        reply: marker of the reply that follows; empty for none.
    """
    end = len(document.text)
    start, count = end, len(placed)
    if placed and is_unanswered(placed[-1]):
        start, count = _with_separator(placed, len(placed) - 1), count - 1
    texts, names = "", tuple[str, ...]()
    for index, turn in enumerate(added):
        written = written_turn(turn, first=not count and not index)
        texts, names = texts + written.text, names + written.names
    if reply:
        texts += ("\n" if count or added else "") + PLACEHOLDER
        names = (*names, reply)
    document.replace(start, end, texts, special=names)


def is_unanswered(placed: PlacedTurn) -> bool:
    """Whether it is a reply of which there is no text."""
    return placed.turn.role == "assistant" and not placed.turn.text


def set_text(document: Document, placed: PlacedTurn, text: str) -> None:
    """Replaces a message; what follows stays."""
    document.replace(placed.begin, placed.end, text)


def branch(document: Document, placed: PlacedTurn, text: str) -> None:
    """Goes on from a turn with another message; the former one and all behind it stay as another branch."""
    document.branch(message_start(placed), f" {text}")


def message_start(placed: PlacedTurn) -> int:
    """Where versions of a message part, in characters: behind its marker."""
    return placed.start + 1 if placed.begin > placed.start else placed.start


def set_marker(document: Document, placed: PlacedTurn, turn: ChatTurn) -> None:
    """Changes role, name or pin of a turn in all branches that share it."""
    if placed.begin > placed.start:
        document.amend(placed.start, placed.start + 1, PLACEHOLDER, special=(marker_of(turn),))


def remove(document: Document, placed: Sequence[PlacedTurn], index: int) -> None:
    """Takes a turn out; what follows stays."""
    start = _with_separator(placed, index)
    if index + 1 < len(placed):
        start, end = placed[index].start, placed[index + 1].start
    else:
        end = len(document.text)
    document.replace(start, end, "")


def set_system(document: Document, placed: Sequence[PlacedTurn], text: str, *, typing: bool) -> None:
    """Sets the system text, the first turn, in all branches; an empty one removes that turn."""
    first = placed[0] if placed and placed[0].turn.role == "system" else None
    if first is not None and text:
        document.amend(first.begin, first.end, text, typing=typing)
    elif first is not None:
        end = placed[1].start if len(placed) > 1 else len(document.text)
        document.amend(0, end, "", typing=typing)
    elif text:
        written = written_turn(ChatTurn("system", text), first=True)
        document.amend(0, 0, written.text + ("\n" if placed else ""), special=written.names, typing=typing)


def rename(document: Document, role: Role, name: str) -> None:
    """Gives all speakers of a role a name; an empty one is the title of the role."""

    def renamed(marker: str) -> str:
        turn = read_marker(marker)
        return marker_of(replace(turn, name=to_name(name))) if turn is not None and turn.role == role else marker

    document.rename_special(renamed)


def fork_of(forks: Sequence[Fork], placed: PlacedTurn) -> Fork | None:
    """The place where versions of a turn part; ``None`` where there is one version."""
    inside = [fork for fork in forks if placed.start <= fork.start < placed.end or fork.start == message_start(placed)]
    return next((fork for fork in inside if fork.start == message_start(placed)), inside[0] if inside else None)


def _with_separator(placed: Sequence[PlacedTurn], index: int) -> int:
    """Where a turn begins with the line end before it."""
    return placed[index - 1].end if index else placed[index].start
