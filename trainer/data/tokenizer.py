"""The tokenizer of prepared data: what the manifest says of it, and the copy of its files. Imports no torch."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gptdesk.errors import UserError
from gptdesk.files import sync_file, sync_folder
from gptdesk.gpt2.config import END_OF_TEXT, VOCAB_SIZE, GPT2Config
from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.gpt2.tokenizer_files import ChatFormat
from gptdesk.gpt2.tokenizers.description import tokenizer_class
from gptdesk.gpt2.tokenizers.folder_files import (
    CHAT_TEMPLATE,
    GENERATION_CONFIG,
    TOKENIZER_CONFIG,
    VOCABULARY_FILES,
    read_object,
    tokenizer_files,
)
from gptdesk.gpt2.tokenizers.loading import brings_tokenizer, load_tokenizer
from gptdesk.gpt2.tokenizers.openai import END_OF_TEXT_STRING, RANKS_SHA256, gpt2_tokenizer
from gptdesk.gpt2.tokenizers.vocabulary_checks import MOST_TOKENS
from trainer.data.arrays import Kind, Stamp, token_kind

TOKENIZER: Final = "tokenizer"
"""Folder of the tokenizer's files in a prepared folder; absent for OpenAI's."""

_GPT2: Final = "gpt2"
"""What manifests call OpenAI's tokenizer."""


@dataclass(frozen=True)
class DataTokenizer:
    """The tokenizer of prepared data, as the manifest names it.

    Attributes:
        name: for display.
        sha256: its identity, see `gptdesk.gpt2.tokenizer.Tokenizer`.
        vocab_size: number of tokens.
        separator: text of the token that ends each document.
        end_of_text: its id.
    """

    name: str = _GPT2
    sha256: str = RANKS_SHA256
    vocab_size: int = VOCAB_SIZE
    separator: str = END_OF_TEXT_STRING
    end_of_text: int = END_OF_TEXT

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> DataTokenizer:
        """The entry of a manifest for a tokenizer that has a token for the end of a text."""
        assert tokenizer.end_of_text is not None
        is_gpt2 = tokenizer.sha256 == RANKS_SHA256
        return cls(
            _GPT2 if is_gpt2 else tokenizer.name,
            tokenizer.sha256,
            tokenizer.vocab_size,
            tokenizer.piece(tokenizer.end_of_text),
            tokenizer.end_of_text,
        )

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any]) -> DataTokenizer:
        """The tokenizer that a manifest, as `read_manifest` returns it, names; OpenAI's where it names none."""
        named = manifest.get("tokenizer", {})
        return cls(**{key: named[key] for key in cls.__dataclass_fields__ if key in named})

    @property
    def kind(self) -> Kind:
        """Of the shards that hold its ids."""
        return token_kind(self.vocab_size)

    @property
    def stamp(self) -> Stamp:
        return Stamp(self.sha256, self.end_of_text)

    @property
    def is_gpt2(self) -> bool:
        return self.sha256 == RANKS_SHA256

    @property
    def label(self) -> str:
        """Names it in a sentence, so that two are told apart."""
        return "GPT-2's tokenizer" if self.is_gpt2 else f"{self.name} ({self.sha256[:8]})"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def files(self, folder: Path) -> Path | None:
        """The folder of its files in a prepared folder; None for OpenAI's, which the program has."""
        return None if self.is_gpt2 else folder / TOKENIZER

    def load(self, folder: Path) -> Tokenizer:
        """The tokenizer itself, from its files in a prepared folder.

        Raises:
            UserError: when they are missing, damaged or of another tokenizer.
        """
        files = self.files(folder)
        if files is None:
            return gpt2_tokenizer()
        tokenizer = open_tokenizer(files)
        if tokenizer.sha256 != self.sha256:
            raise UserError(
                f"The tokenizer in {files} is {label(tokenizer)}, and the data was prepared with {self.label}; prepare "
                "the data again."
            )
        return tokenizer


