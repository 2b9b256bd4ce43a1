"""How a run lies in the database: tokens are kept in chunks, so that a growing run is cheap to save."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from gptdesk.gpt2.decoding import DecodingSettings
from gptdesk.gpt2.errors import UserError
from gptdesk.gpt2.events import Alternative
from gptdesk.store.document import Snapshot
from gptdesk.store.runs import Origin, Run, Token
from gptdesk.store.tree import Node

CHUNK: Final = 256
"""Tokens in a row; only the last row of a growing run is written again."""


class NoRun(ValueError):
    """A row does not hold a run."""


def chunks(tokens: Sequence[Token]) -> int:
    """Rows that the tokens need."""
    return -(-len(tokens) // CHUNK)


def chunk(tokens: Sequence[Token], index: int) -> Sequence[Token]:
    """The tokens of the row with that index."""
    return tokens[index * CHUNK : (index + 1) * CHUNK]


def from_snapshot(snapshot: Snapshot) -> dict[str, Any]:
    """The columns of a document, without its nodes."""
    decoding = json.dumps(snapshot.decoding.to_json(), ensure_ascii=False) if snapshot.decoding else None
    names = ("id", "title", "created", "leaf", "own_title", "file")
    return {**{name: getattr(snapshot, name) for name in names}, "decoding": decoding}


def to_snapshot(id: str, row: Sequence[Any], nodes: Mapping[int, Node]) -> Snapshot:
    """The document of a row (title, created, leaf, own_title, decoding, file) and of its nodes."""
    title, created, leaf, own_title, decoding, file = row
    return Snapshot(id, title, created, nodes, leaf, own_title, _to_decoding(decoding), file)


def from_run(run: Run) -> dict[str, Any]:
    """The columns of a run, without its tokens."""
    return {"text": run.text, "first": run.first, "origin": _from_origin(run.origin) if run.origin else None}


def from_tokens(tokens: Iterable[Token]) -> str:
    """Tokens as compact JSON: ``[id, length, logprob, [[id, text, logprob], ...]]`` each."""
    values = [[t.id, t.length, _short(t.logprob), [[a.id, a.text, _short(a.logprob)] for a in t.top]] for t in tokens]
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def to_run(text: str, first: int, origin: str | None, tokens: Iterable[str]) -> Run:
    """The run of a row and of its rows of tokens.

    Raises:
        NoRun: when they do not hold one.
    """
    if origin is None:
        return Run(text)
    try:
        read = tuple(
            Token(id, length, logprob, tuple(Alternative(*alternative) for alternative in top))
            for part in tokens
            for id, length, logprob, top in json.loads(part)
        )
        return Run(text, read, _to_origin(origin), first)
    except (TypeError, ValueError, KeyError) as error:
        raise NoRun(str(error)) from error


def _from_origin(origin: Origin) -> str:
    values = {f.name: getattr(origin, f.name) for f in fields(origin)}
    return json.dumps({**values, "settings": origin.settings.to_json()}, ensure_ascii=False)


def _to_decoding(text: str | None) -> DecodingSettings | None:
    """Settings that cannot be read count as none: the text matters more."""
    try:
        return DecodingSettings.from_json(json.loads(text)) if text else None
    except (ValueError, TypeError, RecursionError, UserError):
        return None


def _to_origin(text: str) -> Origin:
    values = json.loads(text)
    try:
        settings = DecodingSettings.from_json(values.pop("settings"))
    except UserError:  # a setting of another version: the text matters more than how it was made
        settings = DecodingSettings()
    return Origin(**values, settings=settings)


def _short(logprob: float) -> float:
    """Enough digits to draw and to compare with, in half the room."""
    return round(logprob, 5)
