"""Perplexity of a text, with a sliding window."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gptdesk.errors import UserError
from gptdesk.gpt2.model import GPT2
from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.inference.scoring.scores import bits_per_byte, perplexity
from gptdesk.inference.scoring.windows import loss_windows
from trainer.evaluation.scoring import BATCH_TOKENS, Progress, Row, first_token, score_rows


@dataclass(frozen=True)
class Perplexity:
    """What a model makes of a text. With L the sum of -ln p of all N tokens, W words and B bytes of UTF-8:

    Attributes:
        nats: L.
        tokens: N.
        words: W, the pieces between runs of white space, counted as lm-evaluation-harness does,
            ``len(re.split(r"\\s+", text))``: an empty piece before a leading run or after a trailing one counts.
        bytes: B.
    """

    nats: float
    tokens: int
    words: int
    bytes: int

    @property
    def loss(self) -> float:
        """L / N, nats a token."""
        return self.nats / self.tokens

    @property
    def per_token(self) -> float:
        """exp(L / N)."""
        return perplexity(self.nats, self.tokens)

    @property
    def per_word(self) -> float:
        """exp(L / W)."""
        return perplexity(self.nats, self.words)

    @property
    def per_byte(self) -> float:
        """exp(L / B)."""
        return perplexity(self.nats, self.bytes)

    @property
    def bits_per_byte(self) -> float:
        """L / (B ln 2)."""
        return bits_per_byte(self.nats, self.bytes)


def read_text(path: Path) -> str:
    """A text file's contents.

    Raises:
        UserError: when it cannot be read, is not UTF-8 or is empty.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise UserError(f"The text {path} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError as error:
        raise UserError(f"The text {path} is not UTF-8 (byte {error.start:,} cannot be read as such).") from None
    if not text:
        raise UserError(f"The text {path} is empty.")
    return text


def text_perplexity(
    model: GPT2,
    tokenizer: Tokenizer,
    text: str,
    *,
    context: int,
    stride: int,
    limit: int | None = None,
    batch_tokens: int = BATCH_TOKENS,
    progress: Progress = lambda done, total: None,
) -> Perplexity:
    """Perplexity of ``text`` after the token that begins a text, so that its first token is scored too.

    Windows are those of `loss_windows`. The smaller the stride, the better the figure and the longer it takes.

    Args:
        context: 1 to the model's context length.
        stride: 1 to ``context``.
        limit: read only so many tokens from the beginning; words and bytes are then those of that part.

    Raises:
        UserError: when the stride is out of its range.
    """
    if not 1 <= stride <= context:
        raise UserError(f"The stride must be 1 to {context:,}, the context, not {stride:,}.")
    ids = tokenizer.encode(text)
    if limit is not None and limit < len(ids):
        ids = ids[:limit]
        text = tokenizer.decode(ids)
    rows = strided_rows(np.array([*first_token(tokenizer), *ids], dtype=np.int32), context=context, stride=stride)
    scores = score_rows(model, rows, vocab_size=tokenizer.vocab_size, batch_tokens=batch_tokens, progress=progress)
    nats = math.fsum(float(score.losses.sum(dtype=np.float64)) for score in scores)
    return Perplexity(nats, len(ids), len(re.split(r"\s+", text)), len(text.encode()))


def strided_rows(ids: np.typing.NDArray[np.int32], *, context: int, stride: int) -> list[Row]:
    """Windows over ``ids``, (n) int32, that score each token but the first once."""
    windows = loss_windows(len(ids), context=context, stride=stride)
    return [Row(ids[start:end], end - first) for start, first, end in windows]
