"""Contents of a new tokenizer's files, as Hugging Face's libraries read them: byte-level BPE, bytes, characters."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from gptdesk.gpt2.tokenizers.byte_letters import byte_letters
from gptdesk.gpt2.tokenizers.folder_files import GENERATION_CONFIG, MERGES, TOKENIZER_CONFIG, TOKENIZER_JSON, VOCABULARY
from gptdesk.gpt2.tokenizers.openai import END_OF_TEXT_STRING

Files = Mapping[str, bytes]
"""Contents by name."""

BYTES: Final = 256
"""Tokens that every byte-level vocabulary has."""


def bpe_files(vocabulary: Mapping[str, int], merges: Sequence[tuple[str, str]]) -> Files:
    """Byte-level BPE, which cuts text by GPT-2's pattern before it merges.

    Args:
        vocabulary: ids by token, in the letters of `byte_letters`; ids are 0 ... n - 1. The end of text becomes n.
        merges: pairs of tokens, in the order of learning.
    """
    end = len(vocabulary)
    tokens = {**vocabulary, END_OF_TEXT_STRING: end}
    model = {
        "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "", "end_of_word_suffix": "",
        "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, "vocab": tokens,
        "merges": [list(pair) for pair in merges],
    }  # fmt: skip
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    lines = ("#version: 0.2", *(f"{left} {right}" for left, right in merges))
    return {
        TOKENIZER_JSON: _tokenizer_json(model, byte_level, byte_level, end),
        VOCABULARY: _json(tokens, indent=None),
        MERGES: "".join(f"{line}\n" for line in lines).encode(),
        **_settings("GPT2Tokenizer", end),
    }


def byte_files() -> Files:
    """Every byte is a token, whose id is the byte; then comes the end of text."""
    return bpe_files({letter: byte for byte, letter in sorted(byte_letters().items())}, [])


def character_files(characters: Sequence[str], *, ends: bool = True) -> Files:
    """Every character is a token, as in nanoGPT's data/shakespeare_char.

    Args:
        characters: in the order of their ids, which are 0 ... n - 1.
        ends: whether n is the token that ends a text; nanoGPT has none.
    """
    vocabulary = {character: id for id, character in enumerate(characters)}
    model = {"type": "WordLevel", "vocab": vocabulary, "unk_token": ""}
    each = {"type": "Split", "pattern": {"Regex": r"[\s\S]"}, "behavior": "Isolated", "invert": False}
    end = len(vocabulary) if ends else None
    return {
        TOKENIZER_JSON: _tokenizer_json(model, each, {"type": "Fuse"}, end),
        **_settings("PreTrainedTokenizerFast", end),
    }


def _tokenizer_json(
    model: Mapping[str, Any], cutter: Mapping[str, Any], decoder: Mapping[str, Any], end: int | None
) -> bytes:
    token = {
        "id": end, "content": END_OF_TEXT_STRING, "single_word": False, "lstrip": False, "rstrip": False,
        "normalized": False, "special": True,
    }  # fmt: skip
    values = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [] if end is None else [token],
        "normalizer": None,
        "pre_tokenizer": cutter,
        "post_processor": None,
        "decoder": decoder,
        "model": model,
    }
    return _json(values, indent=None)


def _settings(kind: str, end: int | None) -> Files:
    """The class that reads the files, and the token that ends a text, if there is one."""
    config = {"add_prefix_space": False, "clean_up_tokenization_spaces": False, "tokenizer_class": kind}
    if end is None:
        return {TOKENIZER_CONFIG: _json(config)}
    tokens = {"bos_token": END_OF_TEXT_STRING, "eos_token": END_OF_TEXT_STRING}
    ids = {f"{name}_id": end for name in tokens}
    return {TOKENIZER_CONFIG: _json(config | tokens), GENERATION_CONFIG: _json(ids)}


def _json(values: Mapping[str, Any], indent: int | None = 2) -> bytes:
    return (json.dumps(values, indent=indent, ensure_ascii=False) + "\n").encode()
