"""The tree of a document's runs: each version of the text is a path from the root; versions share their beginning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from gptdesk.store.branches.matching import Place, find
from gptdesk.store.branches.nodes import ROOT, Node, Nodes, to_bookmark
from gptdesk.store.runs import Run, join, length_of, same_generation


class Tree(Nodes):
    """Nodes by their number, and the path that is the text now.

    Attributes:
        path: ids of the nodes whose runs are the text, first to last.
    """

    def __init__(self, nodes: Iterable[Node] = (), leaf: int = ROOT) -> None:
        super().__init__(nodes)
        self._left: dict[int, int] = {}  # when the path last ended at a node, by a count
        self.path = self.path_to(leaf)

    @property
    def leaf(self) -> int:
        return self.path[-1] if self.path else ROOT

    @property
    def runs(self) -> list[Run]:
        """The runs of the path, one a node."""
        return [self._nodes[id].run for id in self.path]

    def go_to(self, leaf: int) -> None:
        """Makes the path end at ``leaf``; every node stays."""
        self._leave()
        self.path = self.path_to(leaf)

    def _leave(self) -> None:
        self._left[self.leaf] = max(self._left.values(), default=0) + 1

    def end_below(self, id: int) -> int:
        """The leaf at or below a node at which the path ended last, else the newest."""
        leaves = [each for each in self.below(id) if not self._children[each]]
        return max(leaves, key=lambda leaf: (leaf == self.leaf, self._left.get(leaf, 0), leaf))

    def append(self, run: Run) -> int:
        """Adds a node for ``run`` behind the path's end and returns its id."""
        id = self._add(self.leaf, run)
        self.path.append(id)
        return id

    def drop_leaf(self) -> None:
        """Removes the path's last node, which must have no children."""
        self._remove(self.path.pop())

    def drop_duplicate(self) -> None:
        """Removes the path's last node where siblings hold the same generation; the path ends with those then.

        A node with a bookmark stays.
        """
        leaf = self._nodes[self.leaf]

        def siblings(id: int) -> list[int]:
            return [child for child in self._children[id] if child != leaf.id]

        place = find([leaf.run], leaf.parent, lambda id: self._nodes[id].run, siblings, same_generation)
        if leaf.bookmark is None and place is not None and self._is_end(place):
            self.drop_leaf()
            self.path = self.path_to(place.id)

    # Changes of the path's text

    def replace(self, start: int, end: int, runs: Sequence[Run]) -> bool:
        """Replaces the characters from ``start`` to ``end`` of the path; forks where other paths share the nodes.

        Args:
            start, end: no token may lie across either.
            runs: the new text.

        Returns:
            Whether it forked: the former text is still in the tree.
        """
        first, offset = self._locate(start)
        is_alone = self._is_alone(first)
        if is_alone:
            self._replace(first, offset, end - start, runs)
        else:
            self._leave()
            for run in self._cut_path(first, offset, end - start, runs):
                self.path.append(self._child(self.leaf, run))
        return not is_alone

    def fork(self, start: int, end: int, runs: Sequence[Run], passes: Callable[[int], bool] | None = None) -> None:
        """As `replace`, on a path of its own, so that the former text stays in the tree.

        Where the tree holds the new text already, the path goes there; with ``passes`` only through nodes of which that
        is true.
        """
        first, offset = self._locate(start)
        self._leave()
        rest = self._cut_path(first, offset, end - start, runs)
        place = self._holding(rest, self.leaf, passes)
        if place is not None:
            self.path = self.path_to(self._node_at(place))
        else:
            for run in rest:
                self.path.append(self._add(self.leaf, run))

    def amend(self, start: int, end: int, run: Run) -> bool:
        """Replaces typed characters in all paths that share them, within one node; returns whether that was possible.

        Args:
            start, end: of the characters in the path.
            run: the typed text in their place.
        """
        index, offset = self._locate(start)
        if index == len(self.path):
            return False
        node = self._nodes[self.path[index]]
        behind = offset + end - start
        if node.run.generated or behind > len(node.run.text):
            return False
        parts = join([node.run.cut(0, offset), run, node.run.cut(behind, len(node.run.text))])
        if len(parts) != 1:
            return False
        self.set_run(node.id, parts[0])
        return True

    def add_branch(self, start: int, runs: Sequence[Run]) -> None:
        """Adds a path that leaves the present one at ``start``, unless the tree holds it; the present one stays."""
        index, offset = self._locate(start)
        if offset:
            self._split(self.path[index], offset)
            index += 1
        parent = self.path[index - 1] if index else ROOT
        if self._holding(runs, parent) is None:
            for run in join(runs):
                parent = self._add(parent, run)

    def _holding(self, runs: Iterable[Run], start: int, passes: Callable[[int], bool] | None = None) -> Place | None:
        """Where the tree holds these runs behind a node, or else the same ones generated at another time."""

        def children(id: int) -> Sequence[int]:
            return [child for child in self._children[id] if passes is None or passes(child)]

        wanted = join(runs)
        place = find(wanted, start, lambda id: self._nodes[id].run, children)
        if place is not None:
            return place
        place = find(wanted, start, lambda id: self._nodes[id].run, children, _alike)
        return place if place is not None and self._is_end(place) else None

    def go_back(self, start: int, end: int, runs: Sequence[Run], *, keep: bool = False) -> bool | None:
        """As `replace`, to nodes that hold that text already.

        Nodes that only the former text needed are removed, unless ``keep`` is set.

        Returns:
            Whether the former text is still in the tree; ``None`` if nothing was done, for lack of such nodes.
        """
        first, offset = self._locate(start)
        before = [self._nodes[id].run for id in self.path[:first]]
        if offset:
            before.append(self._nodes[self.path[first]].run.cut(0, offset))
        place = self._find([*before, *runs, *self._behind(first, offset + end - start)], ROOT)
        if place is None:
            return None
        last = self._node_at(place)
        former, self.path = self.leaf, self.path_to(last)
        if keep:
            return True
        kept = self._is_needed(former)
        while not self._is_needed(former):
            parent = self._nodes[former].parent
            self._remove(former)
            former = parent
        return kept

    def branch_at(self, before: Sequence[Run], nodes: Sequence[Node], *, but_shown: bool) -> int | None:
        """The node with which a branch of ``nodes``, parents first, begins behind the text ``before``.

        The branch may be divided differently by now; one that holds more text than it did is another. Of several it is
        that of the same id, else the path's if it is among them. ``None`` where there is none.

        Args:
            before, nodes: as in `put_back`.
            but_shown: whether the path does not go through it.
        """
        first, length = nodes[0], length_of([node.run for node in nodes])

        def members(id: int) -> Sequence[int]:
            return [child for child in self._children[id] if not (but_shown and child in self.path)]

        found = list(self._places(before))
        ends = [place.id for place in found if self._is_end(place)]
        same = [id for end in ends for id in members(end) if self._nodes[id].run == first.run]
        same = [id for id in same if self._length_below(id) == length]
        if same:
            return max(same, key=lambda id: (id == first.id, id in self.path, len(self.below(id)) == len(nodes)))
        for place in found:
            start = self._node_at(place)
            end = find([first.run], start, lambda id: self._nodes[id].run, members)
            if end is None or not end.length or (not self._is_end(end) and end.id != first.id):
                continue  # where it ends within another node, that may be a branch that begins alike
            id = end.id
            while id not in members(start) and len(self._children[self._nodes[id].parent]) == 1:
                id = self._nodes[id].parent
            if self._length_below(id) == length:
                return id
        return None

    def _length_below(self, id: int) -> int:
        """Characters of a node and of all behind it."""
        return length_of([self._nodes[each].run for each in self.below(id)])

    def _is_end(self, place: Place) -> bool:
        """Whether a place is the end of its node."""
        return place.id == ROOT or place.length == len(self._nodes[place.id].run.text)

    def _is_needed(self, id: int) -> bool:
        """Whether the path or another one goes through a node, or a bookmark is there."""
        return id == ROOT or id == self.leaf or bool(self._children[id]) or self._nodes[id].bookmark is not None

    def compact(self) -> None:
        """Merges nodes with their only child, as many small edits before a fork leave them."""
        for id in list(self._nodes):
            while id in self._nodes and id != self.leaf and len(self._children[id]) == 1:
                child = self._children[id][0]
                is_marked = self._nodes[id].bookmark is not None
                if is_marked or not self._nodes[child].run.continues(self._nodes[id].run):
                    break
                self._merge(id, child)

    def _locate(self, position: int) -> tuple[int, int]:
        """Index in the path of the node that the character at ``position`` is in, and its place there."""
        for index, id in enumerate(self.path):
            length = len(self._nodes[id].run.text)
            if position < length:
                return index, position
            position -= length
        assert position == 0, "position lies behind the text"
        return len(self.path), 0

    def _is_alone(self, index: int) -> bool:
        """Whether no other path goes through the path's nodes from ``index`` on."""
        tail = self.path[index:]
        return all(len(self._children[id]) == (id != tail[-1]) for id in tail)

    def _replace(self, first: int, offset: int, removed: int, runs: Sequence[Run]) -> None:
        """Replaces characters of nodes that no other path shares."""
        last, rest = first, offset + removed
        while last < len(self.path) and rest >= len(self._nodes[self.path[last]].run.text):
            rest -= len(self._nodes[self.path[last]].run.text)
            last += 1
        pieces = list(runs)
        if last < len(self.path):  # node `last` keeps what lies behind its first `rest` characters
            run = self._nodes[self.path[last]].run
            pieces.append(run.cut(rest, len(run.text)))
            last += 1
        if offset:
            pieces.insert(0, self._nodes[self.path[first]].run.cut(0, offset))
        # Neighbours may be one run with what comes between them now.
        if first and self._is_alone(first - 1):
            first -= 1
            pieces.insert(0, self._nodes[self.path[first]].run)
        if last < len(self.path):
            pieces.append(self._nodes[self.path[last]].run)
            last += 1
        self._put(first, last, join(pieces))

    def _put(self, first: int, last: int, runs: Sequence[Run]) -> None:
        """Replaces the path's nodes from ``first`` up to ``last`` by new runs, keeping ids where there are enough."""
        old, tail = self.path[first:last], self.path[last:]
        parent = self.path[first - 1] if first else ROOT
        names = [name for id in old if (name := self._nodes[id].bookmark) is not None]
        if tail:
            self._children[self._nodes[tail[0]].parent].remove(tail[0])
        ids = []
        for index, run in enumerate(runs):
            if index < len(old):
                id = old[index]
                if self._nodes[id].run is not run or names:
                    self._nodes[id] = replace(self._nodes[id], run=run, bookmark=None)
            else:
                id = self._child(parent, run)
            ids.append(id)
            parent = id
        for id in reversed(old[len(runs) :]):
            self._remove(id)
        if tail:
            self._nodes[tail[0]] = replace(self._nodes[tail[0]], parent=parent)
            self._children[parent].append(tail[0])
            self._children[parent].sort()
        self.path = self.path[:first] + ids + tail
        self._add_bookmarks(parent, names)

    def _add_bookmarks(self, id: int, names: Sequence[str]) -> None:
        """Moves bookmarks of nodes that changed to the last of them, or to the node before them."""
        if names and id != ROOT:
            kept = self._nodes[id].bookmark
            self.set_bookmark(id, to_bookmark(", ".join(names if kept is None else [kept, *names])))

    def _split(self, id: int, offset: int) -> int:
        second = super()._split(id, offset)
        if id in self._left:
            self._left[second] = self._left.pop(id)
        if id in self.path:
            self.path.insert(self.path.index(id) + 1, second)
        return second

    def _merge(self, id: int, child: int) -> None:
        super()._merge(id, child)
        self._left[id] = self._left.pop(child, 0)
        if child in self.path:
            self.path.remove(child)

    def _remove(self, id: int) -> None:
        super()._remove(id)
        self._left.pop(id, None)

    def _cut_path(self, first: int, offset: int, removed: int, runs: Sequence[Run]) -> list[Run]:
        """Ends the path at a place, and returns what it goes on with: ``runs``, and what is behind the removed text."""
        behind = self._behind(first, offset + removed)
        if offset:
            self._split(self.path[first], offset)
            first += 1
        self.path = self.path[:first]
        return join([*runs, *behind])

    def _behind(self, index: int, skip: int) -> list[Run]:
        """The path's runs from node ``index`` on, without their first ``skip`` characters."""
        behind = []
        for id in self.path[index:]:
            run = self._nodes[id].run
            if skip < len(run.text):
                behind.append(run.cut(skip, len(run.text)))
            skip = max(0, skip - len(run.text))
        return behind


def _alike(one: Run, other: Run) -> bool:
    """Whether two runs are the same, or the same generation at two times."""
    return one == other or same_generation(one, other)
