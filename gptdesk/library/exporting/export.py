"""Exports a model for other programs: a folder for transformers, a GGUF file for llama.cpp."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gptdesk.errors import UserError
from gptdesk.files import replacing
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import CONFIG_FILE, HEAD, INDEX_FILE, WEIGHTS_FILE, read_config, weight_files
from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.gpt2.tokenizers.folder_files import foreign_vocabularies, tokenizer_files
from gptdesk.gpt2.tokenizers.loading import load_tokenizer
from gptdesk.library.entry import LibraryEntry
from gptdesk.library.exporting.gguf_tokenizer import GgufVocabulary, gguf_vocabulary
from gptdesk.library.files import Progress, add_tokenizer, copy_files, disk_errors, folder_beside, silent
from gptdesk.library.weights import check_weights

if TYPE_CHECKING:
    import numpy as np

GGUF_PRECISIONS: Final = ("float32", "float16")
"""Precisions for the matrices of a GGUF; llama.cpp's own tools quantize further."""

_GGUF_NAMES: Final = {
    "wte": "token_embd",
    "wpe": "position_embd",
    "ln_f": "output_norm",
    "lm_head": "output",
    "ln_1": "attn_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "ln_2": "ffn_norm",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
}
"""llama.cpp's names of our layers."""


def export_folder(entry: LibraryEntry, target: Path, progress: Progress = silent) -> Path:
    """Copies a model and its tokenizer to a new folder, in the layout that ``transformers`` and the hub have.

    Args:
        entry: of the library.
        target: the folder; must not be there, or be empty.
        progress: of the copy, in bytes; an exception from it ends the export and leaves no files.

    Raises:
        UserError: when the model is incomplete, or the folder cannot be written.
    """
    source = _source(entry)
    if os.path.lexists(target) and (not target.is_dir() or any(target.iterdir())):
        raise UserError(f"{target} is there already; name a new folder.")
    files = [source / CONFIG_FILE, *weight_files(source)]
    if not os.path.lexists(source / WEIGHTS_FILE):
        files.append(source / INDEX_FILE)
    files += [*tokenizer_files(source), *(source / name for name in foreign_vocabularies(source))]
    config = read_config(source)
    with disk_errors(target.parent, "export"), folder_beside(target) as temporary:
        copy_files(files, temporary, progress)
        add_tokenizer(temporary, config)
        if target.is_dir():
            target.rmdir()
        os.replace(temporary, target)
    return target


def export_gguf(entry: LibraryEntry, target: Path, *, precision: str = "float16", progress: Progress = silent) -> Path:
    """Writes a model as a GGUF file, with its tokenizer in it, as ``llama.cpp`` reads it.

    Args:
        entry: of the library.
        target: the file; must not be there.
        precision: of the matrices, one of `GGUF_PRECISIONS`; the rest is float32 as llama.cpp wants it.
        progress: in weights, each counted when it is read and when it is written; what it raises ends the export and
            leaves nothing.

    Raises:
        UserError: when the package ``gguf`` is missing, llama.cpp cannot compute the model or its tokenizer, or nothing
            can be written.
    """
    try:
        import gguf
    except ImportError:
        raise UserError("GGUF needs the package gguf, which is not installed: pip install 'gptdesk[gguf]'.") from None
    if precision not in GGUF_PRECISIONS:
        raise UserError(f"A GGUF cannot be written in {precision!a}; use one of {', '.join(GGUF_PRECISIONS)}.")
    source = _source(entry)
    if os.path.lexists(target):
        raise UserError(f"{target} is there already; name a new file.")
    config = check_weights(source)
    if not config.activation.in_llama_cpp:
        raise UserError(
            f"{entry.name} has the activation {config.activation_function}, and llama.cpp's GPT-2 knows only the tanh "
            "approximation of GELU, so it cannot be written as GGUF; export it as a folder."
        )
    tokenizer = load_tokenizer(source, config)
    vocabulary = gguf_vocabulary(tokenizer, entry.name)
    with disk_errors(target.parent, "export"), replacing(target) as temporary:
        writer = gguf.GGUFWriter(temporary, "gpt2", use_temp_file=False)
        try:
            _write_description(writer, gguf, entry.name, config, precision)
            _write_tokenizer(writer, gguf, config, tokenizer, vocabulary)
            _write_weights(writer, source, precision, progress)
        finally:
            writer.close()
    return target


