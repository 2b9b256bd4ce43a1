"""JSON: an array of records, records one after the other, or one object that holds an array; read as a stream."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import IO, Any, Final

from trainer.prepare.formats import jsonl
from trainer.prepare.formats.input import BOM, Document, Input, Unreadable
from trainer.prepare.formats.rows import from_value, is_record
from trainer.prepare.text.unpacking import read_until_damage

LARGEST_VALUE: Final = 64 << 20
"""Characters of one record, and of an object that holds an array."""

_BLOCK: Final = 1 << 20
_SPACE: Final = " \t\r\n\ufeff"


def read(source: Input, start: int, end: int) -> Iterator[Document]:
    """The documents of the whole file.

    Raises:
        Unreadable: when it is damaged from some place on; what comes before is yielded.
    """
    if _holds_lines(source):
        yield from jsonl.read(source, start, end)
        return
    with source.text() as stream:
        values = _Values(source, stream)
        first = values.peek()
        if first == "[":
            values.skip(1)
            yield from _array(source, values)
        else:
            yield from _sequence(source, values)


def _holds_lines(source: Input) -> bool:
    """Whether the file holds JSON lines, as many do that are called .json."""
    with source.text() as stream:
        first, _ = read_until_damage(stream, len(BOM) + 1)
        first = first.removeprefix(BOM)
        if not first.startswith(b"{"):
            return False
        first += stream.readline(jsonl.LONGEST_LINE)
        following, _ = read_until_damage(stream, 1 << 16)
        if not following.strip().startswith(b"{"):
            return False
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def _array(source: Input, values: _Values) -> Iterator[Document]:
    number = 0
    while (mark := values.peek()) != "]":
        if mark == "," and number:
            values.skip(1)
        elif number:
            raise values.damaged("the array goes on without a comma, or ends without a bracket")
        if values.peek() == "]":
            return
        number += 1
        yield from _item(source, values.next(), f"record {number:,}")


def _sequence(source: Input, values: _Values) -> Iterator[Document]:
    """Objects one after the other; of one alone, which is no record, the array of records in it."""
    number = 0
    while values.peek():
        number += 1
        value = values.next()
        if number == 1 and not values.peek() and isinstance(value, dict) and not is_record(value, source):
            arrays = [part for part in value.values() if _is_array_of_objects(part)]
            if len(arrays) == 1:
                for i, part in enumerate(arrays[0], 1):
                    yield from _item(source, part, f"record {i:,}")
                return
        yield from _item(source, value, f"record {number:,}")


def _is_array_of_objects(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _item(source: Input, value: Any, where: str) -> Iterator[Document]:
    if isinstance(value, str):  # a bare text
        value = {source.settings.column: value}
    yield from from_value(source, value, where)


class _Values:
    """The values of a stream of JSON, one at a time."""

    def __init__(self, source: Input, stream: IO[bytes]) -> None:
        self._source, self._stream = source, stream
        self._decoder = json.JSONDecoder()
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._text, self._at, self._before, self._ended = "", 0, 0, False
        self._damage: Exception | None = None

    def peek(self) -> str:
        """The next character that is not white space; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def skip(self, count: int) -> None:
        self._at += count

    def next(self) -> Any:
        """The value that begins at the next character.

        Raises:
            Unreadable: when there is none.
        """
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
                if end < len(self._text) or self._ended:  # a number may go on
                    self._at = end
                    return value
            except RecursionError:
                raise self.damaged("a record is nested too deeply") from None
            except ValueError as error:
                if self._ended:
                    raise self.damaged(str(error)) from None
            left = len(self._text) - self._at
            if left > LARGEST_VALUE:
                raise self.damaged(f"not JSON, or a record is longer than {LARGEST_VALUE >> 20} MiB")
            self._more(max(_BLOCK, left))

    def damaged(self, why: str) -> Unreadable:
        """That the stream cannot be read on from here."""
        return Unreadable(f"is not JSON from character {self._before + self._at:,} on ({why.split(': line')[0]})")

    def _more(self, size: int = _BLOCK) -> bool:
        if self._damage:
            raise self._damage
        if self._ended:
            return False
        block, self._damage = read_until_damage(self._stream, size)
        if self._damage and not block:
            raise self._damage
        self._ended = not block
        self._before += self._at
        self._text, self._at = self._text[self._at :] + self._utf8.decode(block, final=self._ended), 0
        self._source.share = min(1.0, self._source.position / self._source.size)
        return True
