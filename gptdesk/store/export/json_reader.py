"""Reads documents that `gptdesk.store.export.json` wrote: all of one, or nothing."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec.structs import replace

from gptdesk.bounded_read import LARGEST_WHOLE, ContentError, read_bytes
from gptdesk.errors import UserError
from gptdesk.gpt2.mixed_text import PLACEHOLDER, MixedText, can_stand_in_text
from gptdesk.store.export.json import FORMAT, VERSION, path_to
from gptdesk.store.raw_rows import DOCUMENT, Column, RawDocument
from gptdesk.store.recovery import restore
from gptdesk.store.rows import CHUNK, UNLIKELY
from gptdesk.store.runs import Origin
from gptdesk.store.snapshot import Snapshot
from gptdesk.store.titles import title_of

LARGEST: Final = 256 << 20
"""Bytes of a file: a quarter of a million tokens, each of which takes about a kilobyte with its alternatives."""

_BEGINNING: Final = 200
"""Bytes in which a file says what it is."""


class _Special(msgspec.Struct):
    """A special token in the text of a run."""

    start: int
    name: str


class _Alternative(msgspec.Struct):
    """One of the most likely tokens, within the limits of `Alternative`."""

    id: Annotated[int, msgspec.Meta(ge=0, le=LARGEST_WHOLE)]
    text: str
    logprob: Annotated[float, msgspec.Meta(le=1e-3)] | None


class _Token(msgspec.Struct):
    """A token of a run; its text tells where in the run it ends."""

    id: int
    text: str
    logprob: float | None
    top: list[_Alternative] = []
    entropy: float | None = None


class _Run(msgspec.Struct):
    """A run; those of version 1 have neither id nor parent, and each stands behind the one before it."""

    text: str
    generated: bool
    id: int | None = None
    parent: int | None = None
    bookmark: str | None = None
    special_tokens: list[_Special] = []
    first: int = 0
    tokens: list[_Token] = []


class _Document(msgspec.Struct):
    """The object of a file."""

    format: str
    version: int
    created: str
    text: str
    runs: list[_Run]
    settings: dict[str, Any] | None = None
    own_title: str | None = None
    chat_template: str | None = None
    path: list[int] | None = None


_ORIGIN: Final = tuple(name for name in Origin.__struct_fields__ if not name.startswith("foreign_"))
"""Fields of a generated run that say where it comes from."""


def is_document_file(path: Path) -> bool:
    """Whether the file begins as one that gptdesk exported; False if it cannot be read."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return f'"{FORMAT}"'.encode() in file.read(_BEGINNING)
    except OSError:
        return False


def read_document(path: Path) -> Snapshot:
    """The document in a file, under a new id, so that it replaces none.

    Raises:
        UserError: when the file cannot be read, is damaged, or was written by a newer gptdesk.
    """
    try:
        return from_json(read_bytes(path, largest=LARGEST))
    except OSError as error:
        raise UserError(f"{path.name} cannot be read ({error.strerror or error}).") from error
    except ContentError as error:
        raise UserError(f"{path.name} cannot be opened as a document: {error}.") from None


def from_json(data: bytes) -> Snapshot:
    """The document that `to_json` wrote.

    Raises:
        ContentError: when it is none, or damaged.
    """
    try:
        read = msgspec.json.decode(data, type=_Document)
        origins = msgspec.json.decode(data, type=_Origins).runs
        created = datetime.fromisoformat(read.created).timestamp()
    except (msgspec.MsgspecError, RecursionError, UnicodeError, ValueError, OverflowError, OSError):
        raise ContentError("it is damaged, or not one that gptdesk exported") from None
    if read.format != FORMAT:
        raise ContentError("it is not one that gptdesk exported")
    if read.version > VERSION:
        raise ContentError(f"a newer gptdesk wrote it, in version {read.version} of the format")
    try:
        snapshot = _snapshot(read, origins, created)
    except RecursionError:  # settings nested so deep that they can be read and not written
        raise ContentError("it is damaged") from None
    mixed = _text(snapshot)
    if mixed.spelled != read.text:
        raise ContentError("it is damaged: its parts do not make up its text")
    return replace(snapshot, title=title_of(mixed))


