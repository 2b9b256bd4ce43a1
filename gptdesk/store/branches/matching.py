"""Finds a text again in a tree of runs, whatever nodes it is divided into now."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from gptdesk.store.runs import Run, join


class Place(NamedTuple):
    """Where a text ends: in a node, behind ``length`` characters of its run."""

    id: int
    length: int


def find(
    runs: Iterable[Run],
    start: int,
    run_of: Callable[[int], Run],
    children: Callable[[int], Sequence[int]],
    same: Callable[[Run, Run], bool] = operator.eq,
) -> Place | None:
    """The first of `places`; ``None`` where the tree does not hold the text."""
    return next(places(runs, start, run_of, children, same), None)


def places(
    runs: Iterable[Run],
    start: int,
    run_of: Callable[[int], Run],
    children: Callable[[int], Sequence[int]],
    same: Callable[[Run, Run], bool] = operator.eq,
) -> Iterator[Place]:
    """Where texts end that go on from behind node ``start`` with exactly these runs.

    First those that end at the end of a node, then those that end within one.

    Args:
        runs: they may be divided differently in the tree.
        start: id of a node.
        run_of, children: of a node.
        same: whether two runs of the same length are the same.

    Yields:
        ``Place(start, 0)`` alone for no runs at all.
    """
    wanted = join(runs)
    if not wanted:
        yield Place(start, 0)
        return
    inside = []
    pending = [(start, 0, 0)]  # a node, the run that goes on behind it, and how many characters of that are before it
    while pending:
        id, index, done = pending.pop()
        rest = wanted[index].cut(done, len(wanted[index].text))
        is_last = index == len(wanted) - 1
        for child in reversed(children(id)):
            run = run_of(child)
            if not _agree(run, rest, same):
                continue
            if len(run.text) < len(rest.text):
                pending.append((child, index, done + len(run.text)))
            elif len(run.text) == len(rest.text) and not is_last:
                pending.append((child, index + 1, 0))
            elif len(run.text) == len(rest.text):
                yield Place(child, len(run.text))
            elif is_last:  # a node that is longer than a run before the last one differs from what is wanted
                inside.append(Place(child, len(rest.text)))
    yield from reversed(inside)


def _agree(one: Run, other: Run, same: Callable[[Run, Run], bool]) -> bool:
    """Whether the shorter of two runs is the beginning of the other."""
    if not (one.text.startswith(other.text) or other.text.startswith(one.text)):
        return False
    length = min(len(one.text), len(other.text))
    return not length or same(one.cut(0, length), other.cut(0, length))
