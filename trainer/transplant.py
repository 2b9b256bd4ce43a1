"""Gives a trained model another vocabulary, and more layers, so that training goes on from what it knows."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from gptdesk.errors import UserError
from gptdesk.gpt2.checkpoint import load_model, save_weights
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import EMBEDDING, HEAD
from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.gpt2.tokenizers.loading import load_tokenizer
from trainer.data.tokenizer import open_tokenizer, place_tokenizer

_BLOCK: Final = re.compile(r"h\.(\d+)\.(.+)")
_OUTPUTS: Final = ("attn.c_proj.", "mlp.c_proj.")
"""Layers whose results a block adds to the residual stream."""


@dataclass(frozen=True)
class Transplanted:
    """What was written.

    Attributes:
        config: of the model.
        kept: tokens whose vectors are those of the same tokens before.
    """

    config: GPT2Config
    kept: int


def transplant(model_folder: Path, tokenizer_folder: Path, out: Path, *, layers: int = 0) -> Transplanted:
    """Writes a new model folder: the model with another tokenizer, and with more layers where asked for.

    Args:
        model_folder: of a model with its tokenizer.
        tokenizer_folder: with the files that ``trainer tokenizer`` writes, or of another model.
        out: a folder that is not there yet; its weights are float32. After an error it is not there either.
        layers: of the result, as for `deepened`; 0: as many as the model has.

    Raises:
        UserError: when a folder cannot be read, ``out`` is there or cannot be written, or ``layers`` is too few.
    """
    if out.exists():
        raise UserError(f"{out} is already there; choose a new folder.")
    model = load_model(model_folder)
    config = model.config
    old, new = load_tokenizer(model_folder, config), open_tokenizer(tokenizer_folder)
    parts = parts_of_tokens(old, new)
    weights = {name: weight.detach() for name, weight in model.named_parameters()}  # a tied head comes once
    for name in {EMBEDDING, HEAD} & weights.keys():
        weights[name] = mean_rows(weights[name], parts, old.vocab_size)
    weights = deepened(weights, config.n_layer, layers or config.n_layer)
    config = replace(config, vocab_size=new.vocab_size, n_layer=layers or config.n_layer)
    part = out.with_name(f"{out.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        place_tokenizer(tokenizer_folder, part, context=config.n_positions, chat=None)
        ids = {"bos_token_id": new.end_of_text, "eos_token_id": new.end_of_text}
        save_weights(config, weights, part, token_ids=ids)
        part.replace(out)
    except OSError as error:
        raise UserError(f"{out} cannot be written ({error.strerror or error}).") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Transplanted(config, sum(len(ids) == 1 for ids in parts))


def parts_of_tokens(old: Tokenizer, new: Tokenizer) -> list[list[int]]:
    """For each token of ``new`` the tokens of ``old`` that its bytes are cut into; none for special tokens.

    A token that both have is its own part, and so is the end of text.
    """
    by_bytes = {bytes_: id for id in reversed(range(old.vocab_size)) if (bytes_ := old.token_bytes(id))}
    special = set(new.special_tokens.values())

    def parts(id: int) -> list[int]:
        bytes_ = new.token_bytes(id)
        if id == new.end_of_text and old.end_of_text is not None:
            return [old.end_of_text]
        if id in special:
            return []
        if bytes_ in by_bytes:
            return [by_bytes[bytes_]]
        try:
            return old.encode(bytes_.decode())
        except UnicodeDecodeError:  # parts of characters
            return [by_bytes[each] for byte in bytes_ if (each := bytes([byte])) in by_bytes]

    return [parts(id) for id in range(new.vocab_size)]


def mean_rows(embedding: Tensor, parts: Sequence[Sequence[int]], vocab_size: int) -> Tensor:
    """Rows for new tokens: of each the mean of the rows of its parts; of one without parts the mean of all rows.

    Gee et al. 2022, "Fast Vocabulary Transfer for Language Model Compression" (https://arxiv.org/abs/2402.09977).

    Args:
        embedding: float (rows, width).
        parts: of each new token, as from `parts_of_tokens`.
        vocab_size: of the old vocabulary; rows from there on are padding.

    Returns:
        Float (new tokens, width), of the same dtype.
    """
    middle = embedding[:vocab_size].mean(0)
    return torch.stack([embedding[list(ids)].mean(0) if ids else middle for ids in parts])


def deepened(weights: Mapping[str, Tensor], n_layer: int, layers: int) -> dict[str, Tensor]:
    """Adds blocks, evenly spread, that change nothing at first: copies of the one before, whose results are zero.

    The model computes the same function as before (identity initialisation, as in Net2DeeperNet of Chen et al. 2016,
    https://arxiv.org/abs/1511.05641), and training gives the new blocks their work.

    Args:
        weights: by our names.
        n_layer: blocks of the model.
        layers: blocks of the result.

    Raises:
        UserError: when ``layers`` is less than ``n_layer``.
    """
    if layers < n_layer:
        raise UserError(f"The model has {n_layer} layers, and none can be taken away; give at least {n_layer}.")
    result = {name: weight for name, weight in weights.items() if not _BLOCK.fullmatch(name)}
    sources = [layer * n_layer // layers for layer in range(layers)]
    for layer, source in enumerate(sources):
        is_new = source in sources[:layer]
        for name, weight in weights.items():
            found = _BLOCK.fullmatch(name)
            if found and int(found[1]) == source:
                is_output = found[2].startswith(_OUTPUTS)
                result[f"h.{layer}.{found[2]}"] = torch.zeros_like(weight) if is_new and is_output else weight.clone()
    return result
