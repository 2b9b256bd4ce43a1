"""Undo and redo of a document, as a list of steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from msgspec.structs import replace

from gptdesk.store.branches.nodes import Node
from gptdesk.store.runs import Run, join, length_of

LONGEST: Final = 1000
"""Maximum number of steps; each holds the removed and the inserted text."""


class Step(msgspec.Struct, frozen=True):
    """At ``start`` characters, ``old`` runs gave way to ``new`` ones.

    Attributes:
        branches: whether both texts are branches of the tree: the step is a whole generation, or went from one branch
            to another. Both stay when it is undone and redone.
        forked: whether the text before the step is still in the tree, because other branches share it.
        leaves_branch: of a step that was undone: whether the text before it was another branch, so that redoing the
            step leaves it in the tree.
        open: whether more typing may be merged into this step.
    """

    start: int
    old: tuple[Run, ...]
    new: tuple[Run, ...]
    branches: bool = False
    forked: bool = False
    leaves_branch: bool = False
    open: bool = False

    @property
    def end(self) -> int:
        """Where the new text ends."""
        return self.start + length_of(self.new)


class Removal(msgspec.Struct, frozen=True):
    """A branch was removed.

    Attributes:
        before: the text from which it went on.
        nodes: of the branch, parents first; none where redoing did not find it again, and it stayed.
        walk: the step to another branch before that; ``None`` where the branch was not shown.
    """

    before: tuple[Run, ...]
    nodes: tuple[Node, ...]
    walk: Step | None = None


Entry = Step | Removal


class History:
    """Steps that can be undone, and steps that can be redone."""

    def __init__(self) -> None:
        self._done: list[Entry] = []
        self._undone: list[Entry] = []

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

    def record(self, step: Entry) -> None:
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
        last = self._done[-1] if self._done else None
        if isinstance(last, Step) and last.open:
            self._done[-1] = replace(last, open=False)

    def undo(self, take_back: Callable[[Entry], Entry]) -> None:
        """Has the last step taken back; what that returns can be redone."""
        self.close()
        self._undone.append(take_back(self._done.pop()))

    def redo(self, do_again: Callable[[Entry], Entry]) -> None:
        """Has the last undone step done again; what that returns can be undone."""
        self._done.append(do_again(self._undone.pop()))


def _joined(last: Entry, step: Entry) -> Step | None:
    """Merges two steps when the second continues the word of the first, or deletes in the same direction; else None."""
    if not (isinstance(last, Step) and isinstance(step, Step) and last.open and step.open):
        return None
    if not last.old and not step.old and step.start == last.end and not _begins_word(last, step):
        return replace(last, new=tuple(join([*last.new, *step.new])))
    if not last.new and not step.new:
        if step.start + length_of(step.old) == last.start:  # backspace
            return replace(step, old=tuple(join([*step.old, *last.old])), forked=last.forked)
        if step.start == last.start:  # delete
            return replace(last, old=tuple(join([*last.old, *step.old])))
    return None


def _begins_word(last: Step, step: Step) -> bool:
    before, after = last.new[-1].text[-1], step.new[0].text[0]
    return after == "\n" or (before.isspace() and not after.isspace())
