"""Array files with a typed header, written in pieces and read through memory maps."""

from __future__ import annotations

import hashlib
import os
import struct
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from gptdesk.errors import UserError
from gptdesk.files import put_in_place, sync_folder
from gptdesk.gpt2.config import END_OF_TEXT
from gptdesk.gpt2.tokenizers.openai import RANKS_SHA256

HEADER: Final = struct.Struct("<8sIIQI32s4x")
"""Magic of the kind, format version, bits an item, items, id of ``<|endoftext|>``, SHA-256 of the tokenizer."""

VERSION: Final = 2


@dataclass(frozen=True)
class Kind:
    """A kind of array file: its magic, suffix, type and bits an item."""

    magic: bytes
    suffix: str
    dtype: str
    bits: int


TOKENS: Final = Kind(b"GPTDTOK\0", ".bin", "<u2", 16)
WIDE_TOKENS: Final = Kind(b"GPTDTOK\0", ".bin", "<u4", 32)
"""Token ids of a vocabulary that 16 bits do not number; see `token_kind`."""

INDEX: Final = Kind(b"GPTDIDX\0", ".idx", "<u4", 32)
MASK: Final = Kind(b"GPTDMSK\0", ".mask", "u1", 1)


def token_kind(vocab_size: int) -> Kind:
    """The kind of file for ids of so many tokens: uint16 below 65,536 of them, else uint32."""
    return TOKENS if vocab_size < 1 << TOKENS.bits else WIDE_TOKENS


class Stamp(NamedTuple):
    """Fields of the header about the tokenizer.

    Attributes:
        sha256: its identity, in hexadecimal.
        end_of_text: id of the token that ends each document.
    """

    sha256: str = RANKS_SHA256
    end_of_text: int = END_OF_TEXT


GPT2_STAMP: Final = Stamp()


class ArrayFile:
    """Writes one file piece by piece, beside its place; `close` syncs it and moves it there.

    Args:
        path: where it is to stand.
        kind: what it holds.
        stamp: of the tokenizer whose ids these are.
    """

    def __init__(self, path: Path, kind: Kind, stamp: Stamp = GPT2_STAMP) -> None:
        self._path = path
        self._kind = kind
        self._stamp = stamp
        self._temporary = path.with_name(path.name + ".tmp")
        self._hash = hashlib.sha256()
        self._file = self._temporary.open("wb")
        self._file.write(bytes(HEADER.size))

    def write(self, values: npt.NDArray[Any]) -> None:
        body = values.astype(self._kind.dtype, copy=False).tobytes()
        self._hash.update(body)
        self._file.write(body)

    def close(self, count: int) -> dict[str, Any]:
        """Completes the file with its number of items and returns its line of the manifest."""
        tokenizer = bytes.fromhex(self._stamp.sha256)
        end = self._stamp.end_of_text
        self._file.seek(0)
        self._file.write(HEADER.pack(self._kind.magic, VERSION, self._kind.bits, count, end, tokenizer))
        self._file.close()
        put_in_place(self._temporary, self._path)
        sync_folder(self._path.parent)
        return {"file": self._path.name, "sha256": self._hash.hexdigest()}

    def abandon(self) -> None:
        """Closes and removes what was written."""
        with suppress(OSError):  # what is still to be written may not fit
            self._file.close()
        self._temporary.unlink(missing_ok=True)


def open_array(path: Path, kind: Kind, count: int, sha256: str = RANKS_SHA256) -> npt.NDArray[Any]:
    """A read-only memory map of a file's items (of bytes holding 8 each, for a mask).

    Args:
        path: of the file.
        kind: what it is to hold.
        count: items that it is to hold.
        sha256: identity of the tokenizer that it is to be of.

    Raises:
        UserError: when the file is none of that kind or tokenizer, or does not hold ``count`` items.
    """
    try:
        with path.open("rb") as file:
            magic, version, bits, stored, _, tokenizer = HEADER.unpack(file.read(HEADER.size))
            size = os.fstat(file.fileno()).st_size
    except (OSError, struct.error) as error:
        raise UserError(f"The prepared data in {path} cannot be read: {error}.") from None
    if magic != kind.magic or version != VERSION or bits != kind.bits:
        raise UserError(f"{path} is no prepared data of this version; prepare the data again.")
    if tokenizer.hex() != sha256:
        raise UserError(f"{path} was prepared with another tokenizer; prepare the data again.")
    if stored != count or size != HEADER.size + (count * bits + 7) // 8:
        raise UserError(f"{path} is not complete; prepare the data again.")
    if not count:
        return np.empty(0, kind.dtype)
    return np.memmap(path, dtype=kind.dtype, mode="r", offset=HEADER.size)


class MappedArrays(Sequence[npt.NDArray[Any]]):
    """Files of one kind, mapped when they are read; those read last stay mapped.

    Every mapping holds a file open, and systems allow a process 1,024 or 256 of them.

    Args:
        paths: of the files.
        kind: what they hold.
        counts: items in each.
        sha256: identity of the tokenizer.

    Raises:
        UserError: when a file is none of that kind or tokenizer, or does not hold so many items.
    """

    MOST_OPEN: Final = 32

    def __init__(self, paths: Sequence[Path], kind: Kind, counts: Sequence[int], sha256: str = RANKS_SHA256) -> None:
        self._paths, self._kind, self._counts, self._sha256 = list(paths), kind, list(counts), sha256
        self._mapped: OrderedDict[int, npt.NDArray[Any]] = OrderedDict()
        for index in range(len(self._paths)):
            self[index]

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, index: int) -> npt.NDArray[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[npt.NDArray[Any]]: ...
    def __getitem__(self, index: int | slice) -> npt.NDArray[Any] | Sequence[npt.NDArray[Any]]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if index in self._mapped:
            self._mapped.move_to_end(index)
            return self._mapped[index]
        if len(self._mapped) == self.MOST_OPEN:
            self._mapped.popitem(last=False)
        array = self._mapped[index] = open_array(self._paths[index], self._kind, self._counts[index], self._sha256)
        return array
