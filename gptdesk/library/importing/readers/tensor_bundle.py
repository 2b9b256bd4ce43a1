"""Reads TensorFlow's checkpoints of version 2 ("tensor bundles") without TensorFlow.

Source: TensorFlow's ``core/protobuf/tensor_bundle.proto`` and ``core/util/tensor_bundle/tensor_bundle.cc``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from gptdesk.bounded_read import ContentError, read_bytes
from gptdesk.errors import UserError
from gptdesk.gpt2.layout import check_is_no_pointer
from gptdesk.library.importing.readers.crc32c import crc32c, masked
from gptdesk.library.importing.readers.protobuf import WireError, fields
from gptdesk.library.importing.readers.sorted_table import TableError, read_table

_DTYPES: Final = {1: "float32", 2: "float64", 14: "bfloat16", 19: "float16"}
"""Types that are read, by their numbers in ``core/framework/types.proto``."""

_SIZES: Final = {"float32": 4, "float64": 8, "bfloat16": 2, "float16": 2}

_LARGEST_INDEX: Final = 16 * 2**20
"""Bytes; the index of gpt2-xl has some 20 thousand."""

_CHUNK: Final = 4 * 2**20


@dataclass(frozen=True)
class StoredTensor:
    """A tensor of a checkpoint, as its index describes it.

    Attributes:
        dtype: number of its type, see `TensorBundle.dtype`.
        shape: as stored.
        shard: number of the data file that holds it.
        offset, size: where in that file, in bytes.
        checksum: masked CRC-32C of these bytes.
        sliced: whether it is stored in parts, as partitioned variables are.
    """

    dtype: int = 0
    shape: tuple[int, ...] = ()
    shard: int = 0
    offset: int = 0
    size: int = 0
    checksum: int = 0
    sliced: bool = False


class TensorBundle:
    """A checkpoint: one index and one or several data files.

    Args:
        index: path of the index, ``NAME.index``; the data files ``NAME.data-00000-of-00001`` lie beside it.

    Attributes:
        tensors: by name.

    Raises:
        UserError: when the index is damaged, or of a form that is not supported.
    """

    def __init__(self, index: Path) -> None:
        self._index = index
        check_is_no_pointer(index)
        try:
            entries = read_table(read_bytes(index, largest=_LARGEST_INDEX))
            self._shards = self._read_header(entries.pop(b"", None))
            self.tensors = {name.decode(): _stored_tensor(value) for name, value in entries.items()}
        except OSError as error:
            raise UserError(f"{index} cannot be read ({error.strerror or error}).") from error
        except (ContentError, TableError, WireError, UnicodeDecodeError, TypeError) as error:
            reason = str(error) if isinstance(error, ContentError | TableError | WireError) else "it makes no sense"
            raise UserError(f"{index} is damaged, or no index of a TensorFlow checkpoint: {reason}.") from error

    def data_files(self) -> list[Path]:
        """Paths of the files that hold the tensors."""
        stem = self._index.stem
        names = (f"{stem}.data-{shard:05d}-of-{self._shards:05d}" for shard in range(self._shards))
        return [self._index.with_name(name) for name in names]

    def dtype(self, name: str) -> str:
        """The type of a tensor that `check` let pass, such as ``float32``."""
        return _DTYPES[self.tensors[name].dtype]

    def check(self, name: str) -> None:
        """Makes sure, without reading it, that a tensor can be read.

        Raises:
            UserError: when its data file is missing or cut short, or its type is not supported.
        """
        tensor = self.tensors[name]
        dtype = _DTYPES.get(tensor.dtype)
        if dtype is None or tensor.sliced:
            how = "in parts" if tensor.sliced else f"as type {tensor.dtype} of TensorFlow"
            raise UserError(f"{self._index} stores {name[:100]!a} {how}, which is not supported.")
        path = self._data_file(tensor)
        check_is_no_pointer(path)
        try:
            length = path.stat().st_size
        except OSError as error:
            raise UserError(
                f"{path} cannot be read ({error.strerror or error}); it holds the weights of the checkpoint."
            ) from error
        if math.prod(tensor.shape) * _SIZES[dtype] != tensor.size:
            raise UserError(f"{self._index} is damaged: the size of {name[:100]!a} contradicts its shape.")
        if tensor.offset + tensor.size > length:
            raise UserError(f"{path} is cut short: it ends before the values of {name[:100]!a}; copy it again.")

    def read(self, name: str, advance: Callable[[int], None]) -> bytearray:
        """The values of a tensor, in little-endian order, compared with their checksum.

        Args:
            name: of the tensor.
            advance: told how many bytes were read since the last call; what it raises ends the reading.

        Raises:
            UserError: when they are damaged; as `check`.
        """
        self.check(name)
        tensor = self.tensors[name]
        path, data, crc = self._data_file(tensor), bytearray(tensor.size), 0
        try:
            for block in _chunks(path, tensor.offset, memoryview(data)):
                crc = crc32c(block, crc)
                advance(len(block))
        except OSError as error:
            raise UserError(f"{path} cannot be read ({error.strerror or error}).") from error
        if masked(crc) != tensor.checksum:
            raise UserError(f"{path} is damaged: the checksum of {name[:100]!a} is wrong; copy the file again.")
        return data

    def _data_file(self, tensor: StoredTensor) -> Path:
        files = self.data_files()
        if tensor.shard >= len(files):
            raise UserError(f"{self._index} is damaged: it names a data file that there is not.")
        return files[tensor.shard]

    def _read_header(self, header: bytes | None) -> int:
        """The number of data files."""
        if header is None:
            raise TableError("its header is missing")
        values = dict(fields(header))
        shards, endianness = values.get(1, 0), values.get(2, 0)
        if endianness != 0:
            raise TableError("its numbers are big-endian, which is not supported")
        if not isinstance(shards, int) or not 1 <= shards <= 99_999:
            raise TableError("it names no data files")
        return shards


def _chunks(path: Path, offset: int, target: memoryview) -> Iterator[memoryview]:
    """Fills ``target`` from a file, and yields each part once it is there."""
    done = 0
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        while done < len(target):
            part = target[done : done + _CHUNK]
            length = file.readinto(part)
            if not length:
                raise OSError(f"it ends at {offset + done:,} bytes")
            yield part[:length]
            done += length


def _stored_tensor(message: bytes) -> StoredTensor:
    """Reads a ``BundleEntryProto``."""
    values = dict(fields(message))
    shape = tuple(_dimensions(_bytes(values.get(2, b""))))
    numbers = [_int(values.get(number, 0)) for number in (1, 3, 4, 5, 6)]
    dtype, shard, offset, size, checksum = numbers
    return StoredTensor(dtype, shape, shard, offset, size, checksum, sliced=7 in values)


def _dimensions(message: bytes) -> Iterator[int]:
    """Reads a ``TensorShapeProto``."""
    for number, value in fields(message):
        if number == 2:
            yield _int(dict(fields(_bytes(value))).get(1, 0))


def _int(value: int | bytes) -> int:
    return value if isinstance(value, int) else _mistyped()


def _bytes(value: int | bytes) -> bytes:
    return value if isinstance(value, bytes) else _mistyped()


def _mistyped() -> NoReturn:
    raise WireError("a field in it has another type than it should have")
