"""Reads and writes the tokenizer files of a model folder, as ``transformers`` does."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from gptdesk.bounded_read import ContentError, read_bytes
from gptdesk.errors import UserError
from gptdesk.gpt2.config import END_OF_TEXT, VOCAB_SIZE
from gptdesk.gpt2.tokenizers.description import may_be_openais
from gptdesk.gpt2.tokenizers.folder_files import (
    ASSUMED,
    CHAT_TEMPLATE,
    LARGEST,
    TOKENIZER_CONFIG,
    has_vocabulary,
    tokenizer_files,
)
from gptdesk.gpt2.tokenizers.openai import END_OF_TEXT_STRING
from gptdesk.gpt2.vocabulary import gpt2_vocabulary

CONTEXT: Final = 1024
"""Tokens of context of OpenAI's models."""


class _TokenizerConfig(msgspec.Struct):
    """What is read of ``tokenizer_config.json``; a value of another type costs only itself."""

    chat_template: Any = None
    stop_strings: Any = None


DEFAULT_TEMPLATE_NAME: Final = "default"
"""Of several templates, each with a name, the one that is used where none is named."""

_CONFIG: Final = msgspec.json.Decoder(_TokenizerConfig)


class ChatFormat(NamedTuple):
    """How a conversation with a model becomes text.

    Attributes:
        chat_template: in Jinja, as `transformers` has it; none when empty.
        stop_strings: end a completion.
    """

    chat_template: str = ""
    stop_strings: tuple[str, ...] = ()


def write_tokenizer(
    folder: Path, *, context: int = CONTEXT, chat_template: str = "", stop_strings: Sequence[str] = ()
) -> None:
    """Writes GPT-2's tokenizer (3 MB) into a model folder, so that ``AutoTokenizer.from_pretrained`` reads it.

    Args:
        folder: of a model with OpenAI's vocabulary; must be there.
        context: the model's longest context, in tokens.
        chat_template: how a conversation becomes text, in Jinja; none when empty.
        stop_strings: end a completion of such a conversation.

    Raises:
        OSError: when it cannot be written.
    """
    for name, data in _vocabulary_files().items():
        (folder / name).write_bytes(data)
    write_tokenizer_config(folder, context=context, chat_template=chat_template, stop_strings=stop_strings)


def write_tokenizer_config(
    folder: Path,
    *,
    context: int = CONTEXT,
    chat_template: str = "",
    stop_strings: Sequence[str] = (),
    assumed: bool = False,
) -> None:
    """Writes ``tokenizer_config.json`` alone; as `write_tokenizer` and `complete_tokenizer`."""
    values: dict[str, Any] = {
        "add_bos_token": False,
        "add_prefix_space": False,
        "bos_token": END_OF_TEXT_STRING,
        "clean_up_tokenization_spaces": False,
        "eos_token": END_OF_TEXT_STRING,
        "errors": "replace",
        "model_max_length": context,
        "tokenizer_class": "GPT2Tokenizer",
        "unk_token": END_OF_TEXT_STRING,
    }
    if assumed:
        values[ASSUMED] = True
    if chat_template:
        values["chat_template"] = chat_template
    if stop_strings:
        values["stop_strings"] = list(stop_strings)
    (folder / TOKENIZER_CONFIG).write_bytes(_json(values))


