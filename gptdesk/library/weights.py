"""Checks by the headers alone that a folder's weights are valid and fit its config. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from gptdesk.errors import UserError
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import EMBEDDING, HEAD, check_shapes, is_transposed, our_name, read_config, weight_files

DTYPES: Final = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
"""Bytes of a number, by the names that safetensors gives to types; the types that gptdesk loads."""

_LENGTH: Final = 8
"""Bytes of the length of the header, with which a safetensors file begins."""

_LARGEST_HEADER: Final = 100_000_000
"""Bytes, as safetensors itself allows."""


class _Tensor(msgspec.Struct):
    """What is read of an entry of the header; that of the metadata has no offsets."""

    data_offsets: tuple[int, int] = (0, 0)


_HEADER: Final = msgspec.json.Decoder(dict[str, _Tensor])


def check_sizes(paths: Iterable[Path]) -> None:
    """Checks that safetensors files are as long as their headers say; reads nothing but the headers.

    Raises:
        UserError: when one is damaged, too short or too long, or cannot be read.
    """
    for path in paths:
        try:
            with path.open("rb") as file:
                size = path.stat().st_size
                length = int.from_bytes(file.read(_LENGTH), "little")
                header = file.read(length) if length <= min(size, _LARGEST_HEADER) else b""
            ends = [tensor.data_offsets[1] for tensor in _HEADER.decode(header).values()]
        except OSError as error:
            raise UserError(f"{path} cannot be read ({error.strerror or error}).") from error
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            raise UserError(f"{path} is damaged or incomplete; download or copy it again.") from None
        if size != (wanted := _LENGTH + length + max(ends, default=0)):
            raise UserError(
                f"{path} is damaged or incomplete: it has {size:,} bytes instead of "
                f"{wanted:,}; download or copy it again."
            )


def check_weights(folder: Path) -> GPT2Config:
    """Checks the weights of a model folder against its config, and returns the config.

    Raises:
        UserError: when weights are missing, or do not fit the config.
    """
    config = read_config(folder)
    shapes: dict[str, tuple[int, ...]] = {}
    for path in weight_files(folder):
        for name, shape in stored_shapes(path).items():
            if name in shapes:
                raise UserError(f"{path} holds the tensor {name} a second time.")
            shapes[name] = shape
    if config.tie_word_embeddings and HEAD in shapes:  # the same weight twice, or one that unties them
        shapes.setdefault(EMBEDDING, shapes[HEAD])
        if shapes[HEAD] == shapes[EMBEDDING]:
            del shapes[HEAD]
    check_shapes(folder, config, shapes)
    return config


def stored_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Shapes of the weights in a safetensors file by our names, (outputs, inputs) for linear layers.

    Raises:
        UserError: when it is not a valid safetensors file, or holds types that gptdesk does not load.
    """
    from safetensors import SafetensorError, safe_open

    shapes = {}
    try:
        path.open("rb").close()  # safetensors would say of every file it may not open that it is missing
        with safe_open(path, framework="np") as file:
            for stored in file.keys():  # noqa: SIM118 (not a dict)
                if (name := our_name(stored)) is None:
                    continue
                view = file.get_slice(stored)
                if view.get_dtype() not in DTYPES:
                    raise UserError(f"{path} stores {stored[:100]!a} as {view.get_dtype()}, which is not supported.")
                if name in shapes:
                    raise UserError(f"{path} holds the tensor {name[:100]!a} a second time.")
                shape = tuple(view.get_shape())
                shapes[name] = shape[::-1] if is_transposed(name) and len(shape) == 2 else shape
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}).") from error
    except SafetensorError as error:
        reason = str(error).splitlines()[0][:200] if str(error) else "no reason given"
        raise UserError(f"{path} is damaged or incomplete ({reason}); download or copy it again.") from error
    return shapes
