"""Scores the tokens of a text chunk by chunk, and keeps the scores of chunks that come back."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from gptdesk.inference.context import Context
from gptdesk.inference.network import Network
from gptdesk.inference.scoring.scores import TokenScores
from gptdesk.inference.scoring.token_scores import token_scores
from gptdesk.inference.scoring.windows import Window, half_context, loss_windows

_MOST_CHUNKS: Final = 4_096
"""Chunks whose scores are kept: about 50 MB with ten alternatives, texts of 260,000 tokens."""


class _Chunk(NamedTuple):
    """A part of a window that is read in one pass.

    Attributes:
        first, end: indexes in the text of the tokens that it scores.
        key: of its scores: the tokens from the window's start on, and how many of them are scored.
    """

    first: int
    end: int
    key: bytes


class TextScorer:
    """Scores texts by one network.

    Chunks are those in which `Context` reads a prompt, so a text's scores do not depend on what was scored before.

    Args:
        network: of the model.
        vocab_size: ids from there on only pad the model's vocabulary.
        top: alternatives found for each token.
    """

    def __init__(self, network: Network, vocab_size: int, *, top: int) -> None:
        self.top = min(top, vocab_size)
        self._network, self._vocab_size = network, vocab_size
        self._kept: OrderedDict[bytes, TokenScores] = OrderedDict()

    def windows(self, length: int) -> list[Window]:
        """The windows in which a text of ``length`` tokens is scored."""
        n_positions = self._network.config.n_positions
        return loss_windows(length, context=n_positions, stride=half_context(n_positions))

    def score(
        self,
        ids: npt.NDArray[np.int64],
        window: Window,
        context: Callable[[], Context],
        interrupted: Callable[[int], bool],
    ) -> Iterator[tuple[int, TokenScores]]:
        """Scores the tokens of one window of the text ``ids``, (T); ends early when it is interrupted.

        Args:
            context: returns the one to read the window in, where it must be read at all.
            interrupted: asked often, with the number of tokens of the text that a step needs; True ends the work.

        Yields:
            The index of a first token, and the scores of the tokens from there on; each token of the window once.

        Raises:
            UserError: when the model computes values that are not numbers.
        """
        chunks = list(_chunks(ids, window, self._network.prompt_chunk))
        for chunk in chunks:
            if chunk.key in self._kept:
                self._kept.move_to_end(chunk.key)
                yield chunk.first, self._kept[chunk.key]
        missing = [chunk for chunk in chunks if chunk.key not in self._kept]
        if not missing:
            return
        reading = context()
        prompt = ids[window.start : window.start + self._network.config.n_positions].tolist()
        for chunk in missing:
            while window.start + reading.ready_length(prompt, "all") < chunk.end - 1:
                if not reading.read_chunk(prompt, "all", interrupted=lambda read: interrupted(window.start + read)):
                    return
            scores = self._scores(ids, window, chunk, reading, partial(interrupted, chunk.end))
            if scores is None:
                return
            self._keep(chunk.key, scores)
            yield chunk.first, scores

    def _scores(
        self,
        ids: npt.NDArray[np.int64],
        window: Window,
        chunk: _Chunk,
        context: Context,
        interrupted: Callable[[], bool],
    ) -> TokenScores | None:
        hidden = context.hidden[chunk.first - 1 - window.start : chunk.end - 1 - window.start]  # (n, C)
        targets = ids[chunk.first : chunk.end]  # (n)
        return token_scores(self._network, hidden, targets, self._vocab_size, top=self.top, interrupted=interrupted)

    def _keep(self, key: bytes, scores: TokenScores) -> None:
        self._kept[key] = scores
        if len(self._kept) > _MOST_CHUNKS:
            self._kept.popitem(last=False)


def _chunks(ids: npt.NDArray[np.int64], window: Window, size: int) -> Iterator[_Chunk]:
    """The chunks of a window that score any of its tokens: the output for a token scores the next one."""
    for start in range(window.start, window.end - 1, size):
        first, end = max(window.first, start + 1), min(window.end, start + size + 1)
        if first < end:
            digest = hashlib.blake2b(np.ascontiguousarray(ids[window.start : end]).tobytes(), digest_size=16)
            digest.update(str(first - window.start).encode())
            yield _Chunk(first, end, digest.digest())
