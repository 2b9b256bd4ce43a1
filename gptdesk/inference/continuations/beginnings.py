"""Arranges continuations of a prompt as a tree in which those that begin alike share their beginning. No torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gptdesk.inference.continuations.continuation import Continuation


@dataclass(frozen=True)
class Beginning:
    """What some continuations have in common from their first token on; a whole continuation has no children.

    Attributes:
        ids: its tokens, from the prompt on.
        logprobs: natural logarithm of each token's probability.
        shared: how many of the tokens belong to its parent.
        children: longer beginnings, the most probable first.
    """

    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    shared: int
    children: tuple[Beginning, ...]

    @property
    def probability(self) -> float:
        """Of these tokens after the prompt, whatever comes after them."""
        return math.exp(math.fsum(self.logprobs))


def shared_beginnings(found: Sequence[Continuation], depth: int = 0) -> tuple[Beginning, ...]:
    """The tree of ``found``: what stands at its top, the most probable first.

    Args:
        found: continuations of one prompt, which have their first ``depth`` tokens in common.
        depth: fewer than any of them has.
    """
    groups: dict[int, list[Continuation]] = {}
    for one in found:
        groups.setdefault(one.ids[depth], []).append(one)
    tops = []
    for group in groups.values():
        end = _shared_length(group, depth + 1)
        longer = [one for one in group if len(one.ids) > end]
        children = shared_beginnings(longer, end) if longer else ()
        tops.append(Beginning(group[0].ids[:end], group[0].logprobs[:end], depth, children))
    return tuple(sorted(tops, key=lambda top: -top.probability))


def _shared_length(group: Sequence[Continuation], least: int) -> int:
    """How many tokens all of a group begin with."""
    columns = zip(*(one.ids[least:] for one in group), strict=False)
    return least + next((place for place, ids in enumerate(columns) if len(set(ids)) > 1), _shortest(group) - least)


def _shortest(group: Sequence[Continuation]) -> int:
    return min(len(one.ids) for one in group)
