"""Converts checkpoints of nanoGPT (https://github.com/karpathy/nanoGPT, ``train.py``), with their vocabulary."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from gptdesk.bounded_read import ContentError, read_bytes
from gptdesk.errors import UserError
from gptdesk.gpt2.config import VOCAB_SIZE, GPT2Config
from gptdesk.gpt2.tokenizers.file_contents import character_files
from gptdesk.gpt2.tokenizers.folder_files import has_vocabulary, tokenizer_files
from gptdesk.library.files import copy_files, silent
from gptdesk.library.pickles import named_weights, write_model

META: Final = "meta.pkl"
"""Vocabulary of a data set of characters: ``{"itos": {id: character}, ...}``, written by its ``prepare.py``."""

_PADDED_VOCABULARY: Final = 50_304
"""GPT-2's 50,257 tokens, padded to a multiple of 64 as in nanoGPT; the padding is never used."""

_LARGEST_META: Final = 4 << 20
"""Bytes; 65 characters take 700, a hundred thousand 2 million."""

_DATASET: Final = re.compile(r"[\w-][\w.-]{0,99}")

_PLAIN: Final = frozenset(
    (
        "PROTO", "FRAME", "STOP", "MARK", "EMPTY_DICT", "DICT", "SETITEM", "SETITEMS", "EMPTY_LIST", "LIST", "APPEND",
        "APPENDS", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "NONE", "NEWTRUE", "NEWFALSE", "INT", "BININT",
        "BININT1", "BININT2", "LONG1", "BINFLOAT", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "MEMOIZE", "PUT",
        "BINPUT", "LONG_BINPUT", "GET", "BINGET", "LONG_BINGET",
    )
)  # fmt: skip
"""Opcodes of pickles that make dicts, lists, numbers and text; none imports or calls anything."""


def is_nanogpt(values: Any) -> bool:
    """Whether these are the contents of a checkpoint of nanoGPT."""
    return isinstance(values, dict) and "model_args" in values and "model" in values


def convert_nanogpt(file: Path, checkpoint: Mapping[str, Any], target: Path, advance: Callable[[int], None]) -> None:
    """Writes a model folder from a checkpoint.

    Args:
        file: the checkpoint.
        checkpoint: its contents.
        target: folder to write to.
        advance: as `gptdesk.library.pickles.write_model`.

    Raises:
        UserError: when it holds no GPT-2, or nothing says what the model's tokens are.
    """
    config = _config(file, checkpoint["model_args"])
    weights = named_weights(file, checkpoint["model"], transposed=False)
    ids = _write_vocabulary(file, checkpoint, config.vocab_size, target) if config.vocab_size < VOCAB_SIZE else None
    rows = VOCAB_SIZE if config.vocab_size == _PADDED_VOCABULARY else None
    write_model(file, config, weights, target, advance, vocab_size=rows, token_ids=ids)


def vocabulary_beside(file: Path) -> list[Path]:
    """Files beside a checkpoint that may say what its tokens are."""
    meta = file.with_name(META)
    return [*([meta] if os.path.lexists(meta) else []), *tokenizer_files(file.parent)]


def _write_vocabulary(file: Path, checkpoint: Mapping[str, Any], vocab_size: int, target: Path) -> dict[str, Any]:
    """Writes the tokenizer of a model with fewer tokens than GPT-2.

    It comes from `META` beside the checkpoint, from a tokenizer's files there, or from `META` in nanoGPT's folder
    ``data``, the first that there is.

    Args:
        file: the checkpoint.
        checkpoint: its contents.
        vocab_size: tokens of the model.
        target: folder of the model.

    Returns:
        ids of the tokens that begin and end a text, for the model's ``config.json``.

    Raises:
        UserError: when there is no such file, or it is damaged or of another model.
    """
    dataset = _dataset(checkpoint)
    places = [file.with_name(META)]
    if dataset:
        places.append(file.absolute().parent.parent / "data" / dataset / META)
    own = tokenizer_files(file.parent)
    if not places[0].is_file() and has_vocabulary({path.name for path in own}):
        copy_files(own, target, silent)
        return {}
    meta = next((path for path in places if path.is_file()), None)
    if meta is None:
        raise UserError(
            f"{file} has a vocabulary of {vocab_size:,} tokens of its own, and {META}, which names them, is not beside "
            f"it: put the one from nanoGPT's folder data/{dataset or '<data set>'} there."
        )
    for name, contents in character_files(_characters(meta, vocab_size), ends=False).items():
        (target / name).write_bytes(contents)
    return {"bos_token_id": None, "eos_token_id": None}


def _config(file: Path, arguments: Any) -> GPT2Config:
    """The shape of the model.

    Args:
        file: the checkpoint, for messages.
        arguments: its ``model_args``.

    Raises:
        UserError: when they do not describe a GPT-2.
    """
    names = ("vocab_size", "n_layer", "n_head", "n_embd")
    try:
        return GPT2Config(
            **{name: arguments[name] for name in names},
            n_positions=arguments["block_size"],
            bias=bool(arguments.get("bias", True)),
        )
    except (LookupError, TypeError, AttributeError) as error:
        raise UserError(f"{file} does not say what shape its model has, as nanoGPT's checkpoints do.") from error


def _dataset(checkpoint: Mapping[str, Any]) -> str:
    """Name of the data set that the model was trained on; empty where there is none."""
    config = checkpoint.get("config")
    name = config.get("dataset") if isinstance(config, dict) else None
    return name if isinstance(name, str) and _DATASET.fullmatch(name) else ""


def _characters(meta: Path, vocab_size: int) -> list[str]:
    """The characters in the order of their ids."""
    values = _read_plain_pickle(meta)
    by_id = values.get("itos") if isinstance(values, dict) else None
    if not isinstance(by_id, dict) or not all(type(id) is int and isinstance(by_id[id], str) for id in by_id):
        raise UserError(f"{meta} is damaged, or not nanoGPT's: it has no characters by id (itos).")
    if sorted(by_id) != list(range(vocab_size)):
        raise UserError(
            f"{meta} names {len(by_id):,} tokens, and the model has {vocab_size:,}; it is another data set's."
        )
    characters = [by_id[id] for id in range(vocab_size)]
    odd = [text for text in characters if len(text) != 1 or "\ud800" <= text <= "\udfff"]
    if odd or len(set(characters)) < vocab_size:
        raise UserError(f"{meta} has tokens that are not one character each, which is not supported.")
    return characters


def _read_plain_pickle(path: Path) -> Any:
    """The plain values in a pickle; whatever could run code is refused before anything is made of it."""
    try:
        data = read_bytes(path, largest=_LARGEST_META)
        for opcode, argument, _ in pickletools.genops(data):
            # An index of the memo is the size of an array.
            if opcode.name not in _PLAIN or ("PUT" in opcode.name and int(argument or 0) > len(data)):
                raise UserError(
                    f"{path} is not opened: it holds more than characters and their ids, and such files can run code."
                )
        return _PlainUnpickler(io.BytesIO(data)).load()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}).") from error
    except UserError:
        raise
    except ContentError as error:
        raise UserError(f"{path} is damaged: {error}.") from error
    except Exception as error:  # a damaged pickle makes the module raise whatever it stumbles over
        raise UserError(f"{path} is damaged; copy it again.") from error


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"{module_name}.{global_name} is not plain")
