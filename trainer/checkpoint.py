"""Checkpoints: a model folder in the hub's layout plus the trainer's state, renamed into place when complete."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from gptdesk.bounded_read import convert, read_object
from gptdesk.bounded_read import whole as whole_number
from gptdesk.errors import UserError
from gptdesk.files import sync_file, sync_folder
from gptdesk.gpt2.checkpoint import load_model, save_model
from gptdesk.gpt2.model import GPT2
from gptdesk.gpt2.tokenizer_files import ChatFormat, complete_tokenizer, read_chat_format
from trainer import lora
from trainer.data.tokenizer import place_tokenizer
from trainer.data.windows import Position
from trainer.optim import Optimizers
from trainer.parallel.distributed import ProcessGroup
from trainer.parallel.tensors import as_stored_like, whole
from trainer.run_directory.layout import CHECKPOINT_MANIFEST

OPTIMIZER: Final = "optimizer.safetensors"
STATE: Final = "trainer.json"
MANIFEST: Final = CHECKPOINT_MANIFEST
ADAPTER: Final = "adapter"
_PADDING: Final = "padding"
_TEMPORARY: Final = ".tmp-"
_VOCABULARY: Final = ("wte.weight", "lm_head.weight")


class CheckpointNotWritten(UserError):
    """A checkpoint could not be written; those before it are as they were."""


LARGEST_FACTOR: Final = 10.0
"""Of the learning rate, as it may be asked for."""


@dataclass(frozen=True)
class TrainState:
    """What a run needs, beside weights and optimizer state, to resume exactly.

    Attributes:
        step: optimizer steps taken.
        tokens: read so far.
        position: where the next window is read.
        best_loss: lowest validation loss so far, in nats a token; infinite before the first evaluation.
        best_step: the step that had it.
        evaluations_since_best: for early stopping.
        learning_rate_factor: asked for while running, multiplies the schedule.
        scaler: the state of fp16's gradient scaler; empty otherwise.
        cpu_precision: of the matrix products, where ``auto`` chose it on a CPU; empty otherwise.
    """

    step: int = 0
    tokens: int = 0
    position: Position = field(default_factory=Position)
    best_loss: float = float("inf")
    best_step: int = 0
    evaluations_since_best: int = 0
    learning_rate_factor: float = 1.0
    scaler: dict[str, Any] = field(default_factory=dict)
    cpu_precision: str = ""


def checkpoint_path(checkpoints: Path, step: int) -> Path:
    """Where the checkpoint of a step is or would be."""
    return checkpoints / f"step-{step:08d}"


def save_checkpoint(
    checkpoints: Path,
    model: GPT2,
    optimizers: Optimizers,
    state: TrainState,
    *,
    vocab_size: int,
    processes: ProcessGroup,
    chat: ChatFormat | None = None,
    tokenizer: Path | None = None,
    base: str = "",
) -> Path:
    """Writes ``step-N`` under ``checkpoints`` and returns it; every process calls it, the one that records writes.

    The folder is made beside its place, every file synced, its manifest of sizes and SHA-256 written last, and then
    renamed; it appears only when every byte in it is on disk. ``vocab_size`` rows of the vocabulary go to the model
    file; padding, which only training sees, is kept with the optimizer's state. The tokenizer's files lie beside them
    (those in the folder ``tokenizer``, else OpenAI's), with the chat template of the data (``chat``) or of the model
    that the run began with. Adapters name ``base``, the folder of the model that they adapt.

    Raises:
        CheckpointNotWritten: when the disk is full or read-only; nothing half-written is left.
    """
    final = checkpoint_path(checkpoints, state.step)
    plain = _plain_model(model, processes)  # gathers shards: in every process
    tensors = optimizers.state_tensors(keep=processes.is_main)
    if not processes.is_main:
        return final
    if plain.config.vocab_size > vocab_size:
        tensors[_PADDING] = plain.wte.weight.detach()[vocab_size:].cpu().clone()
    temporary = checkpoints / f"{_TEMPORARY}{final.name}"
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        save_model(plain, temporary, vocab_size=vocab_size)
        context = plain.config.n_positions
        if tokenizer is not None:
            place_tokenizer(tokenizer, temporary, context=context, chat=chat)
        else:
            complete_tokenizer(temporary, vocab_size=vocab_size, context=context, chat=chat)
        if lora.has_adapters(model):
            (temporary / ADAPTER).mkdir()
            lora.save_adapters(model, temporary / ADAPTER, base=base)
        save_file(tensors, temporary / OPTIMIZER)
        (temporary / STATE).write_text(json.dumps(asdict(state), indent=2), encoding="utf-8")
        _write_manifest(temporary)
        shutil.rmtree(final, ignore_errors=True)
        os.replace(temporary, final)
        sync_folder(checkpoints)
    except (OSError, SafetensorError, UserError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise CheckpointNotWritten(f"The checkpoint of step {state.step} could not be written: {error}") from error
    return final


def chat_format(manifest: Mapping[str, Any], start: str) -> ChatFormat | None:
    """The chat template of prepared data, else that of the model that the run starts from; None for neither.

    Args:
        manifest: of the data.
        start: folder of the model; empty for fresh weights.
    """
    try:
        template = manifest["records"]["template"]
        return ChatFormat(str(template["chat_template"]), tuple(map(str, template["stop_strings"])))
    except (KeyError, TypeError):
        return read_chat_format(Path(start)) if start else None


def _plain_model(model: GPT2, processes: ProcessGroup) -> GPT2:
    """The model as one file holds it: shards gathered on the CPU, adapters merged in; itself when it is one already."""
    if lora.has_adapters(model):
        return lora.merged_model(model)
    if processes.count == 1 or not any(hasattr(weight, "full_tensor") for weight in model.parameters()):
        return model
    plain = GPT2(model.config) if processes.is_main else None
    targets = dict(plain.named_parameters()) if plain else {}
    with torch.no_grad():
        for name, weight in model.named_parameters():
            gathered = whole(weight)
            if name in targets:
                targets[name].copy_(gathered)
    return plain or model


def _write_manifest(folder: Path) -> None:
    """Writes the manifest and syncs every file and the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    manifest = {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": _sha256(path)} for path in files
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    for path in [*files, folder / MANIFEST]:
        sync_file(path)
    for path in [*(path for path in folder.rglob("*") if path.is_dir()), folder]:
        sync_folder(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_complete(checkpoint: Path) -> bool:
    """Whether every file is there with the size and hash that the manifest gives."""
    try:
        manifest = read_object(checkpoint / MANIFEST)
        return bool(manifest) and all(
            (checkpoint / name).stat().st_size == entry["bytes"] and _sha256(checkpoint / name) == entry["sha256"]
            for name, entry in manifest.items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def list_checkpoints(checkpoints: Path) -> list[Path]:
    """Checkpoint folders, oldest first; what an interrupted write left is not among them."""
    return sorted(path for path in checkpoints.glob("step-*") if path.is_dir())


def newest_checkpoint(checkpoints: Path) -> Path | None:
    """The newest checkpoint whose manifest holds."""
    return next((path for path in reversed(list_checkpoints(checkpoints)) if is_complete(path)), None)


def load_checkpoint(checkpoint: Path, model: GPT2, optimizers: Optimizers) -> TrainState:
    """Loads model and optimizers, sharded or not, and returns the training state.

    Raises:
        UserError: when the checkpoint belongs to another configuration or cannot be read.
    """
    try:
        state = _read_state(checkpoint / STATE)
        tensors = load_file(checkpoint / OPTIMIZER)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise UserError(f"The checkpoint {checkpoint} cannot be read: {error}.") from None
    padding = tensors.pop(_PADDING, None)
    if lora.has_adapters(model):
        lora.load_adapters(model, checkpoint / ADAPTER)
    else:
        copy_weights(load_model(checkpoint), model, padding=padding)
    optimizers.load_state_tensors(tensors)
    return state


def _read_state(path: Path) -> TrainState:
    """The state that was saved.

    Raises:
        OSError, ValueError: when there is none, or an entry of it is of another type or range.
    """
    values = read_object(path)
    if values.get("best_loss") is None:  # infinite, before the first evaluation
        values.pop("best_loss", None)
    state = convert(values, TrainState)
    counts = (state.step, state.tokens, state.best_step, state.evaluations_since_best)
    if any(whole_number(count) is None for count in (*counts, state.position.epoch, state.position.index)):
        raise ValueError("a count in it is out of range")
    if not 0 <= state.learning_rate_factor <= LARGEST_FACTOR:
        raise ValueError("its learning_rate_factor is out of range")
    if state.cpu_precision not in ("", "float32", "bfloat16"):
        raise ValueError("its cpu_precision is unknown")
    return state


@torch.no_grad()
def copy_weights(source: GPT2, target: GPT2, *, padding: Tensor | None = None) -> None:
    """Copies all weights into ``target``, sharded or not, whose vocabulary may be padded.

    Rows of the vocabulary that ``source`` lacks come from ``padding``, (rows, C), and stay as they are without it.

    Raises:
        UserError: when the shapes differ otherwise.
    """
    weights = dict(source.named_parameters())
    for name, parameter in target.named_parameters():
        weight: Tensor | None = weights.get(name)
        if weight is not None and name in _VOCABULARY and weight.shape[0] < parameter.shape[0]:
            rest = padding if padding is not None else whole(parameter)[weight.shape[0] :].cpu()
            weight = torch.cat([weight, rest.to(weight.dtype)])
        if weight is None or weight.shape != parameter.shape:
            raise UserError(f"The weights do not fit: {name} is missing or has another shape than the configuration's.")
        parameter.copy_(as_stored_like(weight.to(parameter.dtype), parameter))


def prune(checkpoints: Path, *, newest: Path, keep: int, best_step: int) -> None:
    """Removes checkpoints, all but the last ``keep`` up to ``newest`` and the best, and what interrupted writes left.

    ``newest`` is the one just written. Those after it are damaged, or the run would not have gone on from before them:
    they do not count as kept, and stay until the run writes those steps again.
    """
    for path in [path for path in list_checkpoints(checkpoints) if path <= newest][:-keep]:
        if path != checkpoint_path(checkpoints, best_step):
            shutil.rmtree(path, ignore_errors=True)
    remove_incomplete(checkpoints)


def remove_incomplete(checkpoints: Path) -> None:
    """Removes what interrupted writes left behind."""
    for path in checkpoints.glob(f"{_TEMPORARY}*"):
        shutil.rmtree(path, ignore_errors=True)
