"""Detects the encoding of a text by byte order mark, by its bytes, or by a guess."""

from __future__ import annotations

import codecs
import io
from typing import IO, Final

from trainer.prepare.text.unpacking import read_some, read_until_damage

UTF_8: Final = "utf-8"

_MARKS: Final = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

WHOLE: Final = 16 << 20
"""A file of up to so many bytes is looked at whole, of a longer one some windows."""

_HEAD, _WINDOW, _WINDOWS = 1 << 20, 1 << 16, 63
_GUESSED_BYTES: Final = 1 << 15
"""Of the lines that are not ASCII, for charset-normalizer."""

_RARE: Final = 2_000
"""One broken sequence in so many bytes, or fewer, is damage in a text that is UTF-8 otherwise."""

_FEW, _PLAUSIBLE = 10, 0.9
"""Rare sequences, of which there are more than a few, may be another encoding: if nearly all would be letters,
quotation marks or dashes in Windows-1252."""

_MOST_CONTROLS: Final = 0.01
_CONTROLS: Final = bytes({*range(32), 127} - set(b"\t\n\v\f\r\b\x1a\x1b"))
_TYPOGRAPHY: Final = frozenset("‘’“”„«»–—…•€°§£©·¿¡")


class NotText(Exception):
    """The bytes are no text."""


def take_sample(stream: IO[bytes], size: int | None) -> bytes:
    """The beginning of a text and windows from all over it, `WHOLE` bytes at most.

    Args:
        stream: at its beginning.
        size: bytes in it, when it can seek; None otherwise, and then only the beginning is looked at.

    Raises:
        Exception: what reading raised, when it is damaged from its first byte on.
    """
    if size is None or size <= WHOLE:
        sample, damage = read_until_damage(stream, WHOLE if size is not None else 4 * _HEAD)
        if damage and not sample:
            raise damage
        return sample
    parts = [_whole_characters(stream.read(_HEAD))]
    for number in range(1, _WINDOWS + 1):
        stream.seek(_HEAD + (size - _HEAD - _WINDOW) * number // _WINDOWS)
        parts.append(_whole_characters(stream.read(_WINDOW)))
    return b"\n".join(parts)


def detect(sample: bytes) -> str:
    """The encoding of a text, in Python's name.

    Raises:
        NotText: for binary data.
    """
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return name
    if _is_utf8(sample):
        _refuse_controls(sample)
        return UTF_8
    if (wide := _wide(sample)) is not None:
        return wide
    _refuse_controls(sample)
    text = sample.decode(errors="replace")
    broken = text.count("\ufffd") - sample.count("\ufffd".encode())
    valid = len(text) - text.count("\ufffd") - len(text.encode("ascii", "ignore"))
    if broken < valid or (broken * _RARE <= len(sample) and not (broken >= _FEW and _could_be_western(sample))):
        return UTF_8
    return _guess(sample)


def named(encoding: str, *, guessed: bool = True) -> str:
    """The encoding's name for reports."""
    if encoding == UTF_8 or encoding.startswith(("utf-16", "utf-32")) or not guessed:
        return encoding
    return f"{encoding} (guessed)"


def recoded(stream: IO[bytes], encoding: str) -> IO[bytes]:
    """The stream as UTF-8; characters that the encoding does not have become U+FFFD."""
    return stream if encoding == UTF_8 else io.BufferedReader(_Recoded(stream, encoding), 1 << 20)


class _Recoded(io.RawIOBase):
    def __init__(self, stream: IO[bytes], encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._ready = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._ready and not self._ended:
            block = read_some(self._stream, 1 << 18)
            self._ended = not block
            text = self._decoder.decode(block, final=self._ended)
            self._ready = memoryview(text.encode(errors="replace"))
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size


def _whole_characters(data: bytes) -> bytes:
    """A window without the parts of characters of UTF-8 at its ends."""
    begin = 0
    while begin < min(3, len(data)) and data[begin] & 0xC0 == 0x80:
        begin += 1
    end = len(data)
    for back in range(1, min(4, len(data)) + 1):
        if data[-back] & 0xC0 != 0x80:
            if data[-back] >= 0xC0:
                end = len(data) - back
            break
    return data[begin:end]


def _wide(sample: bytes) -> str | None:
    """UTF-16 without a byte order mark: text has a NUL in every other place, or in none."""
    head = sample[: 1 << 16]
    half = len(head) // 2
    even, odd = head[0 : 2 * half : 2].count(0), head[1 : 2 * half : 2].count(0)
    if odd > 0.3 * half and even < 0.02 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.3 * half and odd < 0.02 * half else None


def _is_utf8(sample: bytes) -> bool:
    try:
        return sample.isascii() or bool(sample.decode())
    except UnicodeDecodeError:
        return False


def _refuse_controls(sample: bytes) -> None:
    sample = sample[:_HEAD]
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    if controls > max(1, _MOST_CONTROLS * len(sample)):
        if _wide(sample):
            return
        raise NotText


def _could_be_western(sample: bytes) -> bool:
    high = sample.translate(None, bytes(range(128)))
    text = high.decode("cp1252", "replace")
    return sum(char.isalpha() or char in _TYPOGRAPHY for char in text) >= _PLAUSIBLE * len(text)


def _guess(sample: bytes) -> str:
    """What charset-normalizer says of the lines that are not ASCII.

    Raises:
        NotText: when it finds none.
    """
    from charset_normalizer import from_bytes

    lines: list[bytes] = []
    size = 0
    for line in sample.splitlines(keepends=True):
        if not line.isascii():
            lines.append(line[: _GUESSED_BYTES - size])
            size += len(lines[-1])
        if size >= _GUESSED_BYTES:
            break
    looked_at = b"".join(lines)
    matches = from_bytes(looked_at)
    best = matches.best()
    if best is None:
        raise NotText
    # Of code pages that make equally good sense of these bytes, the one that most files have.
    for match in matches:
        if match.chaos <= best.chaos and "cp1252" in (match.encoding, *match.could_be_from_charset):
            return "cp1252"
    return best.encoding
