"""Estimates a run from its configuration alone, and names the settings that cannot work; or has the trainer measure."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gptdesk.errors import UserError
from gptdesk.gpt2.config import VOCAB_SIZE
from gptdesk.system_memory import free_memory
from gptdesk.training.data.datasets import PreparedSet, describe_set
from gptdesk.training.data.vocabulary import DataTokenizer, tokenizer_of_model
from gptdesk.training.launch import to_toml, write_settings
from gptdesk.training.trainer_json import trainer_json
from trainer.config.schema import TrainConfig, with_absolute_paths
from trainer.planning.fit import checkpoint_bytes, checkpoints_at_once, require_disk, require_fit
from trainer.planning.plan import MemoryNeed, Plan, memory_need, plan_run, require_validation
from trainer.run_directory.layout import CHECKPOINTS, RUN

Problems = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Figures that need no measurement.

    Attributes:
        parameters: of the model.
        vocab_size: tokens in the vocabulary of the model.
        tokens_per_step: over all processes.
        tokens: in the whole run.
        data: to train on; None while there is none that can be used.
        tokenizer: of the model to start from; None from scratch.
        epochs: over the training data; None while there is none.
        memory: that a process needs; None while that cannot be told.
        checkpoint_bytes: of one checkpoint.
        checkpoints_at_once: that may be on the disk.
        problems: a sentence for every setting that cannot work, by ``section.key``.
    """

    parameters: int = 0
    vocab_size: int = VOCAB_SIZE
    tokens_per_step: int = 0
    tokens: int = 0
    data: PreparedSet | None = None
    tokenizer: DataTokenizer | None = None
    epochs: float | None = None
    memory: MemoryNeed | None = None
    checkpoint_bytes: int = 0
    checkpoints_at_once: int = 0
    problems: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What the trainer says of a configuration on this computer.

    Attributes:
        seconds: the whole run is expected to take.
        device, precision: chosen.
        compiled: whether the step would be.
        memory: bytes that a process needs.
        memory_available: free bytes; 0 where unknown.
        disk_free: bytes free where the run will be kept; 0 when no folder is given.
    """

    seconds: float
    device: str
    precision: str
    compiled: bool
    memory: int
    memory_available: int
    disk_free: int


def summarise(values: Mapping[str, Any], *, processes: int = 1, vocab_size: int | None = None) -> Summary:
    """Works out what the settings make, in milliseconds; never raises for what a person can enter.

    Where a setting is wrong, the numbers are those of its default.

    Args:
        values: settings, by section.
        processes: that the run is divided among.
        vocab_size: tokens of a model from scratch; ``None`` for those of its data.
    """
    problems: Problems = {}
    config = with_absolute_paths(_nearest(values, problems))
    plan = _plan(config, processes, vocab_size, problems)
    if plan is None and "data.batch_size" in problems:
        processes = 1  # which the numbers are of, then
        plan = _plan(config, processes, vocab_size, problems)
    if plan is None:
        return Summary(problems=problems)
    tokens = plan.tokens_per_step * config.schedule.steps
    data = _data(config, plan, problems)
    tokenizer = _tokenizer(config, problems)
    train_tokens = data.train_tokens if data else 0
    _check_folder(config, plan, problems)
    return Summary(
        parameters=plan.shape.num_parameters(),
        vocab_size=plan.shape.vocab_size,
        tokens_per_step=plan.tokens_per_step,
        tokens=tokens,
        data=data,
        tokenizer=tokenizer,
        epochs=tokens / train_tokens if train_tokens else None,
        memory=_memory(config, plan, processes, vocab_size, problems),
        checkpoint_bytes=checkpoint_bytes(config, plan),
        checkpoints_at_once=checkpoints_at_once(config),
        problems=problems,
    )


def dry_run(values: Mapping[str, Any], *, stop: threading.Event | None = None) -> DryRun:
    """Has the trainer measure what a run takes here: some seconds, so not in the window's own thread.

    Args:
        values: settings, by section.
        stop: ends it when set, from any thread.

    Raises:
        UserError: when the configuration cannot work here.
    """
    with tempfile.TemporaryDirectory(prefix="gptdesk-", ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "config.toml"
        write_settings(file, to_toml(values))
        outlook = trainer_json("train", "--config", str(file), "--dry-run", "--json", stop=stop)
    return DryRun(
        seconds=float(outlook["seconds"]),
        device=str(outlook["device"]),
        precision=str(outlook["precision"]),
        compiled=bool(outlook["compiled"]),
        memory=int(outlook["memory"]["total"]),
        memory_available=int(outlook["memory_available"]),
        disk_free=int(outlook["disk_free"]),
    )


def _nearest(values: Mapping[str, Any], problems: Problems) -> TrainConfig:
    """The configuration that the values make, without those that cannot be; notes the problems of these."""
    tried: dict[str, Any] = {name: dict(part) if isinstance(part, Mapping) else part for name, part in values.items()}
    while True:
        try:
            return TrainConfig.model_validate(tried)
        except ValidationError as error:
            wrong = [_place(each["loc"], each["msg"], each["type"], tried) for each in error.errors()]
            for each, place in zip(error.errors(), wrong, strict=True):
                problems.setdefault(".".join(place), _sentence(each["msg"], each["type"]))
            before = _count(tried)
            for place in wrong:
                _drop(tried, place)
            if _count(tried) == before:  # nothing left to drop: without this the loop would not end
                return TrainConfig()


def _place(where: tuple[int | str, ...], message: str, kind: str, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Section and key that an error is about; one about settings that do not go together begins with a key's name."""
    parts = tuple(map(str, where))[:2]
    if len(parts) == 1 and kind == "value_error":
        word = re.match(r"\w+", message.removeprefix("Value error, "))
        section = values.get(parts[0], {})
        key = word[0] if word else ""
        fields = TrainConfig.model_fields[parts[0]].annotation if parts[0] in TrainConfig.model_fields else None
        if key and isinstance(section, Mapping) and key in getattr(fields, "model_fields", {}):
            return parts[0], key
    return parts