class _Origins(msgspec.Struct):
    """The runs as they are written, for the fields of `_ORIGIN`."""

    runs: list[dict[str, msgspec.Raw]]


def _snapshot(read: _Document, origins: Sequence[dict[str, msgspec.Raw]], created: float) -> Snapshot:
    nodes: list[tuple[Column, ...]] = []
    tokens: list[tuple[Column, ...]] = []
    before = 0
    for number, (run, values) in enumerate(zip(read.runs, origins, strict=True), start=1):
        id = number if run.id is None else run.id
        parent = before if run.parent is None else run.parent
        mixed, places = _mixed(run)
        origin = _origin(values) if run.generated else None
        nodes.append((id, parent, mixed.delimited, run.first, origin, run.bookmark))
        for chunk in range(0, len(run.tokens), CHUNK):
            part = run.tokens[chunk : chunk + CHUNK]
            tokens.append((id, chunk // CHUNK, _tokens(part, places[chunk : chunk + CHUNK + 1])))
        before = id
    leaf = before if read.path is None else (read.path[-1] if read.path else 0)
    decoding = None if read.settings is None else json.dumps(read.settings, ensure_ascii=False)
    row: dict[str, Column] = dict.fromkeys(DOCUMENT) | {
        "title": "", "created": created, "modified": created, "leaf": leaf, "own_title": read.own_title,
        "decoding": decoding, "chat_template": read.chat_template,
    }  # fmt: skip
    opened = restore(uuid.uuid4().hex, RawDocument(tuple(row.values()), nodes, tokens))
    if opened.problem or len(opened.snapshot.nodes) != len(nodes):
        raise ContentError("it is damaged")
    return opened.snapshot


def _origin(values: dict[str, msgspec.Raw]) -> str:
    return msgspec.json.encode({name: values[name] for name in _ORIGIN if name in values}).decode()


def _mixed(run: _Run) -> tuple[MixedText, list[int]]:
    """A run's text, and where each of its tokens ends in it, after a 0."""
    plain, position = [], 0
    for special in run.special_tokens:
        end = special.start + len(special.name)
        if special.start < position or run.text[special.start : end] != special.name:
            raise ContentError("it is damaged: a special token is not in its text")
        if not can_stand_in_text(special.name):
            raise ContentError("it is damaged: a special token has no name")
        plain.append(run.text[position : special.start])
        position = end
    plain.append(run.text[position:])
    if any(PLACEHOLDER in part for part in plain):
        raise ContentError("it is damaged: a character in it stands for a special token without a name")
    mixed = MixedText(PLACEHOLDER.join(plain), tuple(special.name for special in run.special_tokens))
    return mixed, _places(run, mixed)


def _places(run: _Run, mixed: MixedText) -> list[int]:
    names = iter(mixed.names)
    widths = (len(next(names)) if letter == PLACEHOLDER else 1 for letter in mixed.text)
    index_of = {place: index for index, place in enumerate(accumulate(widths, initial=0))}
    ends = accumulate((len(token.text) for token in run.tokens), initial=0)
    try:
        return [index_of[end] for end in ends]
    except KeyError:
        raise ContentError("it is damaged: its tokens do not make up its text") from None


def _tokens(part: Sequence[_Token], places: Sequence[int]) -> str:
    """A row of tokens as the database has it, with all digits."""
    rows = [
        [
            token.id,
            end - start,
            _logprob(token.logprob),
            [[other.id, other.text, _logprob(other.logprob)] for other in token.top],
            token.entropy,
        ]
        for token, start, end in zip(part, places, places[1:], strict=False)
    ]
    return msgspec.json.encode(rows).decode()


def _logprob(value: float | None) -> float:
    return UNLIKELY if value is None else value


def _text(snapshot: Snapshot) -> MixedText:
    """The text, which `to_json` writes spelled."""
    parts = [snapshot.nodes[id].run.mixed for id in path_to(snapshot)]
    return MixedText("".join(part.text for part in parts), tuple(name for part in parts for name in part.names))
