"""Checks the vocabulary and merges of a tokenizer before they are handed to the library that compiles them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from gptdesk.errors import UserError, brief
from gptdesk.gpt2.tokenizers.folder_files import damaged

MODELS: Final = ("BPE", "WordPiece", "WordLevel", "Unigram")
"""Kinds of vocabulary that the ``tokenizers`` library has."""

MOST_TOKENS: Final = 1_000_000
"""As many as a model may have rows (`GPT2Config`)."""


def check_model(source: Path, described: dict[str, Any]) -> None:
    """Checks what a description says of its vocabulary; merges become pairs of tokens.

    Raises:
        UserError: when ids are missing, no whole numbers or given twice, or when a merge joins what is no token.
    """
    model = described["model"]
    if model.get("type") not in MODELS:
        raise UserError(
            f"{source} holds a vocabulary of the kind {brief(model.get('type'))}; {', '.join(MODELS)} can be read."
        )
    tokens = model_tokens(source, model)
    if len(tokens) > MOST_TOKENS:
        raise UserError(f"{source} has {len(tokens):,} tokens, more than any model; copy or download it again.")
    ids = set(tokens.values())
    if len(ids) < len(tokens):
        raise damaged(source, "two of its tokens have the same id")
    if model["type"] == "BPE":
        model["merges"] = list(_merges(source, model, tokens))


def model_tokens(source: Path, model: dict[str, Any]) -> dict[str, int]:
    """The ids of a vocabulary's tokens, without added ones, by their text.

    Raises:
        UserError: when it does not hold tokens with whole numbers.
    """
    vocabulary = model.get("vocab")
    if isinstance(vocabulary, dict) and model["type"] != "Unigram":
        if all(type(id) is int and 0 <= id < 2**31 for id in vocabulary.values()):
            return vocabulary
        raise damaged(source, "ids of its tokens are no whole numbers")
    if isinstance(vocabulary, list) and model["type"] == "Unigram":
        names = [entry[0] for entry in vocabulary if isinstance(entry, list) and len(entry) == 2]
        if len(names) == len(vocabulary) and all(isinstance(name, str) for name in names):
            return {name: id for id, name in enumerate(names)}
    raise damaged(source, "its vocabulary is no table of tokens")


def all_tokens(source: Path, described: dict[str, Any]) -> dict[str, int]:
    """The ids of all tokens of a description, added ones too, by their text."""
    added = {token["content"]: token["id"] for token in described["added_tokens"]}
    return model_tokens(source, described["model"]) | added


def tokens_by_id(described: dict[str, Any]) -> list[str]:
    """The text of each token of a description without holes, by id."""
    tokens = all_tokens(Path(), described)
    return sorted(tokens, key=tokens.__getitem__)


def _merges(source: Path, model: dict[str, Any], tokens: dict[str, int]) -> Iterator[list[str]]:
    """The two tokens that each merge joins."""
    merges = model.get("merges")
    if not isinstance(merges, list):
        raise damaged(source, "its merges are no list")
    prefix = model.get("continuing_subword_prefix") or ""
    if not isinstance(prefix, str):
        raise damaged(source, "the prefix of its subwords is no text")
    for number, merge in enumerate(merges, 1):
        pair = merge.split(" ") if isinstance(merge, str) else merge
        left, right = pair if isinstance(pair, list) and len(pair) == 2 else (None, None)
        if not isinstance(left, str) or not isinstance(right, str):
            raise UserError(
                f"The merges beside {source.name} in {source.parent} have an unknown form: number {number} is "
                f"{brief(merge)}, not two tokens."
            )
        joined = left + right.removeprefix(prefix)
        if left not in tokens or right not in tokens or joined not in tokens:
            missing = next(token for token in (left, right, joined) if token not in tokens)
            raise UserError(
                f"The merges beside {source.name} in {source.parent} belong to another vocabulary: number {number} "
                f"makes {brief(left + right)}, and {brief(missing)} is no token."
            )
        yield [left, right]