def complete_tokenizer(
    folder: Path, *, vocab_size: int, context: int = CONTEXT, chat: ChatFormat | None = None, assumed: bool = False
) -> list[str]:
    """Writes GPT-2's tokenizer into a folder that brings none; what the folder has of it stays as it is.

    Nothing is written for a vocabulary that cannot be OpenAI's because it has fewer tokens, or where the folder has a
    vocabulary in a form that is not read.

    Args:
        folder: of a model.
        vocab_size: of the model; OpenAI's 50,257 tokens may be followed by padding.
        context: as in `write_tokenizer`.
        chat: how a conversation with the model becomes text; none when None.
        assumed: whether it is not known that the model was trained with these tokens; the files say so then.

    Returns:
        Names of the files that were written.

    Raises:
        OSError: when they cannot be written.
    """
    here = {file.name for file in tokenizer_files(folder)}
    if vocab_size < VOCAB_SIZE or has_vocabulary(here) or not may_be_openais(folder):
        return []
    written = {name: data for name, data in _vocabulary_files().items() if name not in here}
    for name, data in written.items():
        (folder / name).write_bytes(data)
    if TOKENIZER_CONFIG in here:
        return list(written)
    template, stops = chat or ChatFormat()
    write_tokenizer_config(folder, context=context, chat_template=template, stop_strings=stops, assumed=assumed)
    return [*written, TOKENIZER_CONFIG]


def read_chat_format(folder: Path) -> ChatFormat | None:
    """The chat template that ``apply_chat_template`` uses of a model's folder; None where there is none of use."""
    return read_chat_formats(folder).get(DEFAULT_TEMPLATE_NAME)


def read_chat_formats(folder: Path) -> dict[str, ChatFormat]:
    """All chat templates that a model's folder brings, by name, the default one first, each with the stop strings."""
    with suppress(UserError, OSError, ContentError, msgspec.MsgspecError, UnicodeError, RecursionError):
        files = {file.name: file for file in tokenizer_files(folder)}
        config = _TokenizerConfig()
        if TOKENIZER_CONFIG in files:
            config = _CONFIG.decode(read_bytes(files[TOKENIZER_CONFIG], largest=LARGEST))
        templates = _named_templates(config.chat_template)
        if CHAT_TEMPLATE in files:  # where newer versions of `transformers` write it
            templates[DEFAULT_TEMPLATE_NAME] = read_bytes(files[CHAT_TEMPLATE], largest=LARGEST).decode()
        stops = config.stop_strings if isinstance(config.stop_strings, list) else []
        strings = tuple(stop for stop in stops if isinstance(stop, str) and stop)
        names = sorted(templates, key=lambda name: name != DEFAULT_TEMPLATE_NAME)
        return {name: ChatFormat(templates[name], strings) for name in names if templates[name]}
    return {}


def _named_templates(value: Any) -> dict[str, str]:
    """Templates by name, of one or of a list of objects with names."""
    if not isinstance(value, list):
        value = [{"name": DEFAULT_TEMPLATE_NAME, "template": value}]
    named = [(one.get("name"), one.get("template")) for one in value if isinstance(one, dict)]
    return {name: text for name, text in named if isinstance(name, str) and name and isinstance(text, str)}


@functools.cache
def _vocabulary_files() -> Mapping[str, bytes]:
    """The files that are the same for every model with OpenAI's vocabulary."""
    tokens, merges = gpt2_vocabulary()
    vocabulary = {token: id for id, token in enumerate(tokens)}
    end_of_text = {
        "id": END_OF_TEXT, "content": END_OF_TEXT_STRING, "single_word": False, "lstrip": False, "rstrip": False,
        "normalized": True, "special": True,
    }  # fmt: skip
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [end_of_text],
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": byte_level | {"add_prefix_space": True, "trim_offsets": False},
        "decoder": byte_level | {"add_prefix_space": True},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
            "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False, "vocab": vocabulary,
            "merges": merges,
        },
    }  # fmt: skip
    return {
        "tokenizer.json": _json(tokenizer, indent=None),
        "vocab.json": _json(vocabulary, indent=None),
        "merges.txt": "".join(f"{line}\n" for line in ("#version: 0.2", *merges)).encode(),
        "generation_config.json": _json({"bos_token_id": END_OF_TEXT, "eos_token_id": END_OF_TEXT}),
    }


def _json(values: Mapping[str, Any], indent: int | None = 2) -> bytes:
    return (json.dumps(values, indent=indent, ensure_ascii=False) + "\n").encode()
