"""Writes a document as JSON, with all branches, tokens, models, settings and seeds; `json_reader` reads it.

The schema is described in docs/GUIDE.md ("Files of a document"). Fields may be added within a version; a change of what
a field means raises `VERSION`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from gptdesk.gpt2.mixed_text import PLACEHOLDER, MixedText
from gptdesk.store.branches.nodes import ROOT, Node
from gptdesk.store.document import Document
from gptdesk.store.rows import origin_values
from gptdesk.store.runs import Run, Token, clean_piece
from gptdesk.store.snapshot import Snapshot

FORMAT: Final = "gptdesk document"
VERSION: Final = 2
"""1 had the runs of the text at that time alone, without other branches."""


def to_json(document: Document) -> bytes:
    """The document as UTF-8 JSON, indented. The texts of a run's tokens add up to the run's, and the texts of the runs
    that ``path`` names to the whole text.
    """
    snapshot = document.snapshot()
    values = {
        "format": FORMAT,
        "version": VERSION,
        "title": document.title,
        "own_title": document.own_title,
        "created": datetime.fromtimestamp(document.created, UTC).isoformat(timespec="microseconds"),
        "text": document.mixed.spelled,
        "settings": document.decoding.to_json() if document.decoding else None,
        "chat_template": document.chat_template,
        "path": path_to(snapshot),
        "runs": [_node(node) for node in snapshot.nodes.values()],
    }
    return msgspec.json.format(msgspec.json.encode(_encodable(values)), indent=1) + b"\n"


def _node(node: Node) -> dict[str, Any]:
    bookmark = {} if node.bookmark is None else {"bookmark": node.bookmark}
    return {"id": node.id, "parent": node.parent, **bookmark, **_run(node.run)}


def path_to(snapshot: Snapshot) -> list[int]:
    """Ids of the runs that are the text now, first to last."""
    path, id = [], snapshot.leaf
    while id != ROOT:
        path.append(id)
        id = snapshot.nodes[id].parent
    return path[::-1]


def _run(run: Run) -> dict[str, Any]:
    origin = run.origin
    mixed = run.mixed
    text: dict[str, Any] = {"text": mixed.spelled}
    if mixed.names:
        text["special_tokens"] = _special_tokens(mixed)
    if origin is None:
        return {**text, "generated": False}
    return {
        **text,
        "generated": True,
        **origin_values(origin),
        "first": run.first,
        "tokens": [
            _token(token, mixed[start:end].spelled) for token, (start, end) in zip(run.tokens, run.spans(), strict=True)
        ],
    }


def _special_tokens(mixed: MixedText) -> list[dict[str, Any]]:
    """Where special tokens stand in the run's text, which contains their names."""
    found = []
    first, *rest = mixed.text.split(PLACEHOLDER)
    position = len(first)
    for name, text in zip(mixed.names, rest, strict=True):
        found.append({"start": position, "name": name})
        position += len(name) + len(text)
    return found


def _token(token: Token, text: str) -> dict[str, Any]:
    return {
        "id": token.id,
        "text": text,
        "logprob": token.logprob,
        "entropy": token.entropy,
        "top": [{"id": each.id, "text": each.text, "logprob": each.logprob} for each in token.top],
    }


def _encodable(value: Any) -> Any:
    """The same with lone surrogates, as in the name of a folder that is not UTF-8, replaced: UTF-8 has none."""
    if isinstance(value, str):
        return value if value.isascii() else clean_piece(value) if _has_surrogate(value) else value
    if isinstance(value, dict):
        return {_encodable(key): _encodable(child) for key, child in value.items()}
    return [_encodable(child) for child in value] if isinstance(value, list | tuple) else value


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)
