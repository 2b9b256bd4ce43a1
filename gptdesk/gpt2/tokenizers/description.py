"""Describes the tokenizer of a model folder as a ``tokenizer.json`` does, whichever files it is stored in.

Which class of ``transformers`` a folder names changes how its files are read (transformers/models/gpt2/
tokenization_gpt2.py, models/bert/tokenization_bert.py); so it does here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from gptdesk.bounded_read import ContentError
from gptdesk.bounded_read import read_object as read_any_object
from gptdesk.errors import UserError, brief
from gptdesk.gpt2.layout import CONFIG_FILE
from gptdesk.gpt2.tokenizers.added_tokens import with_added_tokens
from gptdesk.gpt2.tokenizers.folder_files import (
    MERGES,
    TOKENIZER_CONFIG,
    TOKENIZER_JSON,
    VOCABULARY,
    WORD_PIECES,
    damaged,
    foreign_vocabularies,
    read_lines,
    read_object,
    tokenizer_files,
)
from gptdesk.gpt2.tokenizers.vocabulary_checks import check_model

Description = dict[str, Any]
"""The value of a ``tokenizer.json``, checked."""

_BYTE_LEVEL: Final = ("", "GPT2Tokenizer")
"""Classes that cut text into words as GPT-2 does; the empty name is ``transformers``' default for GPT-2 models."""

_ASSUMABLE: Final = (*_BYTE_LEVEL, "PreTrainedTokenizer", "TokenizersBackend")
"""Classes whose missing vocabulary may be OpenAI's."""

_WORD_PIECE: Final = ("", "BertTokenizer", "PreTrainedTokenizer", "TokenizersBackend")
"""Classes that may read a ``vocab.txt`` as BERT does."""


def describe(folder: Path) -> Description | None:
    """The tokenizer that a folder brings; None where it brings none.

    Raises:
        UserError: when a file is damaged, or files contradict each other.
    """
    files = {file.name: file for file in tokenizer_files(folder)}
    settings = _settings(files)
    kind = _class_name(folder, settings)
    if TOKENIZER_JSON in files:
        source = files[TOKENIZER_JSON]
        described = _from_tokenizer_json(source)
        _apply_class(described, kind, settings)
    elif VOCABULARY in files and MERGES in files:
        source = files[VOCABULARY]
        described = _byte_level(source, files[MERGES], settings)
    elif WORD_PIECES in files:
        source = files[WORD_PIECES]
        if kind not in _WORD_PIECE:
            raise UserError(
                f"{source} is the vocabulary of a {brief(kind)}, which cannot be read; load that tokenizer with "
                f"transformers and save it as {TOKENIZER_JSON}."
            )
        described = _word_pieces(source, settings)
        kind = "BertTokenizer"
    elif kind in _ASSUMABLE:
        return None
    else:
        raise UserError(
            f"{folder} says that its tokenizer is a {brief(kind)}, but has no vocabulary that can be read: load that "
            f"tokenizer with transformers and save it there as {TOKENIZER_JSON}."
        )
    check_model(source, described)
    return with_added_tokens(source, described, files, settings, kind)


def may_be_openais(folder: Path) -> bool:
    """Whether nothing in a folder without a vocabulary says that its tokens are others than OpenAI's.

    Raises:
        UserError: when a file is damaged.
    """
    settings = _settings({file.name: file for file in tokenizer_files(folder)})
    return not foreign_vocabularies(folder) and _class_name(folder, settings) in _ASSUMABLE


def tokenizer_class(folder: Path) -> str:
    """The class of ``transformers`` that reads a folder's tokenizer, where its files or those of its model name it or
    have one form alone; empty where the model's kind decides.

    Raises:
        UserError: when a file is damaged.
    """
    files = {file.name: file for file in tokenizer_files(folder)}
    pieces = WORD_PIECES in files and not {TOKENIZER_JSON, VOCABULARY} & files.keys()
    return _class_name(folder, _settings(files)) or ("BertTokenizer" if pieces else "")


def _settings(files: Mapping[str, Path]) -> dict[str, Any]:
    return read_object(files[TOKENIZER_CONFIG]) if TOKENIZER_CONFIG in files else {}


def _class_name(folder: Path, settings: Mapping[str, Any]) -> str:
    """The tokenizer class that the folder names, without "Fast"; empty when none."""
    name = settings.get("tokenizer_class")
    if not name:
        try:
            name = read_any_object(folder / CONFIG_FILE).get("tokenizer_class")
        except (OSError, ContentError):  # `read_config` says what is wrong with it
            name = None
    return name.removesuffix("Fast") if isinstance(name, str) else ""


def _from_tokenizer_json(path: Path) -> Description:
    value = read_object(path)
    model = value.get("model")
    if not isinstance(model, dict):
        raise damaged(path, "it describes no vocabulary")
    if "type" not in model:  # as older versions wrote it
        kind = "WordLevel"
        if "merges" in model:
            kind = "BPE"
        elif "max_input_chars_per_word" in model:
            kind = "WordPiece"
        elif isinstance(model.get("vocab"), list):
            kind = "Unigram"
        model = {"type": kind, **model}
    if model.get("dropout") is not None:  # for training: it makes the ids of a text random
        model = {**model, "dropout": None}
    keys = ("normalizer", "pre_tokenizer", "decoder", "added_tokens")
    # Truncation, padding and the tokens that are put around a text are no part of what its own tokens are.
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        **{key: value.get(key) for key in keys},
        "post_processor": None,
        "model": model,
    }


def _apply_class(described: Description, kind: str, settings: Mapping[str, Any]) -> None:
    """Puts options of ``tokenizer_config.json`` in place of those in ``tokenizer.json`` where the class does so."""
    if kind in _BYTE_LEVEL and _is(described["pre_tokenizer"], "ByteLevel"):
        described["pre_tokenizer"]["add_prefix_space"] = settings.get("add_prefix_space") is True
    if kind == "BertTokenizer" and _is(described["normalizer"], "BertNormalizer"):
        described["normalizer"] |= _bert_options(settings)


def _is(part: Any, kind: str) -> bool:
    return isinstance(part, dict) and part.get("type") == kind


def _byte_level(vocabulary: Path, merges: Path, settings: Mapping[str, Any]) -> Description:
    lines = [line for line in read_lines(merges) if line and not line.startswith("#version")]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "ByteLevel",
            "add_prefix_space": settings.get("add_prefix_space") is True,
            "trim_offsets": True,
            "use_regex": True,
        },
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": read_object(vocabulary),
            "merges": lines,
        },
    }


def _word_pieces(path: Path, settings: Mapping[str, Any]) -> Description:
    unknown = settings.get("unk_token", "[UNK]")
    tokens = [line.rstrip() for line in read_lines(path)]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, **_bert_options(settings)},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": None,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": unknown if isinstance(unknown, str) else "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {token: id for id, token in enumerate(tokens)},
        },
    }


def _bert_options(settings: Mapping[str, Any]) -> dict[str, bool | None]:
    accents = settings.get("strip_accents")
    return {
        "handle_chinese_chars": settings.get("tokenize_chinese_chars", True) is not False,
        "strip_accents": accents if isinstance(accents, bool) else None,
        "lowercase": settings.get("do_lower_case", True) is not False,
    }
