"""State of find and replace: the matches in the text, and which of them is the current one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Final

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.errors import UserError
from gptdesk.ui.playground.find.matching import Match, Sought, find_matches, replacement
from gptdesk.ui.playground.session import Session
from gptdesk.ui.throttle import Throttle

_UPDATE_MS: Final = 200
"""Longest delay until the matches are those of a text that changes."""


class Finder(QObject):
    """Finds in the text of the open document, and replaces in it.

    Attributes:
        sought: what is searched for.
        matches: in the order of the text.
        current: index of the current match in ``matches``; -1 for none.
        problem: a sentence about a regular expression that cannot be used; "" for none.

    Signals:
        changed(): emitted when any of these is another one.
        went(): emitted when another match became the current one and should be shown.
    """

    changed = Signal()
    went = Signal()

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self.sought = Sought("")
        self.matches: list[Match] = []
        self.current = -1
        self.problem = ""
        self._active = False
        self._updating = Throttle(self._update, _UPDATE_MS, self)
        session.changed.connect(self._on_text_changed)
        session.opened.connect(self._on_text_changed)

    def start(self, sought: Sought, near: int) -> None:
        """Searches, and goes to the first match at or behind the character ``near``."""
        self._active = True
        self.sought = sought
        self._update()
        self._go_to(bisect_left([match.start for match in self.matches], near))

    def stop(self) -> None:
        """Forgets the matches."""
        self._active = False
        self._updating.cancel()
        self.matches, self.current, self.problem = [], -1, ""
        self.changed.emit()

    def go(self, step: int, near: int) -> None:
        """Goes to the next match behind (1) or before (-1) the character ``near``; after the last comes the first."""
        self._updating.flush()
        starts = [match.start for match in self.matches]
        self._go_to(bisect_right(starts, near) if step > 0 else bisect_left(starts, near) - 1)

    def replace(self, template: str) -> None:
        """Replaces the current match and goes to the next one."""
        self._updating.flush()
        if self.current < 0:
            return
        match = self.matches[self.current]
        text = replacement(self.sought, match, template)
        self._session.edit(match.start, match.end, text)
        self._update()
        self._go_to(bisect_left([each.start for each in self.matches], match.start + len(text)))

    def replace_all(self, template: str) -> int:
        """Replaces all matches in one step that can be undone, and returns their number."""
        self._updating.flush()
        matches = self.matches
        if matches:
            edits = [(match.start, match.end, replacement(self.sought, match, template)) for match in matches]
            self._session.edit_all(edits)
            self._update()
        return len(matches)

    @Slot()
    def _on_text_changed(self) -> None:
        if self._active:
            self._updating.request()

    def _update(self) -> None:
        self._updating.cancel()
        place = self.matches[self.current].start if 0 <= self.current < len(self.matches) else -1
        try:
            self.matches, self.problem = find_matches(self.sought, self._session.document.text), ""
        except UserError as error:
            self.matches, self.problem = [], str(error)
        nearest = bisect_left([match.start for match in self.matches], place)
        self.current = min(nearest, len(self.matches) - 1) if place >= 0 else -1
        self.changed.emit()

    def _go_to(self, number: int) -> None:
        if self.matches:
            self.current = number % len(self.matches)
            self.changed.emit()
            self.went.emit()
