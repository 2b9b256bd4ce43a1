"""Imports GGUF files of GPT-2, as ``llama.cpp`` and our own export write them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from gptdesk.errors import UserError
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import EMBEDDING, HEAD, check_shapes, tensor_shapes
from gptdesk.library.exporting.export import gguf_name
from gptdesk.library.importing.bpe_tokenizer import write_tokenizer
from gptdesk.library.importing.format import Found, ImportFormat, ImportJob, Steps, files_inside
from gptdesk.library.importing.gguf_tokenizer import read_vocabulary
from gptdesk.library.importing.readers.gguf_reader import GGUFFile

SUFFIX: Final = ".gguf"

_ARCHITECTURE: Final = "gpt2"

_SHAPE: Final = {
    "context_length": "n_positions",
    "embedding_length": "n_embd",
    "block_count": "n_layer",
    "attention.head_count": "n_head",
    "feed_forward_length": "n_inner",
}
"""Keys of the description, after the architecture, and the fields of the config."""


def find(path: Path) -> Path | None:
    """The GGUF file of a folder.

    Raises:
        UserError: when the folder holds several, of which one must be chosen.
    """
    if not os.path.isdir(path):
        return path if path.suffix.lower() == SUFFIX else None
    files = [file for file in files_inside(path) if file.suffix.lower() == SUFFIX]
    if len(files) > 1:
        raise UserError(f"{path} holds {len(files)} GGUF files; choose one of them, such as {files[0].name}.")
    return files[0] if files else None


def look(source: Path) -> Found:
    """Reads the descriptions; weights are not read.

    Raises:
        UserError: when the file is damaged, or holds another architecture than GPT-2.
    """
    file = GGUFFile(source)
    config = _config(file)
    for name in tensor_shapes(config):
        file.check(gguf_name(name))
    read_vocabulary(file)
    return Found(path=source, size=sum(file.unpacked_size(gguf_name(name)) for name in tensor_shapes(config)))


def write(job: ImportJob) -> dict[str, str]:
    """Converts the weights, without loss, and writes the tokenizer's files."""
    import torch

    from gptdesk.gpt2.checkpoint import save_weights

    file = GGUFFile(job.found.path)
    config = _config(file)
    names = {name: gguf_name(name) for name in tensor_shapes(config)}
    steps = Steps(job.progress, sum(file.size(name) for name in names.values()))
    weights = {}
    for ours, theirs in names.items():
        values = torch.from_numpy(file.read(theirs))
        weights[ours] = values.to(getattr(torch, file.dtype(theirs)))  # what was half before is so again, exactly
        steps.advance(file.size(theirs))
    head, embedding = weights.get(HEAD), weights[EMBEDDING]
    if head is not None and head.dtype == embedding.dtype and torch.equal(head, embedding):  # as older converters wrote
        del weights[HEAD]
        config = _config(file, tied=True)
    save_weights(config, weights, job.target)
    if (vocabulary := read_vocabulary(file)) is not None:
        write_tokenizer(job.target, vocabulary, context=config.n_positions)
    return {}


def _config(file: GGUFFile, tied: bool = False) -> GPT2Config:
    """The model's config, once it is sure that the tensors are those it asks for.

    Args:
        file: the file.
        tied: whether a head that is stored is the embedding once more.

    Raises:
        UserError: when they are not, or it is no GPT-2's.
    """
    architecture = file.text("general.architecture")
    if architecture != _ARCHITECTURE:
        raise UserError(
            f"{file.path} holds a model of the architecture {architecture[:50]!a}; only GPT-2 models can be used."
        )
    values: dict[str, Any] = {}
    for key, field in _SHAPE.items():
        if (value := file.whole(f"{_ARCHITECTURE}.{key}")) is None:
            raise UserError(f"{file.path} does not say {key} of its model, and is damaged.")
        values[field] = value
    if values["n_inner"] == 4 * values["n_embd"]:
        values["n_inner"] = None
    embedding = file.shapes.get(gguf_name(EMBEDDING), ())
    if len(embedding) != 2:
        raise UserError(f"{file.path} is incomplete: {gguf_name(EMBEDDING)} is missing.")
    epsilon = file.number(f"{_ARCHITECTURE}.attention.layer_norm_epsilon")
    config = GPT2Config(
        **values,
        vocab_size=embedding[0],
        layer_norm_epsilon=1e-5 if epsilon is None else float(f"{epsilon:.6g}"),  # stored in float32
        tie_word_embeddings=tied or gguf_name(HEAD) not in file.shapes,
    )
    ours = {gguf_name(name): name for name in [*tensor_shapes(config), HEAD]}
    shapes = {ours.get(name, name): shape for name, shape in file.shapes.items()}
    if tied:
        shapes.pop(HEAD)
    check_shapes(file.path, config, shapes, described_by="description")
    return config


GGUF: Final = ImportFormat(
    name="gguf",
    label="a GGUF file of GPT-2 (llama.cpp)",
    note="Its weights are converted without loss, quantised types to float32, and its tokenizer is taken.",
    patterns=(f"*{SUFFIX}",),
    generic=("model*.gguf", "ggml-model*.gguf"),
    find=find,
    look=look,
    write=write,
)
