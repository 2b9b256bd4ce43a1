"""Imports OpenAI's original release, and what gpt-2-simple and other descendants of its code save.

Names and layouts are those of OpenAI's code (github.com/openai/gpt-2, ``src/model.py`` and ``src/encoder.py``).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gptdesk.bounded_read import ContentError, read_bytes, read_object
from gptdesk.errors import UserError
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import check_is_no_pointer, check_shapes, is_transposed, tensor_shapes
from gptdesk.gpt2.tokenizers.folder_files import LARGEST
from gptdesk.gpt2.tokenizers.openai import END_OF_TEXT_STRING
from gptdesk.library.importing.bpe_tokenizer import Vocabulary, write_tokenizer
from gptdesk.library.importing.format import Found, ImportFormat, ImportJob, Steps, files_inside
from gptdesk.library.importing.known_shapes import known_config
from gptdesk.library.importing.links import check_inside

if TYPE_CHECKING:
    import torch

    from gptdesk.library.importing.readers.tensor_bundle import TensorBundle

_INDEX_SUFFIX: Final = ".index"
_SHAPE_FILE: Final = "hparams.json"
_STATE_FILE: Final = "checkpoint"
"""Names the newest checkpoint of a folder (``core/training/checkpoint_state.proto``, as text)."""

_TOKENIZER: Final = ("encoder.json", "vocab.bpe")
"""OpenAI's names of what ``transformers`` calls ``vocab.json`` and ``merges.txt``."""

_SHAPE_NAMES: Final = {
    "n_vocab": "vocab_size",
    "n_ctx": "n_positions",
    "n_embd": "n_embd",
    "n_head": "n_head",
    "n_layer": "n_layer",
}
_DATA_FILE: Final = re.compile(r"(?P<stem>.+)\.(index|meta|data-\d{5}-of-\d{5})")
_NEWEST: Final = re.compile(r'^model_checkpoint_path: "(?P<path>.*)"', re.MULTILINE)
_SCOPE: Final = "model/"
"""Of all weights; what a trainer saves beside them, such as its step, lies outside."""

_SLOT: Final = re.compile(r"(.+)/(Adam|Adam_1|Adafactor|Momentum|ExponentialMovingAverage|vr|vc|v|m)(_\d+)?")
"""What an optimizer keeps of a weight, by that weight's name."""


def find(path: Path) -> Path | None:
    """The index of a checkpoint: that of the file chosen, or the newest one of a folder."""
    if os.path.isdir(path):
        return _newest(path)
    if path.name == _STATE_FILE:
        return _newest(path.parent)
    match = _DATA_FILE.fullmatch(path.name)
    return path.with_name(match["stem"] + _INDEX_SUFFIX) if match else None


def look(source: Path) -> Found:
    """Reads the index and the shape, and makes sure that the data files are whole; their values are not read.

    Raises:
        UserError: when they are damaged or incomplete, or no GPT-2's.
    """
    from gptdesk.library.importing.readers.tensor_bundle import TensorBundle  # numpy

    beside = [source.with_name(name) for name in (_SHAPE_FILE, *_TOKENIZER) if os.path.lexists(source.with_name(name))]
    check_inside(beside, source.parent)
    bundle = TensorBundle(source)
    _, names = _shape_and_names(source, bundle)
    for name in names.values():
        bundle.check(name)
    return Found(path=source, size=sum(bundle.tensors[name].size for name in names.values()))


def write(job: ImportJob) -> dict[str, str]:
    """Converts the weights, without any arithmetic, and renames the tokenizer's files."""
    from gptdesk.gpt2.checkpoint import save_weights
    from gptdesk.library.importing.readers.tensor_bundle import TensorBundle

    source, target = job.found.path, job.target
    bundle = TensorBundle(source)
    config, names = _shape_and_names(source, bundle)
    steps = Steps(job.progress, job.found.size)
    weights = {ours: _tensor(bundle, ours, theirs, steps) for ours, theirs in names.items()}
    save_weights(config, weights, target)
    _write_tokenizer(source.parent, target, config)
    return {}


def _newest(folder: Path) -> Path | None:
    """The index of the checkpoint that the folder's state names, else of the one with the highest step."""
    found = [path for path in files_inside(folder) if path.name.endswith(_INDEX_SUFFIX)]
    found = [path for path in found if any(folder.glob(f"{_escaped(path.stem)}.data-*"))]
    if not found:
        return None
    state = folder / _STATE_FILE
    try:
        text = read_bytes(state).decode("utf-8", "replace") if os.path.isfile(state) else ""
    except (OSError, ContentError):
        text = ""
    match = _NEWEST.search(text)
    named = re.split(r"[/\\]", match["path"])[-1] + _INDEX_SUFFIX if match else ""
    return next((path for path in found if path.name == named), max(found, key=_step))


