"""The branches of a document at one moment: one segment for each stretch of its tree without a fork."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import msgspec

from gptdesk.store.branches.nodes import ROOT
from gptdesk.store.branches.tree import Tree
from gptdesk.store.runs import Run


class Segment(msgspec.Struct, frozen=True, dict=True):
    """A longest chain of nodes without a fork; it also ends where the text that is shown ends.

    Attributes:
        nodes: their ids, in the order of the text; none at the beginning of the document, which is a segment of its own
            where texts part there.
        parent: id of the segment that it goes on from; ``None`` for the first one.
        children: ids of the segments that go on from it, oldest first.
        runs: its text, one run a node.
        shown: whether it is part of the text that is shown.
        bookmark: its name; ``None`` without a bookmark.
    """

    nodes: tuple[int, ...]
    parent: int | None
    children: tuple[int, ...]
    runs: tuple[Run, ...]
    shown: bool
    bookmark: str | None = None

    @property
    def id(self) -> int:
        """Id of its first node, or `ROOT`. It stays the same while text is added to the segment."""
        return self.nodes[0] if self.nodes else ROOT

    @property
    def end(self) -> int:
        """Id of its last node, or `ROOT`."""
        return self.nodes[-1] if self.nodes else ROOT

    @cached_property
    def text(self) -> str:
        """Its characters, with the names of special tokens."""
        return "".join(run.mixed.spelled for run in self.runs)

    @property
    def typed(self) -> bool:
        """Whether a person wrote some of it."""
        return any(run.text and not run.generated for run in self.runs)

    @property
    def generated(self) -> bool:
        """Whether a model wrote some of it."""
        return any(run.generated for run in self.runs)

    @cached_property
    def logprobs(self) -> tuple[float, ...]:
        """Log-probability of each generated token, in nats, where it is a number."""
        return tuple(token.logprob for run in self.runs for token in run.tokens if math.isfinite(token.logprob))

    @property
    def mean_logprob(self) -> float | None:
        """Mean log-probability of its generated tokens, in nats; ``None`` without one."""
        return sum(self.logprobs) / len(self.logprobs) if self.logprobs else None


class Outline(msgspec.Struct, frozen=True, dict=True):
    """All segments of a document.

    Attributes:
        segments: by id, each before those that go on from it, and siblings oldest first.
        leaf: id of the segment with which the shown text ends; ``None`` in an empty document.
    """

    segments: Mapping[int, Segment]
    leaf: int | None

    @property
    def first(self) -> int | None:
        """Id of the segment with which all texts begin."""
        return next(iter(self.segments), None)

    @cached_property
    def ends(self) -> int:
        """How many texts there are: segments from which none goes on."""
        return sum(not segment.children for segment in self.segments.values())

    def before(self, id: int) -> Iterator[Segment]:
        """The segments of the text that ends with a segment, from that one back to the first."""
        at: int | None = id
        while at is not None:
            segment = self.segments[at]
            yield segment
            at = segment.parent

    def path(self, id: int) -> tuple[Segment, ...]:
        """The segments of the text that ends with a segment, from the first one on."""
        return tuple(self.before(id))[::-1]

    def holding(self, node: int) -> int | None:
        """Id of the segment that holds a node; ``None`` where there is none."""
        return self._holders.get(node)

    @cached_property
    def _holders(self) -> Mapping[int, int]:
        return {node: id for id, segment in self.segments.items() for node in segment.nodes}


class Fork(msgspec.Struct, frozen=True):
    """A place of the shown text where branches part.

    Attributes:
        start: the place, in characters.
        end: where the stretch that is shown ends: at the next fork, or at the end of the text.
        branches: ids of the first nodes of the branches, oldest first.
        shown: which of them is shown, counted from 0; ``None`` where the text ends here.
    """

    start: int
    end: int
    branches: tuple[int, ...]
    shown: int | None


def outline_of(tree: Tree) -> Outline:
    """The segments of a tree."""
    on_path = {ROOT, *tree.path}
    starts = tree.children(ROOT)
    pending: list[tuple[int, int | None]] = [(id, None) for id in starts]
    if len(starts) > 1 or (starts and tree.leaf == ROOT):
        pending = [(ROOT, None)]
    segments: dict[int, Segment] = {}
    last = None
    while pending:
        id, parent = pending.pop()
        members = _chain(tree, id)
        following = tree.children(members[-1])
        if members[-1] == tree.leaf:
            last = id
        nodes = [tree.nodes[member] for member in members if member != ROOT]
        names = [node.bookmark for node in nodes if node.bookmark is not None]
        segments[id] = Segment(
            nodes=tuple(node.id for node in nodes),
            parent=parent,
            children=tuple(following),
            runs=tuple(node.run for node in nodes),
            shown=id in on_path,
            bookmark=", ".join(names) if names else None,
        )
        pending += [(child, id) for child in reversed(following)]
    return Outline(segments, last)


def forks_of(tree: Tree) -> list[Fork]:
    """The forks of the text that is shown, first to last."""
    places = [0]
    for run in tree.runs:
        places.append(places[-1] + len(run.text))
    parents = [ROOT, *tree.path]
    found = [index for index, id in enumerate(parents) if _is_fork(tree, id)]
    forks = []
    for number, index in enumerate(found):
        after = found[number + 1] if number + 1 < len(found) else len(tree.path)
        branches = tuple(tree.children(parents[index]))
        shown = branches.index(parents[index + 1]) if index < len(tree.path) else None
        forks.append(Fork(places[index], places[after], branches, shown))
    return forks


def fork_at(forks: Sequence[Fork], position: int) -> Fork | None:
    """The fork whose branch holds the character before ``position``, else the first one behind that.

    Args:
        forks: of the text that is shown.
        position: in characters.
    """
    before = [fork for fork in forks if fork.start < position or (fork.shown is None and fork.start == position)]
    return before[-1] if before else next(iter(forks), None)


def _is_fork(tree: Tree, id: int) -> bool:
    """Whether branches part behind a node of the path, or go on where the text ends."""
    return len(tree.children(id)) > (id != tree.leaf)


def _chain(tree: Tree, id: int) -> list[int]:
    """The nodes of the segment that begins with a node."""
    chain = [id]
    while chain[-1] not in (tree.leaf, ROOT) and len(following := tree.children(chain[-1])) == 1:
        chain += following
    return chain
