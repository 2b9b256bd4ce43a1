"""What a card shows of a turn."""

from __future__ import annotations

import msgspec

from gptdesk.chat.turns import ROLE_TITLES, ChatTurn
from gptdesk.ui import number_format


class TurnState(msgspec.Struct, frozen=True):
    """A turn as it is shown.

    Attributes:
        index: its place, counted from 0.
        turn: role, name and text.
        version, versions: which of several versions it is, counted from 1; 0 and 0 where there is one.
        left_out: whether the model does not read it, because the context is full.
        writing: whether the model writes it.
        last: whether it is the last one.
    """

    index: int
    turn: ChatTurn
    version: int = 0
    versions: int = 0
    left_out: bool = False
    writing: bool = False
    last: bool = False

    @property
    def title(self) -> str:
        """For screen readers: place and speaker."""
        return f"Turn {number_format.count(self.index + 1)}, {self.turn.title}"

    @property
    def remarks(self) -> str:
        """What else is to be said of it, shown beside the speaker."""
        parts = [ROLE_TITLES[self.turn.role]] if self.turn.name else []
        parts += ["pinned"] if self.turn.pinned else []
        parts += ["left out: the context is full"] if self.left_out else []
        parts += ["writing…"] if self.writing else []
        return "  ·  ".join(parts)

    @property
    def walker(self) -> str:
        return f"{self.version} / {self.versions}" if self.versions else ""

    @property
    def description(self) -> str:
        """For screen readers: remarks and version."""
        return ". ".join(filter(None, (self.remarks, self.walker and f"version {self.walker}")))
