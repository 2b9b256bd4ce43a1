"""The identity of a tokenizer: equal for tokenizers that give every text the same ids and every id the same text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

OPENAI: Final = "6a6c3acb022b8565fab6809f36af03becbc155e61fd7e179fdf2f1905a9bb135"
"""`identity` of GPT-2's own tokenizer, in whatever files it is stored."""

_ROUTES: Final = ("trim_offsets", "cache_capacity")
"""Options that change neither ids nor text."""


def identity(described: Mapping[str, Any]) -> str:
    """SHA-256 in hexadecimal of what decides the ids and the text of a described tokenizer.

    Options that are off or empty count as absent, so that files of different versions of ``tokenizers`` agree.
    """
    model = dict(described["model"])
    if isinstance(model["vocab"], dict):
        model["vocab"] = sorted(model["vocab"], key=model["vocab"].__getitem__)
    if model.get("unk_token") not in model["vocab"]:
        model["unk_token"] = None
    has_normalizer = described.get("normalizer") is not None
    added = [
        {key: value for key, value in token.items() if has_normalizer or key != "normalized"}
        for token in described["added_tokens"]
    ]
    parts = {
        "model": _without_defaults(model),
        "normalizer": _without_defaults(described.get("normalizer")),
        "pre_tokenizer": _without_defaults(_pre_tokenizer(described.get("pre_tokenizer"))),
        "decoder": _without_defaults(_decoder(described.get("decoder"))),
        "added_tokens": [_without_defaults(token) for token in added],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _pre_tokenizer(part: Any) -> Any:
    """With ``use_regex``, which is on where it is not named, said the other way round."""
    if isinstance(part, dict) and part.get("type") == "ByteLevel":
        return {**part, "use_regex": None, "no_regex": part.get("use_regex") is False}
    if isinstance(part, dict) and isinstance(part.get("pretokenizers"), list):
        return {**part, "pretokenizers": [_pre_tokenizer(child) for child in part["pretokenizers"]]}
    return part


def _decoder(part: Any) -> Any:
    """Without the options of a byte-level decoder, none of which it uses."""
    if isinstance(part, dict) and part.get("type") == "ByteLevel":
        return {"type": "ByteLevel"}
    if isinstance(part, dict) and isinstance(part.get("decoders"), list):
        return {**part, "decoders": [_decoder(child) for child in part["decoders"]]}
    return part


def _without_defaults(part: Any) -> Any:
    if isinstance(part, dict):
        return {
            key: _without_defaults(value)
            for key, value in part.items()
            if key not in _ROUTES and value is not None and value is not False and value != ""
        }
    return part
