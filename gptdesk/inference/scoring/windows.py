"""Where a text longer than the context is read from, and which of its tokens each window scores. Imports no torch."""

from __future__ import annotations

from typing import NamedTuple


def window_start(length: int, n_positions: int) -> int:
    """First position to read of a text of ``length`` tokens so that its end fits the context.

    Always a multiple of half the context: a text is read from the same place whether it was typed or generated, and
    one that grows is read again once per half context, not at each token.
    """
    half = half_context(n_positions)
    return -(-max(0, length - n_positions) // half) * half


def half_context(n_positions: int) -> int:
    """The distance of two windows, in tokens."""
    return max(1, n_positions // 2)


class Window(NamedTuple):
    """A part of a text that is read from its first token on, to score its last tokens.

    Attributes:
        start: index of the first token that is read.
        first: index of the first token that is scored.
        end: index behind the last token that is scored.
    """

    start: int
    first: int
    end: int


def loss_windows(length: int, *, context: int, stride: int) -> list[Window]:
    """Windows that score every token of a text but the first once, as a sliding window does.

    They begin ``stride`` tokens apart, and each scores the tokens that the one before it did not reach. So every token
    but those of the first window is predicted from at least ``context - stride`` and at most ``context`` tokens before
    it (https://huggingface.co/docs/transformers/perplexity). With a stride of `half_context`, token t is predicted from
    the tokens from ``window_start(t, context)`` on: what the engine reads to choose it.

    Args:
        length: of the text, in tokens.
        context: most tokens before a scored one, at least 1.
        stride: 1 to ``context``.
    """
    windows: list[Window] = []
    first = 1
    for start in range(0, length - 1, stride):
        end = min(start + context + 1, length)
        windows.append(Window(start, first, end))
        first = end
        if end == length:
            break
    return windows