def _step(index: Path) -> tuple[int, str]:
    digits = re.search(r"-(\d{1,18})$", index.stem)
    return (int(digits[1]) if digits else -1), index.name


def _escaped(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)


def _shape_and_names(source: Path, bundle: TensorBundle) -> tuple[GPT2Config, dict[str, str]]:
    """The model's config, and the name in the checkpoint of each of its weights by our names.

    Raises:
        UserError: when the checkpoint holds other weights than that config asks for.
    """
    stored = {name for name in bundle.tensors if name.startswith(_SCOPE) and not _is_slot(name, bundle)}
    ours = {_our_name(name): name for name in stored}
    shapes = {name: _our_shape(name, bundle.tensors[theirs].shape) for name, theirs in ours.items()}
    config = _read_shape(source.with_name(_SHAPE_FILE)) or known_config(shapes)
    if config is None:
        raise UserError(f"{source} has no {_SHAPE_FILE} beside it, which says what its weights make; put it there.")
    check_shapes(source.parent, config, shapes, described_by=_SHAPE_FILE)
    return config, {name: ours[name] for name in tensor_shapes(config)}


def _is_slot(name: str, bundle: TensorBundle) -> bool:
    match = _SLOT.fullmatch(name)
    return match is not None and match[1] in bundle.tensors


def _our_name(name: str) -> str:
    """Our name of a tensor in OpenAI's code; an unknown one keeps its own."""
    parts = name.removeprefix(_SCOPE).split("/")
    if parts in (["wte"], ["wpe"]):
        return f"{parts[0]}.weight"
    kind = {"w": "weight", "g": "weight", "b": "bias"}.get(parts[-1])
    if kind is None:
        return name
    if match := re.fullmatch(r"h(\d+)", parts[0]):
        parts[:1] = ["h", match[1]]
    return ".".join([*parts[:-1], kind])


def _our_shape(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape as we use it: OpenAI's linear layers are 1-wide convolutions, (1, inputs, outputs)."""
    if is_transposed(name) and len(shape) == 3 and shape[0] == 1:
        return shape[:0:-1]
    return shape


def _tensor(bundle: TensorBundle, ours: str, theirs: str, steps: Steps) -> torch.Tensor:
    import torch

    stored = bundle.tensors[theirs]
    tensor = torch.frombuffer(bundle.read(theirs, steps.advance), dtype=getattr(torch, bundle.dtype(theirs)))
    if is_transposed(ours):
        return tensor.view(stored.shape[1:]).t()
    return tensor.view(stored.shape)


def _read_shape(path: Path) -> GPT2Config | None:
    """The config that ``hparams.json`` tells; None where there is no such file.

    Raises:
        UserError: when it is damaged.
    """
    if not os.path.lexists(path):
        return None
    check_is_no_pointer(path)
    try:
        values: dict[str, Any] = read_object(path)
        return GPT2Config(**{ours: values[theirs] for theirs, ours in _SHAPE_NAMES.items()})
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}).") from error
    except KeyError as error:
        raise UserError(f"{path} does not say {error.args[0]}, which the model's shape needs.") from error
    except ContentError as error:
        raise UserError(f"{path} is damaged: {error}.") from error


def _write_tokenizer(source: Path, target: Path, config: GPT2Config) -> None:
    """Writes the tokenizer, if both of its files are there."""
    encoder, merges = (source / name for name in _TOKENIZER)
    if not (os.path.isfile(encoder) and os.path.isfile(merges)):
        return
    for file in (encoder, merges):
        check_is_no_pointer(file)
    try:
        tokens = read_object(encoder, largest=LARGEST)
        lines = read_bytes(merges, largest=LARGEST).decode("utf-8").split("\n")
    except OSError as error:
        raise UserError(f"The tokenizer in {source} cannot be read ({error.strerror or error}).") from error
    except (ContentError, UnicodeDecodeError) as error:
        raise UserError(f"The tokenizer in {source} is damaged: {error}.") from error
    if not all(type(id) is int for id in tokens.values()):
        raise UserError(f"{encoder} is damaged: the ids of its tokens are no whole numbers.")
    pairs = [line for line in lines[1:] if line]  # the first line is the version (OpenAI's `encoder.py`)
    end = tokens.get(END_OF_TEXT_STRING)
    write_tokenizer(target, Vocabulary(tokens=tokens, merges=pairs, end_of_text=end), context=config.n_positions)


TENSORFLOW: Final = ImportFormat(
    name="tensorflow",
    label="a TensorFlow checkpoint (OpenAI's release, gpt-2-simple)",
    note="Its weights are converted to safetensors, and its tokenizer is taken; TensorFlow is not needed.",
    patterns=(f"*{_INDEX_SUFFIX}",),
    generic=("*",),
    find=find,
    look=look,
    write=write,
)
