"""Reads a text by a column, and compares whole distributions with those of the first column, 32 positions at a time."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from gptdesk.compare.prompt_text import Prompt, encode
from gptdesk.compare.results import SharedReading
from gptdesk.gpt2.mixed_text import PLACEHOLDER, MixedText, spans_mixed

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer
    from gptdesk.inference.engine import Engine

Floats = npt.NDArray[np.float64]

MOST_KEPT: Final = 2 << 30
"""Bytes of logits that a comparison keeps in temporary files, and at most half of what is free on their disk."""


class KeptLogits:
    """The logits of one text by the first column, in a temporary file that nobody else sees.

    Args:
        engine: that computes them.
        ids: of the text.

    Attributes:
        ids: as given.
        bytes: that the file takes in the end.
        failed: whether the disk did not take them; they agree with none then.
    """

    def __init__(self, engine: Engine, ids: Sequence[int]) -> None:
        self.ids = tuple(ids)
        self._tokenizer, self._width = engine.tokenizer.sha256, engine.vocab_size
        self.bytes = self.size(engine, ids)
        self.failed = False
        self._file: BinaryIO | None = None

    @staticmethod
    def size(engine: Engine, ids: Sequence[int]) -> int:
        """Bytes that those of a text take."""
        return max(0, len(ids) - 1) * engine.vocab_size * 4

    def agrees_with(self, engine: Engine, ids: Sequence[int]) -> bool:
        """Whether an engine's distributions of that text are over the same tokens, at the same places."""
        same = (engine.tokenizer.sha256, engine.vocab_size) == (self._tokenizer, self._width)
        return same and self.ids == tuple(ids) and not self.failed

    def append(self, logits: npt.NDArray[np.float32]) -> None:
        """Keeps the next (n, V)."""
        if self.failed:
            return
        try:
            self._file = self._file or tempfile.TemporaryFile()  # noqa: SIM115 (until `close`)
            self._file.write(np.ascontiguousarray(logits).tobytes())
        except OSError:
            self.failed = True
            self.close()

    def rewind(self) -> None:
        """Reads from the first token on."""
        if self._file is not None:
            self._file.seek(0)

    def next(self, count: int) -> npt.NDArray[np.float32]:
        """The next (count, V)."""
        assert self._file is not None
        data = self._file.read(count * self._width * 4)
        return np.frombuffer(data, np.float32).reshape(count, self._width)

    def close(self) -> None:
        """Removes the file."""
        if self._file is not None:
            with suppress(OSError):  # what could not be written is written again
                self._file.close()


def free_for_logits() -> int:
    """Bytes that temporary files may take."""
    return min(MOST_KEPT, shutil.disk_usage(tempfile.gettempdir()).free // 2)


def read_shared(
    engine: Engine,
    text: Prompt,
    *,
    special: bool = False,
    kept: KeptLogits | None = None,
    keep: KeptLogits | None = None,
    interrupted: Callable[[], bool] = lambda: False,
) -> SharedReading | None:
    """Reads a text.

    Args:
        engine: reads.
        text: without a token before it, so that its first token is not predicted.
        special: whether the names of special tokens in it mean those.
        kept: the first column's, for the divergence from it, where they are over the same tokens.
        keep: gets the logits, for columns that come later.
        interrupted: asked every few positions.

    Returns:
        ``None`` when ``interrupted`` returned True.

    Raises:
        UserError: as `TextReader.score`.
    """
    from gptdesk.inference.reader import TextReader

    ids = encode(engine.tokenizer, text, special=special)
    if kept is not None and not kept.agrees_with(engine, ids):
        kept = None
    logprobs = np.full(len(ids), np.nan)
    kl = np.full(len(ids), np.nan) if kept is not None else None
    if kept is not None:
        kept.rewind()
    place = 1
    for first, logits in TextReader(engine).logits(ids, interrupted=lambda _: interrupted()):
        count = len(logits)
        mine = log_softmax(logits)
        logprobs[first : first + count] = mine[np.arange(count), ids[first : first + count]]
        if kept is not None and kl is not None:
            kl[first : first + count] = divergence(log_softmax(kept.next(count)), mine)
        if keep is not None:
            keep.append(logits)
        place = first + count
    if place < len(ids):
        return None
    ends = _byte_ends(engine.tokenizer, text, special=special)
    return SharedReading(np.asarray(ids, np.int64), ends, logprobs, kl)


def _byte_ends(tokenizer: Tokenizer, text: Prompt, *, special: bool) -> npt.NDArray[np.int64]:
    """Bytes of UTF-8 of the spelled text up to the end of each of its tokens, (T) int64."""
    if isinstance(text, MixedText):
        names = iter(text.names)
        letters = [next(names) if letter == PLACEHOLDER else letter for letter in text.text]
        spans = spans_mixed(tokenizer, text)
    else:
        letters, spans = list(text), tokenizer.spans(text, allow_special=special)
    places = np.cumsum([0, *(len(letter.encode("utf-8", "replace")) for letter in letters)], dtype=np.int64)
    found: npt.NDArray[np.int64] = places[[end for _, end in spans]]
    return found


def log_softmax(logits: npt.NDArray[np.float32]) -> Floats:
    """Natural logarithms of the probabilities, (n, V) float64, of (n, V) logits.

    Raises:
        UserError: when a logit is not a number.
    """
    from gptdesk.inference.prediction import check_numbers

    values = logits.astype(np.float64)
    check_numbers(float(values.max()))
    values -= values.max(axis=1, keepdims=True)
    values -= np.log(np.exp(values).sum(axis=1, keepdims=True))
    return values


def divergence(p: Floats, q: Floats) -> Floats:
    """KL(P || Q) = sum of p (ln p - ln q) over the whole vocabulary, in nats, (n), of log-probabilities (n, V).

    Kullback and Leibler 1951, "On Information and Sufficiency", Annals of Mathematical Statistics 22. Never below 0.
    """
    found: Floats = (np.exp(p) * (p - q)).sum(axis=1)
    return np.maximum(found, 0.0, out=found)
