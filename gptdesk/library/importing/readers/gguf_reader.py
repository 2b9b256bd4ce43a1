"""Reads GGUF files through the package ``gguf``, bounded and with sentences for what is wrong.

Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from gptdesk.errors import UserError
from gptdesk.gpt2.layout import check_is_no_pointer

if TYPE_CHECKING:
    import numpy as np

_MAGIC: Final = b"GGUF"

_HALVES: Final = {"F16": "float16", "BF16": "bfloat16"}
"""Names of types with 16 bits, and what safetensors files and torch call them."""

_MOST_PARTS: Final = 4_000_000
"""Numbers and strings in the descriptions of a file; a vocabulary of 250,000 tokens has 1.5 million."""


class GGUFFile:
    """A GGUF file whose descriptions have been read; its tensors are only mapped into memory.

    Args:
        path: of the file.

    Attributes:
        path: of the file.
        shapes: of its tensors by their names, in the order of NumPy: (outputs, inputs) for a linear layer.

    Raises:
        UserError: when it is none, cut short or damaged, or the package ``gguf`` is missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        check_is_no_pointer(path)
        try:
            with path.open("rb") as file:
                if file.read(len(_MAGIC)) != _MAGIC:
                    raise UserError(f"{path} is damaged, or no GGUF file.")
            self._reader = _reader_class()(path)
        except OSError as error:
            raise UserError(f"{path} cannot be read ({error.strerror or error}).") from error
        except UserError:
            raise
        except Exception as error:  # the package raises whatever it stumbles over
            raise UserError(f"{path} is damaged or cut short; download or copy it again.") from error
        if self._reader.byte_order != "I":
            raise UserError(f"{path} is a big-endian GGUF file, which is not supported.")
        self._tensors = {tensor.name: tensor for tensor in self._reader.tensors}
        self.shapes = {name: tuple(map(int, tensor.shape[::-1])) for name, tensor in self._tensors.items()}

    def text(self, key: str) -> str:
        """The text of that key; empty when there is none."""
        value = self._value(key)
        return value if isinstance(value, str) else ""

    def number(self, key: str) -> float | None:
        """The number of that key; None when there is none."""
        value = self._value(key)
        return value if isinstance(value, int | float) and math.isfinite(value) else None

    def whole(self, key: str) -> int | None:
        """The whole number of that key; None when there is none."""
        value = self._value(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def texts(self, key: str) -> list[str]:
        """The list of texts of that key; empty when there is none."""
        value = self._value(key)
        return value if isinstance(value, list) and all(isinstance(text, str) for text in value) else []

    def wholes(self, key: str) -> list[int]:
        """The list of whole numbers of that key; empty when there is none."""
        value = self._value(key)
        return value if isinstance(value, list) and all(isinstance(number, int) for number in value) else []

    def check(self, name: str) -> None:
        """Makes sure that a tensor is of a type that can be read.

        Raises:
            UserError: when it is not.
        """
        import gguf
        import numpy as np

        kind = self._tensors[name].tensor_type
        block = gguf.GGML_QUANT_SIZES[kind][1]
        try:
            gguf.dequantize(np.zeros((1, block), np.uint8), kind)
        except (NotImplementedError, ValueError):
            raise UserError(
                f"{self.path} stores {name[:100]!a} as {kind.name}, which is not supported; convert it to F16 "
                "or Q8_0 with llama.cpp's llama-quantize."
            ) from None

    def size(self, name: str) -> int:
        """Bytes of a tensor in the file."""
        return int(self._tensors[name].n_bytes)

    def dtype(self, name: str) -> str:
        """The smaller of float32 and the tensor's type that holds its values exactly, as torch names it."""
        return _HALVES.get(self._tensors[name].tensor_type.name, "float32")

    def unpacked_size(self, name: str) -> int:
        """Bytes of the tensor in its `dtype`."""
        return math.prod(self.shapes[name]) * (4 if self.dtype(name) == "float32" else 2)

    def read(self, name: str) -> np.ndarray[Any, np.dtype[np.float32]]:
        """The values of a tensor as float32, which holds those of every type exactly."""
        import gguf
        import numpy as np

        tensor = self._tensors[name]
        values = gguf.dequantize(np.asarray(tensor.data), tensor.tensor_type)
        return np.array(values, np.float32).reshape(self.shapes[name])

    def _value(self, key: str) -> Any:
        """What the field of that name holds: a text, a number, a list of either, or None."""
        from gguf import GGUFValueType

        field = self._reader.fields.get(key)
        if field is None or not field.types:
            return None
        kind = field.types[0]
        if kind == GGUFValueType.STRING:
            return _decoded(field.parts[-1])
        if kind != GGUFValueType.ARRAY:
            return field.parts[-1].tolist()[0]
        parts = (field.parts[index] for index in field.data)
        if field.types[-1] == GGUFValueType.STRING:
            return [_decoded(part) for part in parts]
        return [part.tolist()[0] for part in parts]


def _decoded(part: np.ndarray[Any, Any]) -> str:
    return part.tobytes().decode("utf-8", "replace")


@functools.cache
def _reader_class() -> Any:
    """The package's reader, which ends at the end of the file and after many numbers, where the package's own goes on.

    Raises:
        UserError: when the package is missing.
    """
    try:
        from gguf import GGUFReader
    except ImportError:
        raise UserError("GGUF needs the package gguf, which is not installed: pip install 'gptdesk[gguf]'.") from None
    import numpy as np

    class BoundedReader(GGUFReader):
        parts = 0

        def _get(self, offset: int, dtype: Any, count: int = 1, override_order: Any = None) -> Any:
            if not self.parts:
                cast("Any", self).data = self.data.view(
                    np.ndarray
                )  # cutting a memory map in pieces takes twice the time
            self.parts += 1
            if int(offset) + int(count) * np.dtype(dtype).itemsize > self.data.size or self.parts > _MOST_PARTS:
                raise ValueError("the file ends before, or never")
            return super()._get(offset, dtype, count, override_order)

    return BoundedReader