def _sentence(message: str, kind: str) -> str:
    if kind == "extra_forbidden":
        return "There is no such setting."
    text = message.removeprefix("Value error, ").removeprefix("Input ")
    return f"{text[:1].upper()}{text[1:]}."


def _drop(values: dict[str, Any], place: tuple[str, ...]) -> None:
    section = values.get(place[0])
    if not isinstance(section, dict) or place[0] not in TrainConfig.model_fields:
        values.pop(place[0], None)
    elif len(place) == 1 or place[1] not in section:  # numbers that do not go together; folders have no part in that
        values[place[0]] = {key: value for key, value in section.items() if isinstance(value, str)}
    else:
        del section[place[1]]


def _count(values: Mapping[str, Any]) -> int:
    return sum(1 + (len(part) if isinstance(part, Mapping) else 0) for part in values.values())


def _plan(config: TrainConfig, processes: int, vocab_size: int | None, problems: Problems) -> Plan | None:
    try:
        return plan_run(config, world_size=processes, vocab_size=vocab_size)
    except UserError as error:
        sentence = str(error)
        key = re.match(r"(data\.\w+)|(n_\w+)", sentence)
        if config.model.init_from and not (key and key[1]):
            problems.setdefault("model.init_from", sentence)
        elif key:
            problems.setdefault(key[1] or f"model.{key[2]}", sentence)
        else:
            problems.setdefault("model", sentence)
    return None


def _data(config: TrainConfig, plan: Plan, problems: Problems) -> PreparedSet | None:
    """The data to train on; notes why there is none, or too little."""
    if not config.data.path:
        problems.setdefault("data.path", "Choose the data to train on.")
        return None
    try:
        data = describe_set(Path(config.data.path))
    except UserError as error:
        problems.setdefault("data.path", str(error))
        return None
    least = 2 * plan.context_length + 1
    if data.train_tokens < least:
        problems.setdefault(
            "data.path",
            f"The training data has {data.train_tokens:,} tokens; at least {least:,} are needed: prepare more text or "
            "choose a shorter context length.",
        )
    try:
        require_validation(config, data.val_tokens)
    except UserError as error:
        problems.setdefault("schedule.early_stop_evaluations", str(error))
    return data


