"""A text with branches: goes from one to another, removes and names them, undoes and redoes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.store.branches.history import Entry, History, Removal, Step
from gptdesk.store.branches.nodes import ROOT, Node, to_bookmark
from gptdesk.store.branches.outline import Fork, Outline, forks_of, outline_of
from gptdesk.store.branches.tree import Tree
from gptdesk.store.runs import Run, join, length_of


class BranchedText:
    """The tree of a text, of which one branch is shown, and its history.

    Args:
        nodes: of the tree.
        leaf: with which the shown text ends.

    Attributes:
        revision: grows with every change.
        changed_at: characters before the end of what the last edit, undo, redo or walk put into the text.
    """

    def __init__(self, nodes: Iterable[Node] = (), leaf: int = ROOT) -> None:
        self.revision = 0
        self.changed_at = 0
        self._tree = Tree(nodes, leaf)
        self._history = History()
        self._mixed: MixedText | None = None
        self._outline: tuple[int, Outline] | None = None  # of a revision
        self._forks: tuple[int, list[Fork]] | None = None

    @property
    def text(self) -> str:
        return self.mixed.text

    @property
    def mixed(self) -> MixedText:
        """The text with the names of its special tokens."""
        if self._mixed is None:
            runs = self._tree.runs
            names = tuple(name for run in runs for name in run.special)
            self._mixed = MixedText("".join(run.text for run in runs), names)
        return self._mixed

    @property
    def runs(self) -> list[Run]:
        """The text as runs, in as few as possible."""
        return join(self._tree.runs)

    @property
    def history(self) -> History:
        """For asking what can be undone; changes go through the document."""
        return self._history

    def stop_writing(self) -> None:
        """Ends what is being written to the text, with what there is so far."""

    # Undo and redo

    def undo(self) -> bool:
        """Takes the last step back; returns whether there was one."""
        self.stop_writing()
        if not self._history.can_undo:
            return False
        self._history.undo(self._take_back)
        return True

    def redo(self) -> bool:
        """Does the last step that was undone again; returns whether there was one."""
        if not self._history.can_redo:
            return False
        self._history.redo(self._do_again)
        return True

    # Branches

    @property
    def outline(self) -> Outline:
        """All branches as they are now."""
        if self._outline is None or self._outline[0] != self.revision:
            self._outline = self.revision, outline_of(self._tree)
        return self._outline[1]

    @property
    def forks(self) -> Sequence[Fork]:
        """Where branches part in the text that is shown, first to last."""
        if self._forks is None or self._forks[0] != self.revision:
            self._forks = self.revision, forks_of(self._tree)
        return self._forks[1]

    def go_to(self, id: int) -> bool:
        """Shows the branch that begins with a node, to the end at which it was left, else the newest; one undo step.

        Nothing is changed by it but which text is shown.

        Args:
            id: of a node, such as that of a `Segment`.

        Returns:
            Whether another text is shown: not where the node is part of the one that was.
        """
        self.stop_writing()
        if id not in self._tree.nodes or id in self._tree.path:
            return False
        self._history.record(self._walk(id))
        return True

    def prune(self, id: int) -> bool:
        """Removes a branch, a node and all text behind it; one undo step.

        If it was part of the text that is shown, its next sibling is shown, else the one before it.

        Args:
            id: of a node, such as that of a `Segment`.

        Returns:
            Whether it was removed: not where it is shown and has no sibling.
        """
        self.stop_writing()
        if (node := self._tree.nodes.get(id)) is None:
            return False
        walk = None
        if id in self._tree.path:
            siblings = self._tree.children(node.parent)
            place = siblings.index(id)
            others = *siblings[place + 1 :], *reversed(siblings[:place])
            if not others:
                return False
            walk = self._walk(others[0])
        self._history.record(self._take_out(id, walk))
        return True

    def set_bookmark(self, id: int, name: str | None) -> None:
        """Gives the text that ends with a segment a name, which stays until it is removed; ``None`` removes it.

        Args:
            id: of a node of the segment; nothing is done where there is none.
            name: of which line ends and other unusable characters become spaces.
        """
        outline = self.outline
        holder = outline.holding(id)
        if holder is not None:
            segment = outline.segments[holder]
            for each in segment.nodes:
                self._tree.set_bookmark(each, None)
            self._tree.set_bookmark(segment.end, to_bookmark(name or ""))
            self._changed()

    def _walk(self, id: int) -> Step:
        """Goes to a branch that is not shown."""
        before, former = self._tree.path, self._tree.runs
        self._tree.go_to(self._tree.end_below(id))
        shared = sum(one == other for one, other in zip(before, self._tree.path, strict=False))
        start = length_of(former[:shared])
        step = Step(start, tuple(join(former[shared:])), tuple(join(self._tree.runs[shared:])), branches=True)
        self.changed_at = step.end
        self._changed()
        return step

    def _fork(self, start: int, end: int, runs: tuple[Run, ...], passes: Callable[[int], bool] | None = None) -> None:
        self._tree.fork(start, end, runs, passes)
        self._changed()

    def _take_back(self, entry: Entry) -> Entry:
        """Undoes a step, and returns it as it can be redone."""
        if isinstance(entry, Step):
            return self._exchange(replace(entry, leaves_branch=entry.forked), entry.end, entry.old)
        walk = entry.walk
        siblings: Sequence[int] = ()
        if entry.nodes:
            preferred = [entry.nodes[0].parent] if walk is None else self._tree.path
            self._tree.put_back(entry.before, entry.nodes, preferred)
            siblings = self._tree.siblings(entry.nodes[0].id)
        self._changed()
        if walk is not None:  # to the branch that is back, not to one beside it that reads the same
            walk = self._exchange(walk, walk.end, walk.old, passes=lambda id: id not in siblings)
        return replace(entry, walk=walk)

    def _do_again(self, entry: Entry) -> Entry:
        """Redoes a step, and returns it as it can be undone."""
        if isinstance(entry, Step):
            return self._exchange(entry, entry.start + length_of(entry.old), entry.new, keep=entry.leaves_branch)
        walk, id = entry.walk, None
        if entry.nodes:
            id = self._tree.branch_at(entry.before, entry.nodes, but_shown=walk is None)
        if walk is not None:
            walk = self._exchange(walk, walk.start + length_of(walk.old), walk.new, passes=lambda each: each != id)
        if id is None:  # earlier steps, undone and redone, have changed what it stood behind: it stays
            return Removal(entry.before, (), walk)
        return self._take_out(id, walk)

    def _take_out(self, id: int, walk: Step | None) -> Removal:
        """Removes a branch that is not shown, after a walk to another one if it was."""
        before = join(self._tree.nodes[each].run for each in self._tree.path_to(self._tree.nodes[id].parent))
        removed = self._tree.take_out(id)
        self._changed()
        return Removal(tuple(before), tuple(removed), walk)

    def _exchange(
        self,
        step: Step,
        end: int,
        runs: tuple[Run, ...],
        *,
        keep: bool = False,
        passes: Callable[[int], bool] | None = None,
    ) -> Step:
        """Puts ``runs`` in the place of the other text of a step, up to ``end``; returns the step for the way back.

        The text of before stays in the tree if ``keep`` is set. A walk goes through nodes alone for which ``passes``
        is true.
        """
        self.changed_at = step.start + length_of(runs)
        if step.branches:
            self._fork(step.start, end, runs, passes)
            return step
        kept = self._tree.go_back(step.start, end, runs, keep=keep) if step.forked else None
        forked = self._tree.replace(step.start, end, runs) if kept is None else kept
        self._changed()
        return replace(step, forked=forked)

    def _changed(self) -> None:
        self._mixed = None
        self.revision += 1
