"""Reads the tokenizer files of a model folder, bounded and with one sentence for what is wrong."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from gptdesk.bounded_read import ContentError, parse_json, read_bytes
from gptdesk.errors import UserError
from gptdesk.gpt2.layout import check_is_no_pointer

TOKENIZER_CONFIG: Final = "tokenizer_config.json"
CHAT_TEMPLATE: Final = "chat_template.jinja"
GENERATION_CONFIG: Final = "generation_config.json"
TOKENIZER_JSON: Final = "tokenizer.json"
VOCABULARY: Final = "vocab.json"
MERGES: Final = "merges.txt"
WORD_PIECES: Final = "vocab.txt"
ADDED_TOKENS: Final = "added_tokens.json"
SPECIAL_TOKENS: Final = "special_tokens_map.json"

TOKENIZER_FILES: Final = (
    TOKENIZER_JSON,
    VOCABULARY,
    MERGES,
    WORD_PIECES,
    TOKENIZER_CONFIG,
    ADDED_TOKENS,
    SPECIAL_TOKENS,
    CHAT_TEMPLATE,
    GENERATION_CONFIG,
)
"""Names of the files beside a model's weights that say how text becomes its tokens, and when it is to stop."""

VOCABULARY_FILES: Final = ((TOKENIZER_JSON,), (VOCABULARY, MERGES), (WORD_PIECES,))
"""Files that hold a whole vocabulary, the first that is there counts; the others of `TOKENIZER_FILES` add to it."""

VOCABULARY_NAMES: Final = ", or ".join(" and ".join(group) for group in VOCABULARY_FILES)
"""`VOCABULARY_FILES` in words."""

ASSUMED: Final = "gptdesk_assumed"
"""Key of ``tokenizer_config.json``: OpenAI's tokens were put there because the folder brought none that are read."""

_FOREIGN: Final = ("*.model", "spiece.*", "sentencepiece.*", "*.tiktoken")
"""Vocabularies in forms that are not read."""

LARGEST: Final = 64 * 2**20
"""Bytes that a tokenizer's file may have; GPT-2's largest has 1.4 million, a multilingual one 20."""


def tokenizer_files(folder: Path) -> list[Path]:
    """The tokenizer's files that a model folder holds.

    Raises:
        UserError: when one is too large to be one, or a pointer of Git LFS.
    """
    files = [folder / name for name in TOKENIZER_FILES if os.path.isfile(folder / name)]
    for file in files:
        check_is_no_pointer(file)
        if (size := file.stat().st_size) > LARGEST:
            raise UserError(f"{file} has {size:,} bytes, which no tokenizer has; remove it from the folder.")
    return files


def has_vocabulary(names: Mapping[str, object] | set[str]) -> bool:
    """Whether files of these names hold a whole vocabulary."""
    return any(all(name in names for name in group) for group in VOCABULARY_FILES)


def foreign_vocabularies(folder: Path) -> list[str]:
    """Names of vocabularies in the folder whose form is not read."""
    return foreign_names(os.listdir(folder)) if folder.is_dir() else []


def foreign_names(names: Iterable[str]) -> list[str]:
    """Those of the names that vocabularies have whose form is not read."""
    return sorted({name for name in names for pattern in _FOREIGN if fnmatch.fnmatchcase(name, pattern)})


def check_form(place: str, names: Collection[str]) -> None:
    """Refuses a model whose only vocabulary has a form that is not read: OpenAI's would be taken for it.

    Args:
        place: of the model, for the message: its folder, or its name on the hub.
        names: of the files there.

    Raises:
        UserError: when it has such a vocabulary and no other.
    """
    if not has_vocabulary(set(names)) and (foreign := foreign_names(names)):
        raise UserError(
            f"The tokenizer of {place} ({', '.join(foreign[:3])}) has a form that cannot be read: load it with "
            f"transformers, save it beside the weights as {VOCABULARY_NAMES}, and import that folder."
        )


def read_file(path: Path) -> bytes:
    """Contents of a tokenizer's file.

    Raises:
        UserError: when it cannot be read or is too large.
    """
    try:
        return read_bytes(path, largest=LARGEST)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from error
    except ContentError as error:
        raise damaged(path, str(error)) from error


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a tokenizer's file.

    Raises:
        UserError: when the file holds none.
    """
    try:
        value = parse_json(read_file(path))
    except ContentError as error:
        raise damaged(path, str(error)) from error
    if not isinstance(value, dict):
        raise damaged(path, "it holds no JSON object")
    return value


def read_lines(path: Path) -> list[str]:
    """The lines of a text file in UTF-8, without their ends; a last line that is empty is none.

    Raises:
        UserError: when it is not UTF-8.
    """
    try:
        lines = read_file(path).decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise damaged(path, "it is not UTF-8 text") from error
    return [line.removesuffix("\r") for line in (lines if lines[-1] else lines[:-1])]


def damaged(path: Path, why: str) -> UserError:
    """What is said of a file that cannot be used; ``why`` is a clause."""
    return UserError(f"{path} is damaged: {why}; copy or download it again.")