def _tokenizer(config: TrainConfig, problems: Problems) -> DataTokenizer | None:
    """The tokenizer of the model to start from; notes why it cannot be read, or not be trained with."""
    if not config.model.init_from:
        return None
    try:
        return tokenizer_of_model(Path(config.model.init_from))
    except UserError as error:
        problems.setdefault("model.init_from", str(error))
        return None


def _check_folder(config: TrainConfig, plan: Plan, problems: Problems) -> None:
    if not config.run.folder:
        return
    folder = Path(config.run.folder)
    try:
        with suppress(FileNotFoundError, NotADirectoryError):
            folder.lstat()  # refuses what no path can be, which others take for absent
        if (folder / RUN).exists() or any((folder / CHECKPOINTS).glob("step-*")):
            problems.setdefault("run.folder", f"{folder} holds a run already; choose another folder.")
        elif not (there := next(path for path in (folder, *folder.absolute().parents) if path.exists())).is_dir():
            problems.setdefault("run.folder", f"{there} is a file; choose another folder.")
        elif not os.access(there, os.W_OK):
            problems.setdefault("run.folder", f"{there} may not be written; choose another folder.")
        else:
            require_disk(config, checkpoint_bytes(config, plan))
    except UserError as error:
        problems.setdefault("run.folder", str(error))
    except (OSError, ValueError) as error:
        problems.setdefault("run.folder", f"{folder} cannot be used: {error}.")


def _memory(
    config: TrainConfig, plan: Plan, processes: int, vocab_size: int | None, problems: Problems
) -> MemoryNeed | None:
    """What a process needs; notes when that is more than this computer has, where it computes itself."""
    size = _bytes_per_activation(config)
    try:
        need = memory_need(config, plan, bytes_per_activation=size, world_size=processes)
        if _computes_here(config):
            room = _memory_for_each(processes)
            require_fit(config, room, bytes_per_activation=size, world_size=processes, vocab_size=vocab_size)
    except UserError as error:
        problems.setdefault(_memory_key(config, size, processes, vocab_size), str(error))
    return need


def _memory_key(config: TrainConfig, size: int, processes: int, vocab_size: int | None) -> str:
    """The setting that makes a run too large: the micro-batch where a smaller one would do, else length or width."""
    one = config.model_copy(update={"data": config.data.model_copy(update={"micro_batch_size": 1})})
    plan = plan_run(one, world_size=processes, vocab_size=vocab_size)
    need = memory_need(one, plan, bytes_per_activation=size, world_size=processes)
    room = _memory_for_each(processes)
    if room is not None and need.total <= room:
        return "data.micro_batch_size"
    if 2 * need.activations > need.total:
        return "data.context_length" if config.data.context_length or config.model.init_from else "model.n_positions"
    return "model.init_from" if config.model.init_from else "model.n_embd"


def _bytes_per_activation(config: TrainConfig) -> int:
    """4 where the device is not known to multiply 16-bit numbers: the summary would rather say too much."""
    if config.run.precision != "auto":
        return 4 if config.run.precision == "float32" else 2
    if config.run.device == "cuda" or (config.run.device == "auto" and _has_nvidia()):
        return 2
    return 2 if config.run.device != "mps" and _multiplies_bfloat16() else 4


def _computes_here(config: TrainConfig) -> bool:
    """Whether the run surely takes the memory that `free_memory` tells of."""
    automatic = config.run.device == "auto" and sys.platform != "darwin" and not _has_nvidia()
    return config.run.device == "cpu" or automatic


@cache
def _has_nvidia() -> bool:
    """Whether NVIDIA's driver is installed; torch would tell better, but takes a second to load."""
    return shutil.which("nvidia-smi") is not None or Path("/proc/driver/nvidia/version").exists()


@cache
def _multiplies_bfloat16() -> bool:
    """Whether the processor has instructions for it, where Linux tells; psutil tells no instructions."""
    try:
        return re.search(r"\b(avx512_bf16|amx_tile)\b", Path("/proc/cpuinfo").read_text()) is not None
    except OSError:
        return False


def _memory_for_each(processes: int) -> int | None:
    """Bytes that each of the processes can still take; ``None`` where nothing tells."""
    free = free_memory()
    return None if free is None else free // max(1, processes)
