"""The tree of a document's runs: each version of the text is a path from the root; versions share their beginning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gptdesk.store.runs import Run, join

ROOT: Final = 0
"""Parent of the first runs; it has no run itself."""


@dataclass(frozen=True)
class Node:
    """A run with its place in the tree: ``parent`` is the node before it in the text, or ``ROOT``."""

    id: int
    parent: int
    run: Run


class Tree:
    """Nodes by their number, and the path that is the text now.

    Attributes:
        path: ids of the nodes whose runs are the text, first to last.
    """

    def __init__(self, nodes: Iterable[Node] = (), leaf: int = ROOT) -> None:
        self._nodes = {node.id: node for node in nodes}
        self._children: dict[int, list[int]] = {ROOT: []}
        for node in self._nodes.values():
            self._children.setdefault(node.id, [])
            self._children.setdefault(node.parent, []).append(node.id)
        self._next = max(self._nodes, default=ROOT) + 1
        self.path: list[int] = []
        self.go_to(leaf)

    @property
    def nodes(self) -> Mapping[int, Node]:
        return self._nodes

    @property
    def leaf(self) -> int:
        return self.path[-1] if self.path else ROOT

    @property
    def runs(self) -> list[Run]:
        """The runs of the path, one a node."""
        return [self._nodes[id].run for id in self.path]

    def children(self, id: int) -> Sequence[int]:
        return tuple(self._children[id])

    def go_to(self, leaf: int) -> None:
        """Makes the path end at ``leaf``."""
        path = []
        while leaf != ROOT:
            path.append(leaf)
            leaf = self._nodes[leaf].parent
        self.path = path[::-1]

    def set_run(self, id: int, run: Run) -> None:
        self._nodes[id] = replace(self._nodes[id], run=run)

    def append(self, run: Run) -> int:
        """Adds a node for ``run`` behind the path's end and returns its id."""
        id = self._add(self.leaf, run)
        self.path.append(id)
        return id

    def drop_leaf(self) -> None:
        """Removes the path's last node, which must have no children."""
        self._remove(self.path.pop())

    def replace(self, start: int, end: int, runs: Sequence[Run]) -> None:
        """Replaces the characters from ``start`` to ``end`` of the path; forks where other paths share the nodes.

        Args:
            start, end: no token may lie across either.
            runs: the new text.
        """
        first, offset = self._locate(start)
        if self._is_alone(first):
            self._replace(first, offset, end - start, runs)
        else:
            self._fork(first, offset, end - start, runs)

    def fork(self, start: int, end: int, runs: Sequence[Run]) -> None:
        """As `replace`, on a path of its own, so that the former text stays in the tree."""
        first, offset = self._locate(start)
        self._fork(first, offset, end - start, runs)

    def compact(self) -> None:
        """Merges nodes with their only child, as many small edits before a fork leave them."""
        for id in list(self._nodes):
            while id in self._nodes and id != self.leaf and len(self._children[id]) == 1:
                child = self._children[id][0]
                if not self._nodes[child].run.continues(self._nodes[id].run):
                    break
                self._merge(id, child)

    def _merge(self, id: int, child: int) -> None:
        """Takes an only child's run and children over."""
        joined = join([self._nodes[id].run, self._nodes[child].run])
        self.set_run(id, joined[0] if joined else self._nodes[child].run)  # both may be empty
        self._children[id] = self._children.pop(child)
        for grandchild in self._children[id]:
            self._nodes[grandchild] = replace(self._nodes[grandchild], parent=id)
        del self._nodes[child]
        if child in self.path:
            self.path.remove(child)

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
        if tail:
            self._children[self._nodes[tail[0]].parent].remove(tail[0])
        ids = []
        for index, run in enumerate(runs):
            if index < len(old):
                id = old[index]
                if self._nodes[id].run is not run:
                    self.set_run(id, run)
            else:
                id = self._child(parent, run)
            ids.append(id)
            parent = id
        for id in reversed(old[len(runs) :]):
            self._remove(id)
        if tail:
            self._nodes[tail[0]] = replace(self._nodes[tail[0]], parent=parent)
            self._children[parent].append(tail[0])
        self.path = self.path[:first] + ids + tail

    def _fork(self, first: int, offset: int, removed: int, runs: Sequence[Run]) -> None:
        """Replaces characters on a path of its own."""
        behind = self._behind(first, offset + removed)
        if offset:
            self._split(first, offset)
            first += 1
        self.path = self.path[:first]
        for run in join([*runs, *behind]):
            self.path.append(self._child(self.leaf, run))

    def _behind(self, index: int, skip: int) -> list[Run]:
        """The path's runs from node ``index`` on, without their first ``skip`` characters."""
        behind = []
        for id in self.path[index:]:
            run = self._nodes[id].run
            if skip < len(run.text):
                behind.append(run.cut(skip, len(run.text)))
            skip = max(0, skip - len(run.text))
        return behind

    def _split(self, index: int, offset: int) -> None:
        """Makes two nodes of one; the second keeps the id and the children."""
        node = self._nodes[self.path[index]]
        parent = node.parent
        self._children[parent].remove(node.id)
        left = self._add(parent, node.run.cut(0, offset))
        self._nodes[node.id] = Node(node.id, left, node.run.cut(offset, len(node.run.text)))
        self._children[left].append(node.id)
        self.path.insert(index, left)

    def _child(self, parent: int, run: Run) -> int:
        """The child of ``parent`` that holds ``run``, made if there is none."""
        for id in self._children[parent]:
            if self._nodes[id].run == run:
                return id
        return self._add(parent, run)

    def _add(self, parent: int, run: Run) -> int:
        id = self._next
        self._next += 1
        self._nodes[id] = Node(id, parent, run)
        self._children[id] = []
        self._children[parent].append(id)
        return id

    def _remove(self, id: int) -> None:
        assert not self._children[id], "only leaves can be removed"
        self._children[self._nodes[id].parent].remove(id)
        del self._nodes[id], self._children[id]
