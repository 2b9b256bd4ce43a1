"""A document at one moment, as it is saved."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.branches.nodes import ROOT, Node


class Snapshot(msgspec.Struct, frozen=True):
    """A document at one moment, safe to hand to another thread.

    Attributes:
        id: unique name of the document.
        title: the beginning of its text; a list shows it where there is no ``own_title``.
        created: seconds since 1970.
        nodes: the tree, by node id.
        leaf: last node of the text, 0 when there is none.
        own_title: the title that the person gave, if any.
        decoding: how tokens are chosen in this document; ``None`` when that was never said.
        file: where the text was saved as a file, if anywhere.
        chat_template: id of the template that makes the prompts of a chat; ``None`` when that was never said.
    """

    id: str
    title: str
    created: float
    nodes: Mapping[int, Node]
    leaf: int
    own_title: str | None = None
    decoding: DecodingSettings | None = None
    file: str | None = None
    chat_template: str | None = None


def is_empty(snapshot: Snapshot) -> bool:
    """Whether nothing in it is worth keeping: no text now, none in another branch, and no title of the person's own."""
    return snapshot.leaf == ROOT and not snapshot.nodes and not snapshot.own_title
