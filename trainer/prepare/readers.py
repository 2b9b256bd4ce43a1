"""Reads documents out of text, JSON lines and parquet, in memory that does not grow with the file.

A document is a tuple of segments in UTF-8: a text alone, or a prompt and its completion.
"""

from __future__ import annotations

import gzip
import io
import json
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from trainer.prepare import sources
from trainer.prepare.arrow import arrow
from trainer.prepare.broken import Broken
from trainer.prepare.sources import SourceFile

Document = tuple[bytes, ...]

SEPARATOR: Final = b"<|endoftext|>"
"""A line of this alone stands between two documents of a text file."""

LARGEST_DOCUMENT: Final = 16 << 20
"""Bytes of text without a separator that are one document; a longer one is cut, at a line's end if possible."""

LONGEST_LINE: Final = 64 << 20
"""Bytes of a JSON line; a longer one is broken."""

PROMPT, COMPLETION = "prompt", "completion"

_BLOCK: Final = 1 << 20
_NEAR: Final = 1 << 20
"""How far before its limit a long document is searched for a place to cut."""

_MARGIN: Final = 256
"""White space on either side of a separator, in bytes, that is looked through for the ends of its line."""

_ROWS: Final = 256
"""Parquet rows decoded at once."""

_NOT_UTF8: Final = "not UTF-8 text"
_DAMAGED: Final = "damaged or cut short"
_UNPACKING_ERRORS: Final = (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile)


class _Unusable(Exception):
    """Why a line holds no document."""


class Reader:
    """Reads stretches of one file.

    Args:
        file: what it is.
        path: where it is on this computer.
        column: name of the text in JSON objects and parquet rows.
        broken: told of what cannot be used.

    Attributes:
        cut: how many documents were cut because they are too long.
        share: how much of the stretch in hand has been read, for the progress.
    """

    def __init__(self, file: SourceFile, path: Path, column: str, broken: Broken) -> None:
        self._file, self._path, self._column, self._broken = file, path, column, broken
        self.cut = 0
        self.share = 0.0

    def documents(self, start: int, end: int) -> Iterator[Document]:
        """The documents from byte ``start`` to ``end``, or of these row groups of parquet; none that is empty."""
        match self._file.format:
            case _ if not self._file.bytes:
                self._note("is empty")
            case sources.PARQUET:
                yield from self._parquet(start, end)
            case format:
                try:
                    with self._path.open("rb") as self._raw, self._unpacked(self._raw) as stream:
                        length = None
                        if not self._file.compression:
                            stream.seek(start)
                            length = end - start
                        yield from (self._text if format == sources.TEXT else self._jsonl)(stream, start, length)
                except _UNPACKING_ERRORS:
                    self._note(_DAMAGED)
                except OSError as error:
                    self._note(_reason(error))

    def _note(self, why: str, where: str = "") -> None:
        self._broken.note(self._file.name, why, where)

    def _unpacked(self, raw: IO[bytes]) -> IO[bytes]:
        match self._file.compression:
            case ".gz":
                return gzip.GzipFile(fileobj=raw)  # type: ignore[return-value]
            case ".xz":
                return lzma.LZMAFile(raw)
            case ".zst":
                pyarrow, _ = arrow(f"Zstandard ({self._file.name})")
                return io.BufferedReader(pyarrow.CompressedInputStream(raw, "zstd"), _BLOCK)
            case _:
                return raw

    def _text(self, stream: IO[bytes], start: int, length: int | None) -> Iterator[Document]:
        for position, raw in self._split(stream, start, length):
            try:
                text = raw.decode()
            except UnicodeDecodeError as error:
                self._note(_NOT_UTF8, f"byte {start + position + error.start:,}")
                continue
            if start + position == 0:
                text = text.removeprefix("\ufeff")
            if text := text.replace("\r\n", "\n").strip():
                yield (text.encode(),)

    def _split(self, stream: IO[bytes], start: int, length: int | None) -> Iterator[tuple[int, bytes]]:
        """(offset, bytes) of what stands between lines that hold `SEPARATOR` alone, in parts where that is long."""
        buffer, offset, before = b"", 0, start
        searched, final = 0, False  # no separator begins before buffer[searched]
        while not final:
            block = stream.read(_BLOCK if length is None else min(_BLOCK, length - offset - len(buffer)))
            now, final = self._raw.tell(), not block
            buffer += block
            at = 0
            while True:
                begin, end = find_separator(buffer, max(at, searched), final)
                if begin < 0 and len(buffer) - at > LARGEST_DOCUMENT:
                    begin = end = cut_place(buffer, at, at + LARGEST_DOCUMENT)
                    self.cut += 1
                if begin < 0:
                    break
                self.share = (before - start + (now - before) * end / len(buffer)) / (length or self._file.bytes)
                yield offset + at, buffer[at:begin]
                at = searched = end
            searched = max(0, buffer.rfind(b"\n") + 1 - at)
            offset, buffer, before = offset + at, buffer[at:], now
        self.share = 1.0
        yield offset, buffer

    def _jsonl(self, stream: IO[bytes], start: int, length: int | None) -> Iterator[Document]:
        position = 0
        while length is None or position < length:
            line = stream.readline(LONGEST_LINE)
            if not line:
                return
            where = f"byte {start + position:,}"
            position += len(line)
            self.share = (self._raw.tell() - start) / (length or self._file.bytes)
            if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                self._note(f"a line is longer than {LONGEST_LINE >> 20} MiB", where)
                while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                    position += len(rest)
                position += len(rest)
                continue
            if not line.strip():
                continue
            try:
                document = _parse(line, self._column)
            except _Unusable as reason:
                self._note(str(reason), where)
                continue
            if any(document):
                yield document

    def _parquet(self, start: int, end: int) -> Iterator[Document]:
        pyarrow, parquet = arrow(f"Parquet ({self._file.name})")
        try:
            with parquet.ParquetFile(self._path, page_checksum_verification=True) as file:
                names = text_columns(file.schema_arrow, self._column)
                for group in range(start, end):
                    before = 0
                    for batch in file.iter_batches(_ROWS, row_groups=[group], columns=names, use_threads=False):
                        yield from self._rows(pyarrow, [batch.column(name) for name in names], group, before)
                        before += batch.num_rows
                        part = before / file.metadata.row_group(group).num_rows
                        self.share = (group - start + part) / (end - start)
        except (OSError, pyarrow.ArrowException) as error:
            self._note(_reason(error))

    def _rows(self, pyarrow: Any, columns: list[Any], group: int, before: int) -> Iterator[Document]:
        texts = [_as_bytes(pyarrow, column).to_pylist() for column in columns]
        for row, document in enumerate(zip(*texts, strict=True)):
            where = f"row group {group}, row {before + row}"
            if None in document:
                self._note("a row without text", where)
                continue
            try:
                b"".join(document).decode()
            except UnicodeDecodeError:
                self._note(_NOT_UTF8, where)
                continue
            if any(document):
                yield document