def label(tokenizer: Tokenizer) -> str:
    """Names a tokenizer in a sentence, so that two are told apart."""
    if tokenizer.sha256 == RANKS_SHA256:
        return "GPT-2's tokenizer"
    return f"{tokenizer.name} ({tokenizer.sha256[:8]})"


def token_lengths(tokenizer: Tokenizer) -> npt.NDArray[np.int64]:
    """Bytes of UTF-8 that each token stands for, (vocab_size) int64; special tokens stand for none."""
    special = set(tokenizer.special_tokens.values())
    sizes = (0 if id in special else len(tokenizer.token_bytes(id)) for id in range(tokenizer.vocab_size))
    return np.fromiter(sizes, np.int64, tokenizer.vocab_size)


@functools.lru_cache(maxsize=4)
def _open(folder: str, state: tuple[tuple[str, int], ...]) -> Tokenizer:
    return load_tokenizer(Path(folder), GPT2Config(vocab_size=MOST_TOKENS))


def open_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer whose files a folder holds, be it a model's.

    Raises:
        UserError: when there is none, it is damaged, or it has no token that ends a text.
    """
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder} with a tokenizer in it.")
    if not brings_tokenizer(folder):
        wanted = ", or ".join(" and ".join(group) for group in VOCABULARY_FILES)
        raise UserError(f"{folder} holds no tokenizer: there is no {wanted} in it.")
    state = tuple((file.name, file.stat().st_mtime_ns) for file in tokenizer_files(folder))
    tokenizer = _open(str(folder.absolute()), state)
    if tokenizer.end_of_text is None:
        raise UserError(
            f"The tokenizer in {folder} has no token that ends a text, which training data needs: name one as "
            "eos_token in its tokenizer_config.json."
        )
    return tokenizer


def copy_tokenizer(source: Path, target: Path) -> None:
    """Copies a tokenizer's files, synced, into a folder that is made; its chat template stays behind.

    What ends a text and which class reads the files may stand in the model's configuration, which is not copied; it is
    written down beside the files.

    Raises:
        UserError: when the tokenizer cannot be used.
        OSError: when it cannot be written.
    """
    tokenizer = open_tokenizer(source)
    target.mkdir(exist_ok=True)
    names = []
    for file in tokenizer_files(source):
        if file.name not in (CHAT_TEMPLATE, GENERATION_CONFIG):
            shutil.copyfile(file, target / file.name)
            names.append(file.name)
    settings = read_object(source / TOKENIZER_CONFIG) if TOKENIZER_CONFIG in names else {}
    if not settings.get("tokenizer_class") and (kind := tokenizer_class(source)):
        text = json.dumps(settings | {"tokenizer_class": kind}, indent=2, ensure_ascii=False)
        (target / TOKENIZER_CONFIG).write_text(f"{text}\n", encoding="utf-8")
        names = list(dict.fromkeys([*names, TOKENIZER_CONFIG]))
    first, *others = tokenizer.end_ids
    ends = {"bos_token_id": tokenizer.start_of_text, "eos_token_id": [first, *others] if others else first}
    (target / GENERATION_CONFIG).write_text(json.dumps(ends) + "\n", encoding="utf-8")
    for name in (*names, GENERATION_CONFIG):
        sync_file(target / name)
    sync_folder(target)


def place_tokenizer(source: Path, model: Path, *, context: int, chat: ChatFormat | None) -> None:
    """Writes a tokenizer's files into the folder of a model.

    Args:
        source: folder of the tokenizer's files.
        model: folder of the model.
        context: the model's longest context, in tokens.
        chat: how a conversation with the model becomes text.

    Raises:
        UserError: when the tokenizer cannot be used.
        OSError: when it cannot be written.
    """
    copy_tokenizer(source, model)
    path = model / TOKENIZER_CONFIG
    values = read_object(path) if path.exists() else {}
    values = {key: value for key, value in values.items() if key not in ("chat_template", "stop_strings")}
    values["model_max_length"] = context
    if chat is not None:
        values |= {"chat_template": chat.chat_template, "stop_strings": list(chat.stop_strings)}
    path.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
