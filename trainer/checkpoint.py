"""Checkpoints: a model folder in the hub's layout with the optimizer's state beside it, renamed into place when whole."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from gptdesk.gpt2.checkpoint import load_model, save_model
from gptdesk.gpt2.config import VOCAB_SIZE
from gptdesk.gpt2.errors import UserError
from gptdesk.gpt2.model import GPT2
from trainer.data import Position
from trainer.optim import Optimizers

OPTIMIZER: Final = "optimizer.safetensors"
STATE: Final = "trainer.json"
MANIFEST: Final = "manifest.json"
_PADDING: Final = "padding"


@dataclass(frozen=True)
class TrainState:
    """What a run needs beside weights and optimizer state to go on exactly.

    Attributes:
        step: optimizer steps taken.
        position: where the next window is read.
        best_loss: lowest validation loss so far, in nats a token; infinite before the first evaluation.
        best_step: the step that had it.
    """

    step: int = 0
    position: Position = Position()
    best_loss: float = float("inf")
    best_step: int = 0


def _flatten(states: list[dict[str, Any]]) -> dict[str, Tensor]:
    """Optimizer states as tensors named ``optimizer.parameter.value``."""
    return {
        f"{member}.{parameter}.{name}": value.contiguous()
        for member, state in enumerate(states)
        for parameter, values in state["state"].items()
        for name, value in values.items()
    }


def _unflatten(tensors: Mapping[str, Tensor], current: list[dict[str, Any]]) -> list[dict[str, Any]]:
    states: list[dict[str, Any]] = [{"state": {}, "param_groups": state["param_groups"]} for state in current]
    for key, value in tensors.items():
        member, parameter, name = key.split(".")
        states[int(member)]["state"].setdefault(int(parameter), {})[name] = value
    return states


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def save_checkpoint(checkpoints: Path, model: GPT2, optimizers: Optimizers, state: TrainState) -> Path:
    """Writes ``step-N`` under ``checkpoints`` and returns it. The folder appears only when every file in it is on disk."""
    final = checkpoints / f"step-{state.step:08d}"
    temporary = checkpoints / f".tmp-{final.name}-{os.getpid()}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    save_model(model, temporary, vocab_size=VOCAB_SIZE)
    tensors = _flatten(optimizers.state_dict())
    if model.config.vocab_size > VOCAB_SIZE:  # rows that only training sees; the model file holds the real vocabulary
        tensors[_PADDING] = model.wte.weight.detach()[VOCAB_SIZE:].clone()
    save_file(tensors, temporary / OPTIMIZER)
    (temporary / STATE).write_text(json.dumps(asdict(state), indent=2), encoding="utf-8")
    files = sorted(temporary.iterdir())
    manifest = {file.name: {"bytes": file.stat().st_size, "sha256": _sha256(file)} for file in files}
    (temporary / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    for file in [*files, temporary / MANIFEST, temporary]:
        _sync(file)
    shutil.rmtree(final, ignore_errors=True)
    os.replace(temporary, final)
    _sync(checkpoints)
    return final


def is_whole(checkpoint: Path) -> bool:
    """Whether every file is there with the size and hash that the manifest gives."""
    try:
        manifest = json.loads((checkpoint / MANIFEST).read_text(encoding="utf-8"))
        return all(
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
    return next((path for path in reversed(list_checkpoints(checkpoints)) if is_whole(path)), None)


def load_checkpoint(checkpoint: Path, model: GPT2, optimizers: Optimizers) -> TrainState:
    """Fills model and optimizers and returns the state to go on from.

    Raises:
        UserError: when the checkpoint belongs to a model of another shape or cannot be read.
    """
    try:
        values = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
        position = Position(**values.pop("position"))
        state = TrainState(position=position, **values)
        tensors = load_file(checkpoint / OPTIMIZER)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"The checkpoint {checkpoint} cannot be read: {error}.") from None
    copy_weights(load_model(checkpoint), model)
    padding = tensors.pop(_PADDING, None)
    if padding is not None:
        with torch.no_grad():
            model.wte.weight[VOCAB_SIZE:] = padding
    optimizers.load_state_dict(_unflatten(tensors, optimizers.state_dict()))
    return state


def copy_weights(source: GPT2, target: GPT2) -> None:
    """Copies all weights; ``target`` may have a padded vocabulary.

    Raises:
        UserError: when the shapes differ otherwise.
    """
    weights = dict(source.named_parameters())
    with torch.no_grad():
        for name, parameter in target.named_parameters():
            weight = weights.get(name)
            rows = source.config.vocab_size if name in ("wte.weight", "lm_head.weight") else parameter.shape[0]
            if weight is None or weight.shape != parameter[:rows].shape:
                raise UserError(f"The checkpoint's {name} does not fit the model; it belongs to another configuration.")
            parameter[:rows].copy_(weight)


def prune(checkpoints: Path, *, keep: int, best_step: int) -> None:
    """Removes old checkpoints, all but the newest ``keep`` and the best one, and what interrupted writes left behind."""
    for path in list_checkpoints(checkpoints)[:-keep]:
        if path.name != f"step-{best_step:08d}":
            shutil.rmtree(path, ignore_errors=True)
    for path in checkpoints.glob(".tmp-*"):
        shutil.rmtree(path, ignore_errors=True)
