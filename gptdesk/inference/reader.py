"""Reads texts without completing them: ahead of a completion, for scores of their tokens, for logits at a position."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Final

import numpy as np
import numpy.typing as npt

from gptdesk.inference.engine import Engine
from gptdesk.inference.scoring.scores import TextScores, TokenScores
from gptdesk.inference.scoring.text_scorer import TextScorer
from gptdesk.inference.scoring.windows import window_start

ALTERNATIVES: Final = 10
"""Alternatives that are found for each token unless told otherwise."""

_ROWS: Final = 32
"""Positions whose logits are computed at once: 6 MB of OpenAI's vocabulary."""


class TextReader:
    """Reads texts by an engine, in the engine's thread. What it reads is ready to be completed by the engine.

    Args:
        engine: reads.
        top: alternatives found for each token that is scored, at most the vocabulary.
    """

    def __init__(self, engine: Engine, *, top: int = ALTERNATIVES) -> None:
        self._engine = engine
        self._scorer = TextScorer(engine.network, engine.vocab_size, top=top)

    @property
    def top(self) -> int:
        """Alternatives found for each token that is scored."""
        return self._scorer.top

    def read_ahead(
        self,
        prompt: str | Sequence[int],
        *,
        scored: bool = False,
        cancelled: Callable[[], bool] = lambda: False,
        interrupted: Callable[[int], bool] = lambda tokens: False,
    ) -> bool:
        """Reads a prompt that may be completed next; its completion then begins at once, and is the same bit for bit.

        Args:
            prompt: as for `Engine.generate`.
            scored: whether it is scored next, for which what a completion has read without outputs is read again.
            cancelled: asked before each chunk.
            interrupted: asked before each block of the network, with the number of tokens of the prompt that the chunk
                ends with.

        Returns:
            False if one of them returned True; what was read until then is kept.

        Raises:
            UserError: as for `Engine.generate`.
        """
        ids = self._engine.prompt_ids(prompt)
        start = window_start(len(ids), self._engine.config.n_positions)
        with self._engine.context_taken() as context:
            return context.read(
                ids[start:],
                cancelled,
                outputs="all" if scored else "new",
                interrupted=lambda read: interrupted(start + read),
            )

    def score(
        self,
        ids: Sequence[int],
        *,
        near: int | None = None,
        interrupted: Callable[[int], bool] = lambda tokens: False,
    ) -> Iterator[tuple[int, TokenScores]]:
        """Scores every token of a text but the first, given the tokens before it: all, or, past a full context, those
        from `window_start` on, which are what the model reads to choose it.

        Ends early when it is interrupted. Scores of chunks that were met before are not computed again, and chunks that
        `read_ahead` read are not read again.

        Args:
            ids: of the text.
            near: index of a token around which a text longer than the context is scored first, after its end, which is
                the part that a completion needs; by default the last one.
            interrupted: asked every few milliseconds, with the number of tokens of the text that the work needs.

        Yields:
            The index of a first token, and the scores of the tokens from there on; each token once.

        Raises:
            UserError: for tokens that the model does not have, full memory, or values that are not numbers.
        """
        self._engine.check_ids(ids)
        array = np.asarray(ids, np.int64)
        end = window_start(len(ids), self._engine.config.n_positions)
        middle = len(ids) if near is None else near
        windows = self._scorer.windows(len(ids))
        windows.sort(key=lambda window: (window.start != end, abs(middle - (window.first + window.end) // 2)))
        with self._engine.context_taken() as context:
            scratch = cache(self._engine.new_context)  # the end of the text stays ready to be completed
            for window in windows:
                within = (lambda: context) if window.start == end else scratch
                yield from self._scorer.score(array, window, within, interrupted)

    def scores(
        self, ids: Sequence[int], *, interrupted: Callable[[int], bool] = lambda tokens: False
    ) -> TextScores | None:
        """All scores of a text at once; arguments and errors as for `score`.

        Returns:
            ``None`` when ``interrupted`` returned True.
        """
        found = TextScores(np.asarray(ids, np.int64), TokenScores.unknown(len(ids), self._scorer.top))
        for first, scores in self.score(ids, interrupted=interrupted):
            found.scores.put(first, scores)
        return found if found.complete else None

    def logits_at(
        self, ids: Sequence[int], position: int, *, interrupted: Callable[[int], bool] = lambda tokens: False
    ) -> npt.NDArray[np.float32] | None:
        """Logits of the token at ``position`` of a text, given the tokens before it as for `score`.

        At the end of the text they are bit for bit those from which a completion of it chooses its first token. Within
        it they are those of the pass that read the whole text.

        Args:
            ids: of the text; an empty one is the token that begins a text.
            position: 1 to the number of tokens.
            interrupted: as for `read_ahead`.

        Returns:
            (vocab_size) float32; ``None`` when ``interrupted`` returned True.

        Raises:
            UserError: as for `Engine.generate`.
        """
        ids = self._engine.prompt_ids(ids)
        assert 1 <= position <= len(ids)
        start = window_start(position, self._engine.config.n_positions)
        at_end = start == window_start(len(ids), self._engine.config.n_positions)
        prompt = ids[start:] if at_end else ids[start:position]
        with self._engine.context_taken() as shared:
            context = shared if at_end else self._engine.new_context()
            within = start + len(prompt) > position
            if not context.read(
                prompt,
                lambda: False,
                outputs="all" if within else "last",
                interrupted=lambda read: interrupted(start + read),
            ):
                return None
            if not within:
                logits = context.logits[: self._engine.vocab_size]
                return logits if isinstance(logits, np.ndarray) else logits.cpu().numpy()
            hidden = context.hidden[position - start - 1 : position - start]
            at_position: npt.NDArray[np.float32] = self._engine.network.logits(hidden, self._engine.vocab_size)[0]
            return at_position

    def logits(
        self, ids: Sequence[int], *, interrupted: Callable[[int], bool] = lambda tokens: False
    ) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
        """Logits of every token of a text but the first, given the tokens before it as for `score`, in order.

        Ends early when it is interrupted.

        Args:
            ids: of the text.
            interrupted: as for `score`.

        Yields:
            The index of a first token, and the logits of the n tokens from there on, (n, vocab_size) float32.

        Raises:
            UserError: as for `score`.
        """
        self._engine.check_ids(ids)
        ids = list(ids)
        n_positions = self._engine.config.n_positions
        end = window_start(len(ids), n_positions)
        with self._engine.context_taken() as shared:
            scratch = cache(self._engine.new_context)
            for window in self._scorer.windows(len(ids)):
                context = shared if window.start == end else scratch()
                prompt = ids[window.start : window.start + n_positions]
                stopped = partial(_interrupted_at, interrupted, window.start)
                if not context.read(prompt, lambda: False, outputs="all", interrupted=stopped):
                    return
                for first in range(window.first, window.end, _ROWS):
                    last = min(first + _ROWS, window.end)
                    if interrupted(last):
                        return
                    hidden = context.hidden[first - 1 - window.start : last - 1 - window.start]  # (n, C)
                    yield first, self._engine.network.logits(hidden, self._engine.vocab_size)


def _interrupted_at(interrupted: Callable[[int], bool], start: int, read: int) -> bool:
    return interrupted(start + read)
