"""Nodes of a document's tree: runs of text with their place; they are added, split, merged and found again."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from gptdesk.store.branches.matching import Place, find, places
from gptdesk.store.runs import Run, clean_piece, join

ROOT: Final = 0
"""Parent of the first runs; it has no run itself."""


LONGEST_BOOKMARK: Final = 500
"""Characters of the name of a bookmark."""


class Node(msgspec.Struct, frozen=True):
    """A run with its place in the tree: ``parent`` is the node before it in the text, or ``ROOT``.

    A ``bookmark`` is a name for the text that ends with the node.
    """

    id: int
    parent: int
    run: Run
    bookmark: str | None = None


class Nodes:
    """The nodes by their number, and what is behind each."""

    def __init__(self, nodes: Iterable[Node] = ()) -> None:
        self._nodes = {node.id: node for node in nodes}
        self._children = _children_of(self._nodes)
        self._next = max(self._nodes, default=ROOT) + 1

    @property
    def nodes(self) -> Mapping[int, Node]:
        return self._nodes

    def children(self, id: int) -> Sequence[int]:
        """The nodes behind a node, oldest first: in the order of their ids."""
        return tuple(self._children[id])

    def siblings(self, id: int) -> Sequence[int]:
        """The other nodes behind the node before this one, oldest first."""
        return tuple(child for child in self._children[self._nodes[id].parent] if child != id)

    def path_to(self, id: int) -> list[int]:
        """The nodes from the first one to ``id``."""
        path = []
        while id != ROOT:
            path.append(id)
            id = self._nodes[id].parent
        return path[::-1]

    def below(self, id: int) -> Sequence[int]:
        """The node and all that are behind it, parents first."""
        found = [id]
        for each in found:
            found += self._children[each]
        return found

    def set_run(self, id: int, run: Run) -> None:
        self._nodes[id] = replace(self._nodes[id], run=run)

    def set_bookmark(self, id: int, name: str | None) -> None:
        """Gives a node a bookmark, or removes it."""
        self._nodes[id] = replace(self._nodes[id], bookmark=name)

    def _find(self, runs: Iterable[Run], start: int) -> Place | None:
        return find(runs, start, lambda id: self._nodes[id].run, self._children.__getitem__)

    def _places(self, runs: Iterable[Run]) -> Iterator[Place]:
        """Where texts from the root end that are these runs: several where one was typed or generated twice."""
        return places(runs, ROOT, lambda id: self._nodes[id].run, self._children.__getitem__)

    def _node_at(self, place: Place) -> int:
        """The node that ends at a place; one that goes on behind it is split."""
        if place.id != ROOT and 0 < place.length < len(self._nodes[place.id].run.text):
            self._split(place.id, place.length)
        return place.id

    def take_out(self, id: int) -> list[Node]:
        """Removes a branch: a node and all behind it, which are returned, parents first."""
        removed = [self._nodes[each] for each in self.below(id)]
        for node in reversed(removed):
            self._remove(node.id)
        return removed

    def put_back(self, before: Sequence[Run], nodes: Sequence[Node], preferred: Container[int]) -> None:
        """Adds a branch that `take_out` removed behind the text ``before``, which the tree holds.

        Where it holds it more than once, the branch stands behind a ``preferred`` node.
        """
        found = list(self._places(before))
        assert found, "the text before it has come back first"
        parent = self._node_at(max(found, key=lambda place: place.id in preferred))
        for node in nodes:
            self._nodes[node.id] = node if node is not nodes[0] else replace(node, parent=parent)
            self._children[node.id] = []
            self._children[self._nodes[node.id].parent].append(node.id)
        self._children[parent].sort()

    def _split(self, id: int, offset: int) -> int:
        """Makes two nodes of one and returns the second, which gets the children and the bookmark."""
        node = self._nodes[id]
        behind, self._children[id] = self._children[id], []
        self._nodes[id] = Node(id, node.parent, node.run.cut(0, offset))
        second = self._add(id, node.run.cut(offset, len(node.run.text)))
        self.set_bookmark(second, node.bookmark)
        self._adopt(second, behind)
        return second

    def _adopt(self, id: int, children: list[int]) -> None:
        self._children[id] = children
        for child in children:
            self._nodes[child] = replace(self._nodes[child], parent=id)

    def _child(self, parent: int, run: Run) -> int:
        """A new child of ``parent`` that holds ``run``, or one that other paths go through.

        The end of another path is none: an edit of this one would change it.
        """
        for id in self._children[parent]:
            if self._nodes[id].run == run and self._children[id]:
                return id
        return self._add(parent, run)

    def _merge(self, id: int, child: int) -> None:
        """Takes an only child's run and children over."""
        joined = join([self._nodes[id].run, self._nodes[child].run])
        run = joined[0] if joined else self._nodes[child].run  # both may be empty
        self._nodes[id] = replace(self._nodes[id], run=run, bookmark=self._nodes[child].bookmark)
        self._adopt(id, self._children.pop(child))
        del self._nodes[child]

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


def to_bookmark(name: str) -> str | None:
    """The name of a bookmark as it is kept, in one line; ``None`` where nothing is left of it."""
    return clean_piece(" ".join(name.split()))[:LONGEST_BOOKMARK] or None


def _children_of(nodes: Mapping[int, Node]) -> dict[int, list[int]]:
    children: dict[int, list[int]] = {id: [] for id in (ROOT, *nodes)}
    for id in sorted(nodes):
        children[nodes[id].parent].append(id)
    return children
