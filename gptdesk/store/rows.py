"""Converts runs of text to database rows; tokens lie in chunks, so that appending is cheap to save."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Final

import msgspec

from gptdesk.bounded_read import LARGEST, LARGEST_WHOLE, ContentError, parse_json, require_shallow
from gptdesk.errors import UserError
from gptdesk.gpt2.mixed_text import MixedText, parse_delimited
from gptdesk.inference.events import split_precision_label
from gptdesk.inference.interventions.intervention import WHOLE, Intervention
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.branches.nodes import Node
from gptdesk.store.runs import Origin, Run, Token, clean_mixed_piece, clean_piece, settle
from gptdesk.store.snapshot import Snapshot

CHUNK: Final = 256
"""Tokens in a row; only the last row of a growing run is written again."""

UNLIKELY: Final = -1e9
"""Stored in place of a log-probability that is not finite, which JSON cannot hold."""

_Whole = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_WHOLE)]
_Name = Annotated[str, msgspec.Meta(max_length=5000)]
_LogProb = Annotated[float, msgspec.Meta(le=1e-3)]
_Entropy = Annotated[float, msgspec.Meta(ge=-1e-3, le=100)]


class _Row(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """A `Token` as a JSON array; those of earlier versions end before the entropy. Its alternatives are read later."""

    id: _Whole
    length: _Whole
    logprob: _LogProb
    top: msgspec.Raw
    entropy: _Entropy | None = None


class _Origin(msgspec.Struct):
    """An `Origin` as JSON; what else there is in it was written by another version."""

    generation: _Name
    model: _Name
    settings: dict[str, Any]
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None
    finish_reason: _Name | None = None
    device: _Name = ""
    precision: _Name = ""
    backend: _Name = ""
    tokenizer: _Name = ""
    weights: _Name = ""
    runtime: _Name = ""
    prompt: _Name = ""
    prompt_tokens: _Whole | None = None
    intervention: dict[str, Any] = msgspec.field(default_factory=dict)


_NOT_COPIED: Final = ("settings", "foreign_settings", "intervention", "foreign_intervention")
"""Fields of an `Origin` that JSON has in another form."""

_TOKENS: Final = msgspec.json.Decoder(list[_Row])
_ORIGIN: Final = msgspec.json.Decoder(_Origin)


class NoRun(ValueError):
    """The columns of a run contradict each other; its text is undamaged."""


def chunks(tokens: Sequence[Token]) -> int:
    """Rows that the tokens need."""
    return -(-len(tokens) // CHUNK)


def chunk(tokens: Sequence[Token], index: int) -> Sequence[Token]:
    """The tokens of the row with that index."""
    return tokens[index * CHUNK : (index + 1) * CHUNK]


def from_snapshot(snapshot: Snapshot) -> dict[str, Any]:
    """The columns of a document, without its nodes."""
    decoding = json.dumps(snapshot.decoding.to_json(), ensure_ascii=False) if snapshot.decoding else None
    names = ("id", "title", "created", "leaf", "own_title", "file", "chat_template")
    return {**{name: getattr(snapshot, name) for name in names}, "decoding": decoding}


def from_node(node: Node) -> dict[str, Any]:
    """The columns of a node, without its tokens. Names of special tokens stand between placeholders in its text."""
    run = node.run
    origin = _from_origin(run.origin) if run.origin else None
    columns = {"id": node.id, "parent": node.parent, "bookmark": node.bookmark}
    return {**columns, "text": run.mixed.delimited, "first": run.first, "origin": origin}


def from_tokens(tokens: Iterable[Token]) -> str:
    """Tokens as compact JSON: ``[id, length, logprob, [[id, text, logprob], ...], entropy]`` each."""
    return msgspec.json.encode([_from_token(token) for token in tokens]).decode()


def _from_token(token: Token) -> list[Any]:
    top: object = token.kept_top
    if not isinstance(top, msgspec.Raw):
        top = [[other.id, other.text, _short(other.logprob)] for other in token.top]
    return [token.id, token.length, _short(token.logprob), top, _short_entropy(token.entropy)]


def to_text(text: object) -> str:
    """A column, every character of which a document can hold; U+FFFD for what is no UTF-8."""
    return clean_piece(_string(text))


def to_mixed(text: object) -> MixedText:
    """The text of a run; as `to_text`."""
    return clean_mixed_piece(parse_delimited(_string(text)))


def _string(text: object) -> str:
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return "" if text is None else str(text)


def to_run(mixed: MixedText, first: object, origin: object, parts: Mapping[object, object]) -> Run:
    """The run of a row and of its rows of tokens, by their numbers.

    Raises:
        NoRun: when they do not hold one.
    """
    if origin is None:
        return Run(mixed.text, special=mixed.names)
    read = _to_origin(origin)
    if type(first) is not int or not 0 <= first <= LARGEST_WHOLE:
        raise NoRun
    run = Run(mixed.text, _to_tokens(parts), read, first, mixed.names)
    missing = len(mixed) - sum(token.length for token in run.tokens)
    if missing:
        # Only a generation that was cut off, by a crash say, has held text back.
        if read.finish_reason is not None or missing > 0 or not run.tokens:
            raise NoRun
        run = settle(run)
    return run


def _to_tokens(parts: Mapping[object, object]) -> tuple[Token, ...]:
    tokens: list[Token] = []
    for index in range(len(parts)):
        part = parts.get(index)
        if not isinstance(part, str) or len(part) > LARGEST or len(tokens) != index * CHUNK:
            raise NoRun
        try:
            rows = _TOKENS.decode(part)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            raise NoRun from None
        tokens += [_to_token(row) for row in rows]
    return tuple(tokens)


def _to_token(row: _Row) -> Token:
    return Token(row.id, row.length, row.logprob, row.top, row.entropy)


def _from_origin(origin: Origin) -> str:
    return json.dumps(origin_values(origin), ensure_ascii=False)


def origin_values(origin: Origin) -> dict[str, Any]:
    """An origin as JSON has it; what another version wrote as it was read."""
    values = {name: getattr(origin, name) for name in origin.__struct_fields__ if name not in _NOT_COPIED}
    foreign, changed = origin.foreign_settings, origin.foreign_intervention
    values["settings"] = json.loads(foreign) if foreign else origin.settings.to_json()
    if changed or origin.intervention != WHOLE:
        values["intervention"] = json.loads(changed) if changed else origin.intervention.to_json()
    return values


def to_decoding(text: object) -> DecodingSettings | None:
    """A document's settings, or ``None`` when it has none.

    Raises:
        UserError, ContentError: when they cannot be used.
    """
    if text is None:
        return None
    if not isinstance(text, str) or len(text) > LARGEST:
        raise ContentError("they are no text")
    return DecodingSettings.from_json(parse_json(text))


def _to_origin(text: object) -> Origin:
    try:
        if not isinstance(text, str) or len(text) > LARGEST:
            raise NoRun
        read = _ORIGIN.decode(text)
        require_shallow(read.settings)
        require_shallow(read.intervention)
    except (msgspec.DecodeError, ContentError, RecursionError, UnicodeError):
        raise NoRun from None
    settings, foreign = _to_settings(json.dumps(read.settings, ensure_ascii=False))
    intervention, changed = _to_intervention(json.dumps(read.intervention, ensure_ascii=False))
    values = {name: getattr(read, name) for name in read.__struct_fields__ if name not in _NOT_COPIED}
    if not read.backend:  # versions before kept both in one field: "int8 (numba)"
        values["precision"], values["backend"] = split_precision_label(read.precision)
    return Origin(
        **values,
        settings=settings,
        foreign_settings=foreign,
        intervention=intervention,
        foreign_intervention=changed,
    )


@lru_cache(maxsize=64)
def _to_settings(text: str) -> tuple[DecodingSettings, str]:
    """Settings and "", or neutral ones and the text where it is of another version; hundreds of branches share them."""
    try:
        return DecodingSettings.from_json(json.loads(text)), ""
    except UserError:  # the text of the document matters more than how it was made
        return DecodingSettings(), text


@lru_cache(maxsize=64)
def _to_intervention(text: str) -> tuple[Intervention, str]:
    """As `_to_settings`, of what was changed in the model."""
    try:
        return Intervention.from_json(json.loads(text)), ""
    except UserError:
        return WHOLE, text


def _short(logprob: float) -> float:
    """Rounds to 5 digits, which halves the size; a value that is not finite becomes `UNLIKELY`."""
    return round(min(logprob, 0.0), 5) if math.isfinite(logprob) else UNLIKELY


def _short_entropy(entropy: float | None) -> float | None:
    """Rounds to 5 digits; ``None`` for a value that is not finite."""
    return round(max(entropy, 0.0), 5) if entropy is not None and math.isfinite(entropy) else None