def _source(entry: LibraryEntry) -> Path:
    if entry.path is None:
        raise UserError(f"{entry.name} is not on this computer; download it first.")
    return entry.path


def _write_description(writer: Any, gguf: Any, name: str, config: GPT2Config, precision: str) -> None:
    writer.add_name(name)
    writer.add_block_count(config.n_layer)
    writer.add_context_length(config.n_positions)
    writer.add_embedding_length(config.n_embd)
    writer.add_feed_forward_length(config.inner_size)
    writer.add_head_count(config.n_head)
    writer.add_layer_norm_eps(config.layer_norm_epsilon)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16 if precision == "float16" else gguf.LlamaFileType.ALL_F32)


def _write_tokenizer(
    writer: Any, gguf: Any, config: GPT2Config, tokenizer: Tokenizer, vocabulary: GgufVocabulary
) -> None:
    """The tokens as text, and the merges that make them; rows of the vocabulary beyond them are unused."""
    tokens, merges, kinds = vocabulary
    unused = [f"[PAD{number}]" for number in range(len(tokens), config.vocab_size)]
    types = [gguf.TokenType[kinds.get(id, "NORMAL")] for id in range(len(tokens))]
    types += [gguf.TokenType.UNUSED] * len(unused)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([*tokens, *unused])
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    if tokenizer.start_of_text is not None:
        writer.add_bos_token_id(tokenizer.start_of_text)
    if tokenizer.end_of_text is not None:
        writer.add_eos_token_id(tokenizer.end_of_text)


def _write_weights(writer: Any, source: Path, precision: str, progress: Progress) -> None:
    import numpy as np

    from gptdesk.gpt2.checkpoint import load_model  # torch

    model = load_model(source, progress=lambda read, total: progress(read, 2 * total))
    _scale_queries(model)
    tensors: list[tuple[str, np.ndarray[Any, Any], str]] = []
    for name, weight in model.named_parameters():  # a tied head comes once, as the embedding, as llama.cpp wants it
        halved = precision == "float16" and weight.dim() == 2 and not name.startswith("wpe")
        tensors.append((gguf_name(name), weight.detach().numpy(), "float16" if halved else "float32"))
        if not model.config.bias and name.startswith(("h.", "ln_f")):  # llama.cpp's GPT-2 always has biases
            bias = weight.new_zeros(weight.shape[0]).numpy()
            tensors.append((gguf_name(name.removesuffix("weight") + "bias"), bias, "float32"))
    for name, array, dtype in tensors:
        stored = np.dtype(dtype)
        writer.add_tensor_info(name, array.shape, stored, array.size * stored.itemsize)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    total = sum(array.size for _, array, _ in tensors)
    done = total
    for _, array, dtype in tensors:
        writer.write_tensor_data(array.astype(dtype, copy=False))
        done += array.size
        progress(done, 2 * total)


def _scale_queries(model: Any) -> None:
    """Multiplies the layers of queries so that scores divided by the square root of the head size, as llama.cpp divides
    them, are those of the config."""
    import torch

    config = model.config
    for layer, block in enumerate(model.h):
        factor = config.attention_scale(layer) * math.sqrt(config.head_size)
        if math.isclose(factor, 1.0):
            continue
        with torch.no_grad():
            for weight in block.attn.c_attn.parameters():  # queries, keys, values one after the other
                weight[: config.n_embd] *= factor


def gguf_name(name: str) -> str:
    """llama.cpp's name of our tensor."""
    layer, _, kind = name.rpartition(".")
    if name == HEAD or not layer.startswith("h."):
        return f"{_GGUF_NAMES[layer]}.{kind}"
    _, number, part = layer.split(".", 2)
    return f"blk.{number}.{_GGUF_NAMES[part]}.{kind}"
