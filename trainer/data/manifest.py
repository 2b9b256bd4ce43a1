"""Reads and validates ``manifest.json`` of prepared data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from gptdesk.bounded_read import LARGEST_WHOLE, ContentError, convert, parse_json, read_bytes
from gptdesk.errors import UserError
from gptdesk.gpt2.config import END_OF_TEXT, VOCAB_SIZE
from gptdesk.gpt2.tokenizers.openai import RANKS_SHA256
from trainer.data.arrays import VERSION

MANIFEST: Final = "manifest.json"
LARGEST_MANIFEST: Final = 256 << 20
"""Bytes: a source each takes some three hundred, and there may be hundreds of thousands of them."""

Count = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_WHOLE)]


class _File(msgspec.Struct):
    """A file of a shard."""

    file: Annotated[str, msgspec.Meta(pattern=r"^[^/\\\0]{1,200}$")]


class _Shard(_File, kw_only=True):
    """What must be there of a shard; there may be more."""

    tokens: Count
    documents: Count = 0
    index: _File | None = None
    mask: _File | None = None


class _Split(msgspec.Struct):
    shards: list[_Shard]
    tokens: Count
    documents: Count


class _Splits(msgspec.Struct):
    train: _Split
    val: _Split


class _Tokenizer(msgspec.Struct, kw_only=True, frozen=True):
    """The tokenizer whose ids the shards hold; where the manifest says nothing of it, OpenAI's."""

    name: str = "gpt2"
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")] = RANKS_SHA256
    vocab_size: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = VOCAB_SIZE
    end_of_text: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = END_OF_TEXT


class _Manifest(msgspec.Struct):
    splits: _Splits
    tokenizer: _Tokenizer = _Tokenizer()


def read_manifest(folder: Path) -> tuple[dict[str, Any], str]:
    """The manifest of a prepared folder, and its SHA-256 in hexadecimal.

    Raises:
        UserError: when there is none, or it cannot be used; the sentence names the file and the key.
    """
    path = folder / MANIFEST
    try:
        contents = read_bytes(path, largest=LARGEST_MANIFEST)
        manifest = parse_json(contents)
        if not isinstance(manifest, dict):
            raise ContentError("it holds no JSON object")
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{folder} holds no prepared data; make some with `python -m trainer prepare`.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    except ContentError as error:
        raise UserError(f"{path} is damaged: {error}; prepare the data again.") from None
    if manifest.get("version") != VERSION:
        raise UserError(f"{folder} holds prepared data of another version; prepare the data again.")
    try:
        checked = convert(manifest, _Manifest)
    except msgspec.ValidationError as error:
        raise UserError(f"{path} is damaged: {_where(error)}; prepare the data again.") from None
    for name, split in (("train", checked.splits.train), ("val", checked.splits.val)):
        if split.tokens != sum(shard.tokens for shard in split.shards):
            raise UserError(f"{path} is damaged: the shards of splits.{name} are not complete; prepare the data again.")
        if len({shard.mask is None for shard in split.shards}) > 1:
            raise UserError(f"{path} is damaged: some shards of splits.{name} lack a mask; prepare the data again.")
    return manifest, hashlib.sha256(contents).hexdigest()


def is_shard(entry: Mapping[str, Any], *, tokens: int) -> bool:
    """Whether an entry describes a shard of so many tokens, as a manifest needs it."""
    try:
        return convert(entry, _Shard).tokens == tokens
    except msgspec.ValidationError:
        return False


def _where(error: msgspec.ValidationError) -> str:
    """What msgspec found, with the key first: ``splits.train.shards[0]: object missing required field `tokens```."""
    what, _, place = str(error).partition(" - at `$")
    key = place.rstrip("`").lstrip(".") or "the whole"
    return f"{key[:100]}: {what[:1].lower()}{what[1:100]}"
