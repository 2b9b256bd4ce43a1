"""Adds the tokens that a folder's other files name to the description of its tokenizer, as ``transformers`` does.

See ``_from_pretrained`` in transformers/tokenization_utils_base.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from gptdesk.errors import UserError, brief
from gptdesk.gpt2.tokenizers.folder_files import (
    ADDED_TOKENS,
    SPECIAL_TOKENS,
    TOKENIZER_CONFIG,
    damaged,
    read_object,
)
from gptdesk.gpt2.tokenizers.vocabulary_checks import MOST_TOKENS, model_tokens

_ROLES: Final = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
_LISTS: Final = ("additional_special_tokens", "extra_special_tokens")
_FLAGS: Final = ("single_word", "lstrip", "rstrip", "normalized", "special")

_DEFAULTS: Final[Mapping[str, Mapping[str, str]]] = {
    "": {"eos_token": "<|endoftext|>"},
    "GPT2Tokenizer": {"eos_token": "<|endoftext|>"},
    "BertTokenizer": {
        "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]",
    },
}  # fmt: skip
"""Special tokens of each class where the files name no others; used where the vocabulary has them."""

Token = dict[str, Any]
"""An entry of ``added_tokens`` in a ``tokenizer.json``."""


def with_added_tokens(
    source: Path, described: dict[str, Any], files: Mapping[str, Path], settings: Mapping[str, Any], kind: str
) -> dict[str, Any]:
    """The description with all added tokens, in the order of their ids; every id has one token.

    Args:
        source: the file of the vocabulary, for messages.
        described: as in ``tokenizer.json``; its ``added_tokens`` are kept.
        files: of the folder, by name.
        settings: contents of ``tokenizer_config.json``.
        kind: class of ``transformers``.

    Raises:
        UserError: when ids contradict each other or are missing.
    """
    ids = dict(model_tokens(source, described["model"]))
    added: dict[str, Token] = {}
    for token in _listed(source, described["added_tokens"]):
        _add(source, token, ids, added)
    roles = _roles(files, settings, kind)
    special = {token["content"] for token in roles.values()} | {token["content"] for token in _extra(files, settings)}
    file = files.get(ADDED_TOKENS, source)
    if "added_tokens_decoder" in settings:
        file = files[TOKENIZER_CONFIG]
        named = list(_decoder_entries(file, settings["added_tokens_decoder"]))
    else:
        named = list(_legacy_entries(file, special)) if ADDED_TOKENS in files else []
    for token in sorted(named, key=lambda token: int(token["id"])):
        if token["content"] not in added:
            _add(file, token, ids, added)
    explicit = _roles(files, settings, None)
    for token in (*explicit.values(), *_extra(files, settings)):
        if token["content"] not in added:
            _add(source, token | {"special": True}, ids, added)
    for token in roles.values():
        if token["content"] not in added and token["content"] in ids:
            _add(source, token | {"special": True}, ids, added)
    _check_ids(source, ids)
    described["added_tokens"] = sorted(added.values(), key=lambda token: int(token["id"]))
    described["roles"] = {role: token["content"] for role, token in roles.items() if token["content"] in ids}
    return described


def _add(source: Path, token: Token, ids: dict[str, int], added: dict[str, Token]) -> None:
    """Gives a token its id: its place in the vocabulary, or the next one."""
    content = token["content"]
    id = ids.get(content, len(ids))
    if token.get("id", id) != id:
        where = f"the token {id} of the vocabulary" if content in ids else f"{id:,}, the next free one"
        raise UserError(
            f"{source} gives the added token {brief(content)} the id {token['id']:,}, but it is {where}; the "
            "tokenizer's files do not belong together."
        )
    ids[content] = id
    added[content] = {"id": id, "content": content, **{flag: token[flag] for flag in _FLAGS}}


def _check_ids(source: Path, ids: Mapping[str, int]) -> None:
    """Refuses holes: what would be written for such an id?"""
    given = set(ids.values())
    missing = next((id for id in range(len(ids)) if id not in given), None)
    if missing is not None:
        raise damaged(source, f"its vocabulary has holes, no token has the id {missing:,}")


def _token(value: Any, special: bool) -> Token | None:
    """A token as ``tokenizer.json`` has it, from a string or the attributes of an ``AddedToken``."""
    if isinstance(value, str):
        value = {"content": value}
    if not isinstance(value, dict) or not isinstance(value.get("content"), str) or not value["content"]:
        return None
    special = value.get("special", special) is True
    flags = {flag: value.get(flag) is True for flag in ("single_word", "lstrip", "rstrip")}
    return {
        "content": value["content"],
        **flags,
        "normalized": value.get("normalized", not special) is True,
        "special": special,
    }


def _listed(source: Path, tokens: Any) -> Iterator[Token]:
    """The added tokens of a ``tokenizer.json``."""
    if not isinstance(tokens, list | None):
        raise damaged(source, "its added tokens are no list")
    for value in sorted(tokens or [], key=_id_of):
        token = _token(value, False)
        if token is None or not 0 <= _id_of(value) < MOST_TOKENS:
            raise damaged(source, "an added token has no text or no id")
        yield token | {"id": _id_of(value)}


def _id_of(value: Any) -> int:
    """The id of an entry; -1 where it has none."""
    id = value.get("id") if isinstance(value, dict) else None
    return id if type(id) is int else -1


def _decoder_entries(source: Path, decoder: Any) -> Iterator[Token]:
    """The tokens of ``added_tokens_decoder`` in ``tokenizer_config.json``: attributes by id."""
    if not isinstance(decoder, dict):
        raise damaged(source, "its added tokens are no table")
    for id, value in decoder.items():
        token = _token(value, False)
        if token is None or not id.isascii() or not id.isdigit() or len(id) > 9:
            raise damaged(source, "an added token has no text or no id")
        yield token | {"id": int(id)}


def _legacy_entries(source: Path, special: set[str]) -> Iterator[Token]:
    """The tokens of ``added_tokens.json``: ids by text."""
    for content, id in read_object(source).items():
        token = _token(content, content in special)
        if token is None or type(id) is not int or not 0 <= id < MOST_TOKENS:
            raise damaged(source, f"the added token {brief(content)} has no text or no id")
        yield token | {"id": id}


def _roles(files: Mapping[str, Path], settings: Mapping[str, Any], kind: str | None) -> dict[str, Token]:
    """The special tokens by what they are for: those of the class, unless a file names others."""
    values: dict[str, Any] = dict(_DEFAULTS.get(kind, {})) if kind is not None else {}
    values |= {role: settings[role] for role in _ROLES if role in settings}
    if SPECIAL_TOKENS in files and "added_tokens_decoder" not in settings:
        named = read_object(files[SPECIAL_TOKENS])
        values |= {role: named[role] for role in _ROLES if role in named}
    tokens = {role: _token(value, True) for role, value in values.items()}
    return {role: token for role, token in tokens.items() if token is not None}


def _extra(files: Mapping[str, Path], settings: Mapping[str, Any]) -> list[Token]:
    """The special tokens that have no role."""
    sources = [settings]
    if SPECIAL_TOKENS in files and "added_tokens_decoder" not in settings:
        sources.append(read_object(files[SPECIAL_TOKENS]))
    values = [value for source in sources for name in _LISTS for value in _values(source.get(name))]
    return [token for value in values if (token := _token(value, True)) is not None]


def _values(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