def _reason(error: Exception) -> str:
    """Why reading failed: the system says so with a number, pyarrow finds the contents wrong."""
    return f"cannot be read: {error.strerror}" if isinstance(error, OSError) and error.errno else _DAMAGED


def text_columns(schema: Any, column: str) -> list[str]:
    """The columns of parquet that hold a document: the text, or prompt and completion; none where it has neither.

    Args:
        schema: pyarrow's.
        column: name of the text.
    """
    pyarrow, _ = arrow("Parquet")
    types = pyarrow.types
    kinds = (types.is_string, types.is_large_string, types.is_string_view, types.is_binary, types.is_large_binary)
    texts = set()
    for field in schema:
        kind = field.type.value_type if types.is_dictionary(field.type) else field.type
        if any(is_kind(kind) for is_kind in kinds):
            texts.add(field.name)
    if column in texts:
        return [column]
    return [PROMPT, COMPLETION] if {PROMPT, COMPLETION} <= texts else []


def _as_bytes(pyarrow: Any, column: Any) -> Any:
    if pyarrow.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(pyarrow.large_binary())


def _parse(line: bytes, column: str) -> Document:
    """The document in a line of JSON.

    Raises:
        _Unusable: when there is none.
    """
    try:
        values = json.loads(line.decode())
    except UnicodeDecodeError:
        raise _Unusable(_NOT_UTF8) from None
    except (ValueError, RecursionError):
        raise _Unusable("a line is not JSON") from None
    if not isinstance(values, dict):
        raise _Unusable("a line is not a JSON object")
    texts = [values.get(name) for name in ((column,) if column in values else (PROMPT, COMPLETION))]
    if not all(isinstance(text, str) for text in texts):
        raise _Unusable(f'a line lacks "{column}", or "{PROMPT}" and "{COMPLETION}", as text')
    return tuple(_to_utf8(text) for text in texts if text is not None)


def cut_place(data: bytes, start: int, limit: int) -> int:
    """Where to cut ``data[start:]`` up to ``limit``: after a line, else before a blank, else between characters."""
    near = max(start + 1, limit - _NEAR)
    if (line := data.rfind(b"\n", near, limit)) >= 0:
        return line + 1
    if (blank := data.rfind(b" ", near, limit)) >= 0:
        return blank
    while limit > near and data[limit] & 0xC0 == 0x80:  # inside a character
        limit -= 1
    return limit


def find_separator(data: bytes, start: int, final: bool) -> tuple[int, int]:
    """Begin and end of the next line that holds `SEPARATOR` alone, (-1, -1) without one.

    Args:
        data: text.
        start: where to begin; a line begins there.
        final: whether the last line ends with the data; else it may go on.
    """
    at = start
    while (at := data.find(SEPARATOR, at)) >= 0:
        after = at + len(SEPARATOR)
        before = data[max(start, at - _MARGIN) : at]
        begin = at - len(before) + before.rfind(b"\n") + 1
        rest = data[after : after + _MARGIN]
        line_end = rest.find(b"\n")
        if line_end < 0 and len(rest) < _MARGIN:
            if not final:
                break
            line_end = len(rest)
        begins_line = begin == start or data[begin - 1] == ord("\n")
        if begins_line and line_end >= 0 and not (data[begin:at] + rest[:line_end]).strip():
            return begin, min(after + line_end + 1, len(data))
        at = after
    return -1, -1


def _to_utf8(text: str) -> bytes:
    """UTF-8 of a text, with U+FFFD for lone surrogates, which JSON can spell and UTF-8 cannot."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
