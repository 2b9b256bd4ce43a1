"""Plans of engines: what of a choice decides whether an engine can be shared, and the memory it will take. No Qt."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from gptdesk.devices import (
    choose_cpu_precision,
    choose_device,
    choose_precision,
    choose_quantization,
    computes_on_cpu,
    set_thread_environment,
)
from gptdesk.errors import UserError
from gptdesk.gpt2.layout import read_config, weight_files
from gptdesk.library.memory import memory_needed
from gptdesk.system_memory import free_memory, total_memory
from gptdesk.ui.services.inference_messages import Failure

log = logging.getLogger(__name__)

COMPUTER = "cpu"
"""Where engines are whose weights lie in the computer's memory."""

_CARD_SHARE = 0.9
"""Of a graphics card's memory that engines may take; the desktop and CUDA itself take the rest."""


class EngineChoice(NamedTuple):
    """What decides how a model is loaded; values as in `Settings`."""

    model: str
    device: str = "auto"
    precision: str = "auto"
    threads: int = 0


class EngineKey(NamedTuple):
    """Engines with the same key are one.

    Attributes:
        folder: of the model.
        device: "cpu", "cuda:1", ...
        precision: of the weights.
        threads: of the compiled decoder; 0 for the default.
        files: name, bytes and time of the last change of the files of the weights: another model may take a folder.
    """

    folder: Path
    device: str
    precision: str
    threads: int
    files: tuple[tuple[str, int, int], ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """An engine that may be loaded.

    Attributes:
        choice: what was asked for.
        key: which engine that is.
        need: bytes that it takes with a full context; 0 where the model's shape cannot be read.
        free: bytes of memory that are free on its device; ``None`` where that is not known.
        total: bytes of memory of its device; ``None`` where that is not known.
    """

    choice: EngineChoice
    key: EngineKey
    need: int
    free: int | None = None
    total: int | None = None

    @property
    def place(self) -> str:
        """Whose memory it takes: that of the computer, which Apple's GPUs share, or that of a card."""
        return self.key.device if self.key.device.startswith("cuda") else COMPUTER


def make_plan(choice: EngineChoice, find: Callable[[str], Path]) -> Plan | Failure:
    """Plans the engine of a choice; for a background thread: reads the disk, and imports torch where it asks for a GPU.

    Args:
        choice: what is asked for. What is wrong with device, precision or files is said when the engine is loaded.
        find: returns the folder of a model; raises `UserError` when there is none.
    """
    try:
        folder = find(choice.model)
        device, precision = _resolved(choice)
        key = EngineKey(folder, device, precision, choice.threads, _files(folder))
        need = 0
        with suppress(UserError):
            need = memory_needed(read_config(folder), precision)
        if device.startswith("cuda"):
            total = _card_memory(device)
            return Plan(choice=choice, key=key, need=need, free=total, total=total)
        return Plan(choice=choice, key=key, need=need, free=free_memory(), total=total_memory())
    except UserError as error:
        return Failure(str(error))
    except Exception as error:
        log.exception("the engine of %s cannot be planned", choice.model)
        return Failure(f"{type(error).__name__}: {error}", traceback.format_exc())


def _resolved(choice: EngineChoice) -> tuple[str, str]:
    """Device and precision without "auto"; as they were asked for where they cannot be used."""
    with suppress(UserError):
        if computes_on_cpu(choice.device):
            return COMPUTER, choose_cpu_precision(choice.precision)
        set_thread_environment()  # before torch is imported
        device = choose_device(choice.device)
        quantized = choose_quantization(choice.precision, device)
        dtype = str(choose_precision(choice.precision, device)).removeprefix("torch.")
        return "cuda:0" if str(device) == "cuda" else str(device), quantized or dtype
    return choice.device, choice.precision


def _files(folder: Path) -> tuple[tuple[str, int, int], ...]:
    with suppress(UserError, OSError):
        states = [(path.name, path.stat()) for path in weight_files(folder)]
        return tuple((name, state.st_size, state.st_mtime_ns) for name, state in states)
    return ()


def _card_memory(device: str) -> int:
    """Bytes of a card that engines may take."""
    import torch

    return int(torch.cuda.get_device_properties(torch.device(device)).total_memory * _CARD_SHARE)
