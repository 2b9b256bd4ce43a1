"""Chooses and loads the tokenizer of a model folder. Imports no torch."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gptdesk.bounded_read import ContentError
from gptdesk.bounded_read import read_object as read_any_object
from gptdesk.errors import UserError, brief
from gptdesk.gpt2.config import VOCAB_SIZE, GPT2Config
from gptdesk.gpt2.layout import CONFIG_FILE
from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.gpt2.tokenizers.description import describe
from gptdesk.gpt2.tokenizers.folder_files import (
    ASSUMED,
    GENERATION_CONFIG,
    TOKENIZER_CONFIG,
    VOCABULARY_FILES,
    VOCABULARY_NAMES,
    foreign_vocabularies,
    has_vocabulary,
    read_object,
    tokenizer_files,
)
from gptdesk.gpt2.tokenizers.folder_tokenizer import FolderTokenizer
from gptdesk.gpt2.tokenizers.identity import OPENAI, identity
from gptdesk.gpt2.tokenizers.openai import END_OF_TEXT_STRING, gpt2_tokenizer
from gptdesk.gpt2.tokenizers.vocabulary_checks import all_tokens

_KEPT = 8
"""Tokenizers that stay loaded: those of the models that are used in turn."""


def load_tokenizer(folder: Path, config: GPT2Config) -> Tokenizer:
    """The tokenizer of a model folder: what its files describe, else OpenAI's where the size fits.

    Files that describe OpenAI's tokens, whatever they are called, give the compiled tokenizer of tiktoken.

    Args:
        folder: of the model.
        config: of the model; says how many tokens it has rows for.

    Raises:
        UserError: when the files are damaged or contradict the model, or there are none and OpenAI's tokens do not fit.
    """
    watched = [*tokenizer_files(folder), folder / CONFIG_FILE]
    state = tuple((path.name, status.st_mtime_ns, status.st_size) for path in watched if (status := _status(path)))
    return _load(folder.absolute(), config.vocab_size, state)


def brings_tokenizer(folder: Path) -> bool:
    """Whether a model folder came with a vocabulary, be it OpenAI's; else OpenAI's is assumed.

    Raises:
        UserError: when its files are damaged.
    """
    files = {path.name: path for path in tokenizer_files(folder)}
    if not has_vocabulary(files):
        return False
    return TOKENIZER_CONFIG not in files or read_object(files[TOKENIZER_CONFIG]).get(ASSUMED) is not True


def _status(path: Path) -> Any:
    try:
        return path.stat()
    except OSError:
        return None


@functools.lru_cache(maxsize=_KEPT)
def _load(folder: Path, rows: int, state: tuple[tuple[str, int, int], ...]) -> Tokenizer:
    """`load_tokenizer`; ``state`` of the files makes those that were changed be read again."""
    described = describe(folder)
    if described is None:
        if rows < VOCAB_SIZE or foreign_vocabularies(folder):
            raise _missing(folder, rows)
        ends, start = _ends(folder, VOCAB_SIZE, {END_OF_TEXT_STRING: VOCAB_SIZE - 1}, {})
        return gpt2_tokenizer().ending_at(ends, start)
    source = _source(folder)
    tokens = all_tokens(source, described)
    if len(tokens) > rows:
        extra = next(token for token, id in tokens.items() if id >= rows)
        raise UserError(
            f"{source} has {len(tokens):,} tokens, but the model in {folder} has rows for {rows:,}: {brief(extra)} has "
            "none. The tokenizer belongs to another model."
        )
    ends, start = _ends(folder, len(tokens), tokens, described["roles"])
    if len(tokens) == VOCAB_SIZE and identity(described) == OPENAI:
        return gpt2_tokenizer().ending_at(ends, start)
    return FolderTokenizer(source, described, end_ids=ends, start_of_text=start)


def _source(folder: Path) -> Path:
    """The file of the vocabulary.

    Raises:
        UserError: when there is none any more: another program may remove or rename the model meanwhile.
    """
    names = {path.name for path in tokenizer_files(folder)}
    for group in VOCABULARY_FILES:
        if names.issuperset(group):
            return folder / group[0]
    raise UserError(f"The tokenizer files of {folder} are gone; was the model removed or renamed?")


def _missing(folder: Path, rows: int) -> UserError:
    if foreign := foreign_vocabularies(folder):
        return UserError(
            f"The tokenizer in {folder} ({', '.join(foreign[:3])}) has a form that cannot be read: load it with "
            f"transformers and save it there, as {VOCABULARY_NAMES}."
        )
    return UserError(
        f"The model in {folder} has {rows:,} tokens, too few to be OpenAI's {VOCAB_SIZE:,}, and the folder brings no "
        f"tokenizer: put its {VOCABULARY_NAMES} there."
    )


def _ends(
    folder: Path, vocab_size: int, tokens: Mapping[str, int], roles: Mapping[str, str]
) -> tuple[tuple[int, ...], int | None]:
    """The tokens that end a text, and the one that begins it.

    ``generation_config.json`` says it, else ``config.json``, else the special tokens. Ids that the vocabulary lacks do
    not count: ``transformers`` writes 50256 into the config of every GPT-2.
    """
    names = {path.name: path for path in tokenizer_files(folder)}
    generation = read_object(names[GENERATION_CONFIG]) if GENERATION_CONFIG in names else {}
    try:
        config = read_any_object(folder / CONFIG_FILE)
    except (OSError, ContentError):  # `read_config` says what is wrong with it
        config = {}

    def chosen(key: str, *role_names: str) -> tuple[int, ...]:
        for values in (generation, config):
            named = values.get(key)
            ids = [id for id in (named if isinstance(named, list) else [named]) if type(id) is int]
            if known := tuple(dict.fromkeys(id for id in ids if 0 <= id < vocab_size)):
                return known
        named_tokens = [roles[role] for role in role_names if role in roles]
        return tuple(tokens[name] for name in (*named_tokens, END_OF_TEXT_STRING) if name in tokens)[:1]

    ends = chosen("eos_token_id", "eos_token")
    starts = chosen("bos_token_id", "bos_token", "cls_token")
    return ends, (starts or ends or (None,))[0]
