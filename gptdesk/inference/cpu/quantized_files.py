"""Loads weights for the CPU, and caches quantised ones on disk: the next load takes a tenth of the time."""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from gptdesk.errors import UserError
from gptdesk.files import replacing
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import CONFIG_FILE, tensor_shapes, weight_files
from gptdesk.gpt2.stored_tensors import StoredTensor, check_memory, open_weights
from gptdesk.inference.cpu.int4.calibration import Calibration
from gptdesk.inference.cpu.int4.calibration_text import calibration_ids
from gptdesk.inference.cpu.weights import Weights

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]


class _Header(msgspec.Struct):
    """The JSON at the beginning of a cache file.

    Attributes:
        precision: of the weights, one of `QUANTIZED`.
        config: of the model, as in ``config.json``.
        source: path of the model folder.
    """

    precision: str
    config: dict[str, Any]
    source: str


_UNUSABLE: Final = (OSError, UserError, msgspec.MsgspecError, UnicodeError, RecursionError)
"""Errors that a missing or damaged cache file may raise; the weights are quantised again then."""

KEEP_FROM: Final = {"int8": 50_000_000, "int4": 0}
"""Parameters from which on a model is cached, by precision; in int8 smaller ones are quantised in a moment."""

FORMAT: Final = {"int8": 1, "int4": 3}
"""Versions by precision: what is cached under another one is quantised again."""

_HEADER: Final = 4096
"""Bytes of the JSON header, padded with spaces, before the weights."""

_SAMPLE: Final = 4096
_SAMPLES: Final = 64
_SUFFIX: Final = ".weights"
_AT_ONCE: Final = 2**25


def load_weights(
    folder: Path, precision: str, *, keep: Path | None = None, progress: Progress | None = None
) -> Weights:
    """Loads a model folder onto the CPU in ``precision``.

    Reads and quantises one tensor at a time, so that the model is never in memory twice.

    Args:
        folder: of the model, as for `gptdesk.gpt2.checkpoint.load_model`.
        precision: one of `gptdesk.inference.cpu.weights.PRECISIONS`.
        keep: cache folder, created when missing; not given: nothing is cached.
        progress: as for `load_model`.

    Raises:
        UserError: when the folder contains no complete, undamaged GPT-2, or memory does not suffice.
    """
    folder = Path(folder)
    place = None
    if keep is not None and precision in KEEP_FROM:
        place = keep / f"{_key(folder, precision)}{_SUFFIX}"
    if place is not None and (weights := _read(place, precision, progress)) is not None:
        return weights
    with open_weights(folder) as (config, stored):
        ids = calibration_ids(folder, config) if precision == "int4" else None
        weights = _fill_from(stored, config, precision, ids, progress)
    if place is not None and config.num_parameters() >= KEEP_FROM[precision]:
        try:
            _write(weights, place, folder)
        except OSError as error:  # a full disk costs the time of the next start
            log.warning("The quantised weights of %s cannot be kept: %s", folder, error)
    return weights


def _fill_from(
    stored: dict[str, StoredTensor],
    config: GPT2Config,
    precision: str,
    ids: npt.NDArray[np.int64] | None,
    progress: Progress | None,
) -> Weights:
    """Reads and converts all tensors; ``ids`` of the text for the calibration that int4 needs."""
    shapes = tensor_shapes(config)
    total, read = sum(math.prod(shape) for shape in shapes.values()), 0
    weights = _empty(config, precision)
    calibration = None if ids is None else Calibration(config, ids)
    for name, shape in shapes.items():
        if calibration is None:
            weights.fill(name, stored[name].floats)
        else:
            weights.fill_calibrated(name, stored[name].floats, calibration)
        read += math.prod(shape)
        if progress is not None:
            progress(read, total)
    return weights


def _empty(config: GPT2Config, precision: str) -> Weights:
    check_memory(Weights.size(config, precision))
    try:
        return Weights(config, precision)
    except MemoryError as error:
        raise UserError(
            "The model does not fit into the memory of the computer; close other programs, or choose a smaller model."
        ) from error


# --- Cache files ---


def _key(folder: Path, precision: str) -> str:
    """Cache key of a model folder: hash of size, time and samples of its files. Reading them whole would take as long
    as quantising."""
    digest = hashlib.sha256(f"{FORMAT[precision]} {precision}".encode())
    for path in (folder / CONFIG_FILE, *weight_files(folder)):
        try:
            with path.open("rb") as file:
                status = path.stat()
                digest.update(f"{path.name} {status.st_size} {status.st_mtime_ns} ".encode())
                for part in range(_SAMPLES):
                    file.seek(status.st_size * part // _SAMPLES)
                    digest.update(file.read(_SAMPLE))
        except OSError as error:
            raise UserError(f"{path} cannot be read ({error.strerror or error}).") from error
    return digest.hexdigest()[:32]


def _read(place: Path, precision: str, progress: Progress | None) -> Weights | None:
    """The cached weights; ``None`` if there are none or the file is damaged."""
    try:
        with place.open("rb", buffering=0) as file:
            header = _decode_header(file.read(_HEADER))
            config = GPT2Config.from_json(header.config)
            size = _HEADER + Weights.size(config, precision)
            if header.precision != precision or place.stat().st_size != size:
                return None
            weights = _empty(config, precision)
            return weights if _fill(weights, file, progress) else None
    except _UNUSABLE:
        return None


def _decode_header(data: bytes) -> _Header:
    return msgspec.json.decode(data, type=_Header)


def _fill(weights: Weights, file: Any, progress: Progress | None) -> bool:
    """Reads the file into ``weights``, in pieces with ``progress`` after each; False if the file is too short."""
    memory, read = weights.memory.data, 0
    while read < len(memory):
        count = file.readinto(memory[read : read + _AT_ONCE])
        if not count:
            return False
        read += count
        if progress is not None:
            progress(read, len(memory))
    return True


def _write(weights: Weights, place: Path, folder: Path) -> None:
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _remove_orphans(place.parent, folder)
    header = _Header(weights.precision, weights.config.to_json(), str(folder.absolute()))
    text = json.dumps(msgspec.structs.asdict(header)).encode().ljust(_HEADER)
    if len(text) > _HEADER:  # a very long path
        return
    with replacing(place) as temporary, temporary.open("wb") as file:
        file.write(text)
        memory = weights.memory.data
        for start in range(0, len(memory), _AT_ONCE):
            file.write(memory[start : start + _AT_ONCE])


def _remove_orphans(kept: Path, folder: Path) -> None:
    """Removes cache files whose model folder no longer exists or contains other weights."""
    for path in kept.glob(f"*{_SUFFIX}"):
        with suppress(*_UNUSABLE, ValueError):  # ValueError: a NUL in the path of the source
            with path.open("rb") as file:
                header = _decode_header(file.read(_HEADER))
            source = Path(header.source)
            if not source.is_dir() or f"{_key(source, header.precision)}{_SUFFIX}" != path.name:
                path.unlink()
