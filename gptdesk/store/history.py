"""Undo and redo of a document, as a list of steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from gptdesk.store.runs import Run, join, length_of

LONGEST: Final = 1000
"""Maximum number of steps; each holds the removed and the inserted text."""


@dataclass(frozen=True)
class Step:
    """At ``start`` characters, ``old`` runs gave way to ``new`` ones.

    Attributes:
        generation: whether the step is a whole generation, whose text stays in the tree when it is undone.
        open: whether more typing may be merged into this step.
    """

    start: int
    old: tuple[Run, ...]
    new: tuple[Run, ...]
    generation: bool = False
    open: bool = False

    @property
    def end(self) -> int:
        """Where the new text ends."""
        return self.start + length_of(self.new)


class History:
    """Steps that can be undone, and steps that can be redone."""

    def __init__(self) -> None:
        self._done: list[Step] = []
        self._undone: list[Step] = []

    @property
    def can_undo(self) -> bool:
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        return bool(self._undone)

    @property
    def depth(self) -> int:
        """Steps that can be undone."""
        return len(self._done)

    def record(self, step: Step) -> None:
        """Adds a step, or adds to the last one while a word is being typed or deleted."""
        self._undone.clear()
        joined = _joined(self._done[-1], step) if self._done else None
        if joined:
            self._done[-1] = joined
        else:
            self._done.append(step)
        del self._done[:-LONGEST]

    def close(self) -> None:
        """Closes the last step, so that further typing begins a new one."""
        if self._done and self._done[-1].open:
            self._done[-1] = replace(self._done[-1], open=False)

    def undo(self) -> Step:
        """Moves the last step to those that can be redone, and returns it."""
        self.close()
        self._undone.append(self._done.pop())
        return self._undone[-1]

    def redo(self) -> Step:
        """Moves the last undone step back, and returns it."""
        self._done.append(self._undone.pop())
        return self._done[-1]


def _joined(last: Step, step: Step) -> Step | None:
    """Merges two steps when the second continues the word of the first, or deletes in the same direction; else None."""
    if not (last.open and step.open):
        return None
    if not last.old and not step.old and step.start == last.end and not _begins_word(last, step):
        return replace(last, new=tuple(join([*last.new, *step.new])))
    if not last.new and not step.new:
        if step.start + length_of(step.old) == last.start:  # backspace
            return replace(step, old=tuple(join([*step.old, *last.old])))
        if step.start == last.start:  # delete
            return replace(last, old=tuple(join([*last.old, *step.old])))
    return None


def _begins_word(last: Step, step: Step) -> bool:
    before, after = last.new[-1].text[-1], step.new[0].text[0]
    return after == "\n" or (before.isspace() and not after.isspace())
